//! The exact function, evaluated in f64. The formula differs from that of [`HardSigmoid::eval`], so that each can check
//! the other.

use std::cmp::Ordering;

use crate::element::{has_16_bits, is_evaluated_in_f32};
use crate::{Element, HardSigmoid};

/// The exact function, and the error bound of [`HardSigmoid`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    formula: Formula,
    /// |β|, or 0 if α is 0: the factor of the error from rounding β/α. `None` for the presets, where β/α is exact.
    shifted: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
enum Formula {
    /// x/d + 1/2, for a preset.
    Divide(f64),
    /// α·x + β.
    Multiply(f64, f64),
}

impl Reference {
    pub(crate) fn new(f: HardSigmoid) -> Self {
        let preset = |d| Self { formula: Formula::Divide(d), shifted: None };
        match f {
            HardSigmoid::ONNX => preset(5.0),
            HardSigmoid::PYTORCH => preset(6.0),
            _ => {
                let shifted = if f.alpha() == 0.0 { 0.0 } else { f.beta().abs() };
                Self { formula: Formula::Multiply(f.alpha(), f.beta()), shifted: Some(shifted) }
            }
        }
    }

    /// The exact function of `x` in f64 precision, or NaN if `x` is NaN.
    #[inline]
    pub(crate) fn exact<T: Element>(&self, x: T) -> f64 {
        let wide = x.to_exact();
        let y = match self.formula {
            // Adding first is more accurate for f64: the sum is exact near the zero of the function.
            Formula::Divide(d) if !is_evaluated_in_f32::<T>() => (wide + d / 2.0) / d,
            Formula::Divide(d) => wide / d + 0.5,
            // Infinities give the constant too.
            Formula::Multiply(0.0, beta) if !wide.is_nan() => beta,
            // Rounds once.
            Formula::Multiply(alpha, beta) => alpha.mul_add(wide, beta),
        };
        y.clamp(0.0, 1.0)
    }

    /// Whether α·x + β lies strictly between 0 and 1. False for NaN.
    #[inline]
    pub(crate) fn is_inside<T: Element>(&self, x: T) -> bool {
        let x = x.to_exact();
        match self.formula {
            Formula::Divide(d) => x.abs() * 2.0 < d,
            Formula::Multiply(alpha, beta) => {
                let one_less_beta = two_sum(1.0, -beta);
                alpha != 0.0
                    && x.is_finite()
                    && beside(alpha, x, (-beta, 0.0)).is_gt()
                    && beside(alpha, x, one_less_beta).is_lt()
            }
        }
    }

    /// The product of a gradient and α, to f64 precision.
    #[inline]
    pub(crate) fn sloped<T: Element>(&self, grad_y: T) -> f64 {
        match self.formula {
            Formula::Divide(d) => grad_y.to_exact() / d,
            Formula::Multiply(alpha, _) => grad_y.to_exact() * alpha,
        }
    }

    /// Whether the contract allows the result `y` for `x`.
    pub(crate) fn allows<T: Element>(&self, x: T, y: T) -> bool {
        if let Some(nan) = x.quieted() {
            return y.bits() == nan.bits();
        }
        let exact = self.exact(x);
        let wide = y.to_exact();
        if !(0.0..=1.0).contains(&wide) || wide.is_sign_negative() {
            return false;
        }
        let wider = is_evaluated_in_f32::<T>();
        // The largest relative error of one rounding in the type in which the arithmetic is done.
        let u = if wider { 2_f64.powi(-24) } else { 2_f64.powi(-53) };
        let shifted = match self.shifted {
            None if wider => return ulps(y, exact) <= 1,
            None => 0.5,
            Some(shifted) => shifted,
        };
        // The bound holds to first order. The factor covers the higher orders, and `own` a subnormal product. f64 is
        // not checked in a wider type, so there `own` covers the rounding errors of the reference.
        let own = if wider { 2_f64.powi(-149) } else { 2.0 * u };
        let bound = (shifted * u + 3.0 * u * exact) * (1.0 + 1e-6) + own;
        // A 16-bit type rounds the f32 result.
        let rounded = has_16_bits::<T>()
            && (T::from_f64(exact - bound).to_exact()..=T::from_f64(exact + bound).to_exact()).contains(&wide);
        rounded || (wide - exact).abs() <= bound
    }
}

/// a + b as a rounded sum and its rounding error.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// Compares α·x with `high` + `low`, for finite α and x. If `high` is close to the rounded product, their difference is
/// exact. Otherwise it decides the result.
fn beside(alpha: f64, x: f64, (high, low): (f64, f64)) -> Ordering {
    if high == 0.0 {
        // The product may underflow.
        return (alpha.signum() * x).partial_cmp(&0.0).unwrap_or(Ordering::Equal);
    }
    let product = alpha * x;
    let (rest, least) = two_sum(low, -alpha.mul_add(x, -product));
    (((product - high) - rest) - least).partial_cmp(&0.0).unwrap_or(Ordering::Equal)
}

