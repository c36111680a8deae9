//! Compares results with the definition and the exact function, with allowance for flushed subnormals.

use super::pass::Pass;
use super::reference::{Reference, signed_ulps, ulps};
use super::report::{Difference, MAX_DIFFERENCES, Report};
use crate::Element;
use crate::backward::{Backward, BackwardCoefficients};
use crate::element::{Float, is_evaluated_in_f32};
use crate::hard_sigmoid::Coefficients;

/// The expected results of a pass.
pub(super) enum Oracle<T: Element> {
    Forward { coefficients: Coefficients<T::Wide>, reference: Reference },
    Backward { backward: Backward, coefficients: BackwardCoefficients<T::Wide>, reference: Reference },
}

impl<T: Element> Oracle<T> {
    pub(super) fn new(pass: Pass) -> Self {
        match pass {
            Pass::Forward(f) => Self::Forward { coefficients: f.coefficients::<T>(), reference: Reference::new(f) },
            Pass::Backward(backward) => {
                let (coefficients, reference) = (backward.coefficients::<T>(), Reference::new(backward.function()));
                Self::Backward { backward, coefficients, reference }
            }
        }
    }

    /// Compares the results `y` for `x` and, in the backward pass, `grad_y`. `index` is the index of the first element.
    pub(super) fn compare(&self, x: &[T], grad_y: &[T], y: &[T], index: u64) -> Report<T> {
        let mut report = Report { checked: x.len() as u64, ..Report::default() };
        for (i, (&input, &got)) in x.iter().zip(y).enumerate() {
            let grad = grad_y.get(i).copied();
            let expected = self.expected(input, grad);
            report.nan_checked += u64::from(input.quieted().is_some());
            if got.bits() != expected.bits() {
                if self.is_flushed(input, grad, got) {
                    report.flushed += 1;
                    continue;
                }
                report.mismatches += 1;
                if report.first.len() < MAX_DIFFERENCES {
                    let index = index + i as u64;
                    report.first.push(Difference { index, input, grad_y: grad, got, expected });
                }
            }
            report.out_of_bound += u64::from(!self.allows(input, grad, got));
            if let Some(exact) = self.exact(input, grad) {
                let ulps = match self {
                    Self::Forward { .. } => ulps(got, exact),
                    Self::Backward { .. } => signed_ulps(got, exact),
                };
                report.max_ulp = report.max_ulp.max(ulps);
                // If both are infinite, their difference is NaN.
                let error = if got.to_exact() == exact { 0.0 } else { (got.to_exact() - exact).abs() };
                report.max_abs_error = report.max_abs_error.max(if error.is_nan() { f64::INFINITY } else { error });
            }
        }
        report
    }

    /// The result of the definition.
    pub(super) fn expected(&self, x: T, grad: Option<T>) -> T {
        match self {
            Self::Forward { coefficients, .. } => coefficients.eval(x),
            Self::Backward { coefficients, .. } => coefficients.eval(x, grad.unwrap_or(T::zeroed())),
        }
    }

    /// Whether the contract allows a result.
    fn allows(&self, x: T, grad: Option<T>, got: T) -> bool {
        match (self, self.exact(x, grad)) {
            (Self::Forward { reference, .. }, _) => reference.allows(x, got),
            (Self::Backward { .. }, Some(exact)) => signed_ulps(got, exact) <= 1,
            (Self::Backward { .. }, None) => got.quieted().is_some(),
        }
    }

    /// The exact result, or `None` if it is NaN.
    pub(super) fn exact(&self, x: T, grad: Option<T>) -> Option<f64> {
        match self {
            Self::Forward { reference, .. } => x.quieted().is_none().then(|| reference.exact(x)),
            Self::Backward { backward, reference, .. } => {
                let is_inside = match backward.is_from_output() {
                    true => x.to_exact() > 0.0 && x.to_exact() < 1.0 && backward.function().alpha() != 0.0,
                    false => reference.is_inside(x),
                };
                let exact = if is_inside { reference.sloped(grad?) } else { 0.0 };
                (!exact.is_nan()).then_some(exact)
            }
        }
    }

    /// Whether `got` is the result of the definition if subnormals are flushed to zero in some of its steps.
    fn is_flushed(&self, x: T, grad: Option<T>, got: T) -> bool {
        if !is_evaluated_in_f32::<T>() {
            return false;
        }
        match self {
            Self::Forward { coefficients, .. } => is_flushed(*coefficients, x, got),
            // The comparisons use integers, but a saved f16 may be flushed when it is widened.
            Self::Backward { reference, .. } => {
                let is_zero = got.to_exact() == 0.0;
                // The product is flushed before it is rounded to a 16-bit type.
                let product = |grad: T| is_between(reference.sloped(grad).abs(), f32::MIN_POSITIVE.into());
                let flushes = |grad: T| product(grad) || is_subnormal(grad);
                is_zero && grad.is_some_and(flushes)
                    || is_subnormal(x) && got.bits() == self.expected(T::zeroed(), grad).bits()
            }
        }
    }
}

/// Whether a number is subnormal in its own type.
pub(super) fn is_subnormal<T: Element>(x: T) -> bool {
    // The exponent of infinity has all bits set, that of the least normal number only the lowest.
    let least = 1 << T::from_f64(f64::INFINITY).bits().trailing_zeros();
    is_between(x.to_exact().abs(), T::from_low_bits(least).to_exact())
}

fn is_between(x: f64, least: f64) -> bool {
    x > 0.0 && x < least
}

fn is_flushed<T: Element>(coefficients: Coefficients<T::Wide>, x: T, got: T) -> bool {
    let zero = T::Wide::of(0.0);
    let flush = |value: T::Wide, really: bool| {
        if really && is_between(value.exact().abs(), f32::MIN_POSITIVE.into()) { zero } else { value }
    };
    x.quieted().is_none()
        && (0..16).any(|steps| {
            let at = |step: u32| steps & 1 << step != 0;
            let x = if at(0) && is_subnormal(x) { zero } else { x.widen() };
            let sum = flush(x + coefficients.shift, at(1));
            let z = flush(sum * coefficients.slope, at(2));
            let z = if z > coefficients.lo { z } else { coefficients.lo };
            let y = if z < coefficients.hi { z } else { coefficients.hi };
            T::round(flush(y, at(3)) + zero).bits() == got.bits()
        })
}
