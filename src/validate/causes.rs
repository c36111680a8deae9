//! What explains wrong results.

use super::judgement::{Cause, Finding, Kind};
use super::oracle::{Oracle, is_subnormal};
use super::pass::Pass;
use super::reference::signed_ulps;
use super::report::Difference;
use crate::{Dtype, Element, HardSigmoid};

/// Results with a larger error, in ULP, are not explained by rounding alone.
const ROUNDING: u32 = 16;

/// What explains the wrong results of numbers.
pub(super) fn causes<T: Element>(
    pass: Pass,
    x: &[T],
    grad_y: &[T],
    y: &[T],
    findings: &[Finding<T>],
    worst: Option<&Difference<T>>,
) -> Vec<Cause> {
    let is_of_numbers =
        |kind| !matches!(kind, Kind::Length | Kind::Nan | Kind::Infinity | Kind::MadeNan | Kind::MinusZero);
    if !findings.iter().any(|finding| finding.fails && is_of_numbers(finding.kind)) {
        return Vec::new();
    }
    let narrow =
        narrower(T::DTYPE).iter().copied().find(|&dtype| with_type!(dtype, U => is_narrow::<T, U>(pass, x, grad_y, y)));
    let unit = narrow.map_or_else(unit::<T>, |dtype| with_type!(dtype, U => unit::<U>()));
    let fits = |other: Pass| fits(pass, other, x, grad_y, y, unit);
    let narrow = narrow.map(Cause::Narrow);
    if fits(pass) {
        // The definition does better there. A product does not cancel, nor does a result that is flushed.
        let oracle = Oracle::<T>::new(pass);
        let cancels = |worst: &Difference<T>| {
            let Some(exact) = oracle.exact(worst.input, None) else { return false };
            let [got, definition] = [worst.got, oracle.expected(worst.input, None)].map(|y| signed_ulps(y, exact));
            got > definition.max(ROUNDING) && !is_subnormal(worst.expected)
        };
        let is_cancelled = !pass.has_gradient() && pass.function().beta() != 0.0 && worst.is_some_and(cancels);
        return narrow.or(is_cancelled.then_some(Cause::Cancellation)).into_iter().collect();
    }
    let f = pass.function();
    let presets = HardSigmoid::PRESETS.map(|(_, preset)| Some((Cause::OtherFunction(preset), preset)));
    let with = |cause, alpha, beta| HardSigmoid::new(alpha, beta).ok().map(|other| (cause, other));
    let rounded = |value: f64| f64::from(value as f32);
    let candidates = presets.into_iter().chain([
        with(Cause::Swapped, f.beta(), f.alpha()),
        with(Cause::RoundedToF32, rounded(f.alpha()), rounded(f.beta())),
        estimate(pass, x, grad_y, y).map(|other| (Cause::OtherFunction(other), other)),
    ]);
    let cause = candidates.flatten().find(|&(_, other)| other != f && fits(pass.with(other)));
    cause.into_iter().flat_map(|(cause, _)| [Some(cause), narrow]).flatten().collect()
}

/// The types of fewer bits.
const fn narrower(dtype: Dtype) -> &'static [Dtype] {
    match dtype {
        Dtype::F64 => &[Dtype::F16, Dtype::Bf16, Dtype::F32],
        Dtype::F32 => &[Dtype::F16, Dtype::Bf16],
        Dtype::F16 | Dtype::Bf16 => &[],
    }
}

/// Whether all results are numbers of type `U`, or NaN, and the right ones are not.
fn is_narrow<T: Element, U: Element>(pass: Pass, x: &[T], grad_y: &[T], y: &[T]) -> bool {
    let is_narrow = |y: f64| y.is_nan() || U::from_f64(y).to_exact() == y;
    let oracle = Oracle::<T>::new(pass);
    let right = |(i, &x): (usize, &T)| oracle.expected(x, grad_y.get(i).copied()).to_exact();
    y.iter().all(|y| is_narrow(y.to_exact())) && !x.iter().enumerate().map(right).all(is_narrow)
}

/// The distance from 1 to the number below.
fn unit<T: Element>() -> f64 {
    1.0 - T::from_low_bits(T::from_f64(1.0).bits() - 1).to_exact()
}

/// Whether all results of numbers are those of another pass, with an absolute error of a few units of numbers near 1,
/// or a relative one in the backward pass, where x next to an edge do not count.
fn fits<T: Element>(pass: Pass, other: Pass, x: &[T], grad_y: &[T], y: &[T], unit: f64) -> bool {
    let oracle = Oracle::<T>::new(other);
    let edges = [pass.edges(), other.edges()].concat();
    let bound = 4.0 * unit;
    x.iter().zip(y).enumerate().all(|(i, (&input, &got))| {
        let grad = grad_y.get(i).copied();
        let (x, y) = (input.to_exact(), got.to_exact());
        if !x.is_finite() || y.is_nan() {
            return true;
        }
        let Some(exact) = oracle.exact(input, grad) else { return true };
        // Of two infinities, the difference is NaN.
        let error = if T::from_f64(exact).to_exact() == y { 0.0 } else { (y - exact).abs() };
        if !pass.has_gradient() {
            return error <= bound;
        }
        let is_near = |edge: &f64| (x - edge).abs() <= 1e-6 * (1.0 + edge.abs());
        error <= bound * exact.abs() + f64::from(f32::MIN_POSITIVE)
            || grad.is_none_or(|grad| grad.to_exact().abs() < 1e-3)
            || edges.iter().any(is_near)
    })
}

/// The function that some of the results are of.
fn estimate<T: Element>(pass: Pass, x: &[T], grad_y: &[T], y: &[T]) -> Option<HardSigmoid> {
    let pairs = || x.iter().zip(y).map(|(x, y)| (x.to_exact(), y.to_exact()));
    if pass.has_gradient() {
        // Where the gradient is 1, the result is α.
        let is_alpha = |x: f64, y: f64| x.abs() < 1.0 && y != 0.0;
        let mut ones = pairs().zip(grad_y).filter(|&((x, y), grad)| is_alpha(x, y) && grad.to_exact() == 1.0);
        let ((_, alpha), _) = ones.next()?;
        return HardSigmoid::new(alpha, pass.function().beta()).ok();
    }
    let mut inside: Vec<_> = pairs().filter(|(_, y)| (0.1..0.9).contains(y)).collect();
    inside.retain(|(x, _)| x.is_finite());
    let first = inside.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let last = inside.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let alpha = (last.1 - first.1) / (last.0 - first.0);
    HardSigmoid::new(alpha, first.1 - alpha * first.0).ok()
}
