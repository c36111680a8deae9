//! Judges the results of any implementation.

use super::causes::causes;
use super::inputs::{CHUNK, is_beside, judge_inputs, weight};
use super::judgement::{Finding, Judgement, Kind, Tolerance};
use super::oracle::{Oracle, is_subnormal};
use super::pass::Pass;
use super::reference::signed_ulps;
use super::report::Difference;
use crate::{Element, HardSigmoid, cpu};

/// Judges the function `compute`, which returns the results for x and, in the backward pass, the gradients with respect
/// to y. The inputs are those of [`judge_inputs`].
///
/// ```
/// use hard_sigmoid::HardSigmoid;
/// use hard_sigmoid::half::bf16;
/// use hard_sigmoid::validate::{Cause, Tolerance, judge_fn};
///
/// let keras2 = |x: &bf16| bf16::from_f32((0.2 * x.to_f32() + 0.5).clamp(0.0, 1.0));
/// let judgement = judge_fn(HardSigmoid::PYTORCH, Tolerance::Ulps(1), |x, _| x.iter().map(keras2).collect());
/// assert!(!judgement.is_ok());
/// assert_eq!(judgement.causes, [Cause::OtherFunction(HardSigmoid::ONNX)]);
/// println!("{judgement}");
/// ```
pub fn judge_fn<T: Element>(
    pass: impl Into<Pass>,
    tolerance: Tolerance,
    compute: impl FnOnce(&[T], &[T]) -> Vec<T>,
) -> Judgement<T> {
    let pass = pass.into();
    let (x, grad_y) = judge_inputs(pass);
    judge(pass, tolerance, &x, &grad_y, &compute(&x, &grad_y))
}

/// Judges the results `y` for `x` and, in the backward pass, for the gradients `grad_y`, which are ignored in the
/// forward pass. If the lengths differ, that is a finding, and those at the end are not judged.
///
/// The results may be those of [`judge_inputs`] or of any data.
#[must_use]
pub fn judge<T: Element>(pass: impl Into<Pass>, tolerance: Tolerance, x: &[T], grad_y: &[T], y: &[T]) -> Judgement<T> {
    let pass = pass.into();
    let judge = Judge { pass, oracle: Oracle::new(pass), tolerance };
    let grad_y = if pass.has_gradient() { grad_y } else { &[] };
    let lengths = [x.len(), y.len(), if pass.has_gradient() { grad_y.len() } else { x.len() }];
    let [shortest, longest] = [lengths.into_iter().min(), lengths.into_iter().max()].map(Option::unwrap_or_default);
    let x = x.get(..shortest).unwrap_or_default();
    let chunks = (0..).step_by(CHUNK).zip(x.chunks(CHUNK).zip(y.chunks(CHUNK)));
    let judge_chunk = |(start, (x, y)): (usize, (&[T], &[T]))| {
        judge.chunk(x, grad_y.get(start..).unwrap_or_default(), y, start as u64)
    };
    let mut tally = cpu::parallel::fold(weight(x), chunks, judge_chunk, Tally::add);
    if shortest != longest {
        let count = longest.abs_diff(shortest) as u64;
        tally.note(Finding { kind: Kind::Length, count, fails: true, examples: Vec::new() });
    }
    if let Pass::Forward(f) = pass {
        descents(f, x, y).into_iter().for_each(|finding| tally.note(finding));
    }
    let Tally { checked, max_ulp, worst, max_abs_error, mut findings } = tally;
    findings.sort_by_key(|finding| finding.kind);
    let causes = causes(pass, x, grad_y, y, &findings, worst.as_ref());
    Judgement { pass, tolerance, checked, max_ulp, worst, max_abs_error, findings, causes }
}

struct Judge<T: Element> {
    pass: Pass,
    oracle: Oracle<T>,
    tolerance: Tolerance,
}

/// What is known of some results.
struct Tally<T> {
    checked: u64,
    max_ulp: u32,
    worst: Option<Difference<T>>,
    max_abs_error: f64,
    findings: Vec<Finding<T>>,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self { checked: 0, max_ulp: 0, worst: None, max_abs_error: 0.0, findings: Vec::new() }
    }
}

impl<T: Element> Tally<T> {
    fn note(&mut self, finding: Finding<T>) {
        match self.findings.iter_mut().find(|other| other.kind == finding.kind) {
            Some(same) => same.add(&finding),
            None => self.findings.push(finding),
        }
    }

    fn add(mut self, other: Self) -> Self {
        self.checked += other.checked;
        // Of two that are equally far off, the first.
        let is_first = |a: &Option<Difference<T>>, b: &Option<Difference<T>>| {
            b.as_ref().is_some_and(|b| a.as_ref().is_none_or(|a| b.index < a.index))
        };
        if other.max_ulp > self.max_ulp || other.max_ulp == self.max_ulp && is_first(&self.worst, &other.worst) {
            (self.max_ulp, self.worst) = (other.max_ulp, other.worst);
        }
        self.max_abs_error = self.max_abs_error.max(other.max_abs_error);
        other.findings.into_iter().for_each(|finding| self.note(finding));
        self
    }
}