/// Stands for this many ULP or more.
pub(super) const FAR: u32 = u32::MAX - 1;

/// The distance in ULP between a result and the number nearest to the exact result, which is in [0, 1]. `u32::MAX` if
/// the result is negative (including -0) or NaN.
#[inline]
pub(crate) fn ulps<T: Element>(y: T, exact: f64) -> u32 {
    let wide = y.to_exact();
    if wide.is_nan() || wide.is_sign_negative() {
        return u32::MAX;
    }
    u32::try_from(y.bits().abs_diff(T::from_f64(exact).bits())).map_or(FAR, |ulps| ulps.min(FAR))
}

/// The distance in ULP between a result of either sign and the number nearest to the exact result.
#[inline]
pub(crate) fn signed_ulps<T: Element>(got: T, exact: f64) -> u32 {
    let nearest = T::from_f64(exact);
    if got.to_exact().is_nan() || nearest.to_exact().is_nan() {
        return u32::MAX;
    }
    // Apart from the sign, the bits of a number are its distance in ULP from 0.
    let from_zero = |x: T| {
        let magnitude = x.bits() & (u64::MAX >> (65 - 8 * size_of::<T>()));
        if x.bits() == magnitude { i128::from(magnitude) } else { -i128::from(magnitude) }
    };
    u32::try_from((from_zero(got) - from_zero(nearest)).unsigned_abs()).map_or(FAR, |ulps| ulps.min(FAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_values() {
        let sixth = Reference::new(HardSigmoid::PYTORCH);
        assert_eq!([-3.0_f32, -1.5, 0.0, 1.5, 3.0, 9.0].map(|x| sixth.exact(x)), [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]);
        let falling = Reference::new(HardSigmoid::new(-0.5, 0.25).unwrap());
        let x = [f32::INFINITY, 1.0, 0.5, 0.0, -1.0, f32::NEG_INFINITY];
        assert_eq!(x.map(|x| falling.exact(x)), [0.0, 0.0, 0.0, 0.25, 0.75, 1.0]);
        let constant = Reference::new(HardSigmoid::new(0.0, 0.25).unwrap());
        assert_eq!(x.map(|x| constant.exact(x)), [0.25; 6]);
        assert!(constant.exact(f32::NAN).is_nan() && falling.exact(f32::NAN).is_nan());
    }

    /// Cases in which α·x + β or 1 - β, rounded to f64, would give the wrong answer.
    #[test]
    fn inside_is_exact() {
        let inside = |alpha, beta, x: f64| Reference::new(HardSigmoid::new(alpha, beta).unwrap()).is_inside(x);
        // The f64 values 0.3 and 0.7 are slightly less than 3/10 and 7/10.
        assert!(inside(1.0, 0.3, 0.7));
        assert!(
            !inside(1.0, 0.3, 0.7_f64.next_up()) && !inside(1.0, 0.25, 0.75) && inside(1.0, 0.25, 0.75_f64.next_down())
        );
        assert!(inside(1.0, -1e-30, 1.0) && !inside(1.0, 1e-30, 1.0) && !inside(1.0, 0.0, 1.0));
        assert!(!inside(1.0, -1e-30, 1e-30) && inside(1.0, -1e-30, 1e-30_f64.next_up()));
        assert!(inside(1e-20, 0.0, 1e-320) && !inside(-1e-20, 0.0, 1e-320) && !inside(1e-20, 0.0, 0.0));
        assert!(inside(-1e-20, 1.0, 1e-320) && !inside(1e-20, 1.0, 1e-320) && !inside(1e-20, 1.0, 0.0));
        assert!(!inside(1.0, 0.3, f64::INFINITY) && !inside(1.0, 0.3, f64::NAN) && !inside(0.0, 0.3, 0.0));
    }

    #[test]
    fn distances() {
        assert_eq!(ulps(1.0_f32, 1.0), 0);
        assert_eq!(ulps(1.0_f32.next_down(), 1.0), 1);
        assert_eq!(ulps(0.0_f32, f64::from(f32::from_bits(7))), 7);
        assert_eq!(ulps(-0.0_f32, 0.0), u32::MAX);
        assert_eq!(ulps(half::f16::from_f32(0.5), 0.501), 1 + 1);
        assert_eq!(ulps(f32::NAN, 0.5), u32::MAX);
        assert_eq!(signed_ulps(-1.0_f32, -1.0), 0);
        assert_eq!(signed_ulps(f32::from_bits(3), f64::from(-f32::from_bits(2))), 5);
        assert_eq!(signed_ulps(-0.0_f64, 0.0), 0);
        assert_eq!(signed_ulps(half::bf16::INFINITY, f64::INFINITY), 0);
        assert_eq!(signed_ulps(f32::NAN, 0.0), u32::MAX);
    }
}