impl<T: Element> Judge<T> {
    fn chunk(&self, x: &[T], grad_y: &[T], y: &[T], index: u64) -> Tally<T> {
        let mut tally = Tally { checked: x.len().min(y.len()) as u64, ..Tally::default() };
        for (i, (&input, &got)) in x.iter().zip(y).enumerate() {
            let grad = grad_y.get(i).copied();
            let exact = self.oracle.exact(input, grad);
            let difference = |expected| Difference { index: index + i as u64, input, grad_y: grad, got, expected };
            if let Some(exact) = exact.filter(|_| got.quieted().is_none()) {
                let ulps = signed_ulps(got, exact);
                if ulps > tally.max_ulp {
                    (tally.max_ulp, tally.worst) = (ulps, Some(difference(T::from_f64(exact))));
                }
                tally.max_abs_error = tally.max_abs_error.max(distance(got, exact));
            }
            let fails = self.fails(input, grad, got, exact);
            if fails || exact.is_some_and(|exact| is_minus_zero(got, exact)) {
                let kind = if fails { self.kind(input, grad, got, exact) } else { Kind::MinusZero };
                let expected = match exact {
                    Some(exact) if self.tolerance != Tolerance::Bits => T::from_f64(exact),
                    _ => self.oracle.expected(input, grad),
                };
                tally.note(Finding::new(kind, fails, difference(expected)));
            }
        }
        tally
    }

    fn fails(&self, x: T, grad: Option<T>, got: T, exact: Option<f64>) -> bool {
        if self.tolerance == Tolerance::Bits {
            return got.bits() != self.oracle.expected(x, grad).bits();
        }
        let (Some(exact), None) = (exact, got.quieted()) else { return exact.is_none() != got.quieted().is_some() };
        match self.tolerance {
            Tolerance::Absolute(error) => {
                let scale = grad.map_or(1.0, |grad| grad.to_exact().abs().max(1.0));
                // No number is within a tolerance that is NaN.
                let is_within = distance(got, exact) <= error * scale;
                signed_ulps(got, exact) > 0 && !is_within
            }
            Tolerance::Ulps(_) if !self.pass.has_gradient() && is_minus_zero(got, exact) => true,
            Tolerance::Ulps(ulps) => signed_ulps(got, exact) > ulps,
            Tolerance::Bits => true,
        }
    }

    fn kind(&self, x: T, grad: Option<T>, got: T, exact: Option<f64>) -> Kind {
        let inputs = || [x].into_iter().chain(grad);
        let is_backward = self.pass.has_gradient();
        let (y, exact) = (got.to_exact(), exact.unwrap_or(f64::NAN));
        // A gradient of 0 gives 0 between the edges, too.
        let is_beyond = match is_backward {
            true => self.oracle.exact(x, Some(T::from_f64(1.0))) == Some(0.0),
            false => exact == 0.0 || exact == 1.0,
        };
        if inputs().any(|input| input.quieted().is_some()) {
            Kind::Nan
        } else if inputs().any(|input| input.to_exact().is_infinite()) {
            Kind::Infinity
        } else if y.is_nan() {
            Kind::MadeNan
        } else if is_minus_zero(got, exact) {
            Kind::MinusZero
        } else if !is_backward && !(0.0..=1.0).contains(&y) {
            Kind::Range
        } else if is_beside(self.pass, x) {
            Kind::Edge
        } else if inputs().chain([T::from_f64(exact)]).any(is_subnormal) {
            Kind::Subnormal
        } else {
            match (is_backward, is_beyond) {
                (true, true) => Kind::Leak,
                (true, false) if y == 0.0 => Kind::Lost,
                (false, true) => Kind::Late,
                (false, false) if y == 0.0 || y == 1.0 => Kind::Early,
                (_, false) => Kind::Inside,
            }
        }
    }
}

fn is_minus_zero<T: Element>(got: T, exact: f64) -> bool {
    let y = got.to_exact();
    y == 0.0 && y.is_sign_negative() && exact == 0.0 && exact.is_sign_positive()
}

/// 0 for two infinities of one sign.
fn distance<T: Element>(got: T, exact: f64) -> f64 {
    let y = got.to_exact();
    if y == exact { 0.0 } else { (y - exact).abs() }
}

/// Results that are less than that of a lesser x, or greater if α < 0.
fn descents<T: Element>(f: HardSigmoid, x: &[T], y: &[T]) -> Option<Finding<T>> {
    let mut pairs: Vec<_> = (0..).zip(x.iter().copied().zip(y.iter().copied())).collect();
    pairs.retain(|(_, (x, y))| x.quieted().is_none() && y.quieted().is_none());
    pairs.sort_unstable_by(|(_, (a, _)), (_, (b, _))| a.to_exact().total_cmp(&b.to_exact()));
    let mut finding: Option<Finding<T>> = None;
    for pair in pairs.windows(2) {
        let &[(_, (_, before)), (index, (input, got))] = pair else { continue };
        if (got.to_exact() - before.to_exact()) * f.alpha().signum() < 0.0 {
            let difference = Difference { index, input, grad_y: None, got, expected: before };
            let next = Finding::new(Kind::Descent, false, difference);
            match &mut finding {
                Some(finding) => finding.add(&next),
                None => finding = Some(next),
            }
        }
    }
    finding
}
