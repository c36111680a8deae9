//! The exact function, evaluated in f64 as its definition spells it: another algebra than [`HardSigmoid::eval`]'s, so
//! that the one can check the other.

use std::cmp::Ordering;

use crate::{Element, HardSigmoid};

/// The exact function and the error that [`HardSigmoid`] allows itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    formula: Formula,
    /// |β|, an ULP of which rounding β/α may leave in the result. None for the presets, whose β/α is an f32.
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

    /// The exact function of `x`, to f64's precision; NaN of NaN.
    #[inline]
    pub(crate) fn exact<T: Element>(&self, x: T) -> f64 {
        let wide = x.to_exact();
        let y = match self.formula {
            // f64 has no wider type to lose digits in.
            Formula::Divide(d) if T::SHADER.is_none() => (wide + d / 2.0) / d,
            Formula::Divide(d) => wide / d + 0.5,
            // Constant for infinities, too.
            Formula::Multiply(0.0, beta) if !wide.is_nan() => beta,
            // Rounds once, from the exact sum.
            Formula::Multiply(alpha, beta) => alpha.mul_add(wide, beta),
        };
        y.clamp(0.0, 1.0)
    }

    /// Whether α·x + β lies strictly between 0 and 1; false for NaN.
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

    /// The exact product of a gradient and α.
    #[inline]
    pub(crate) fn sloped<T: Element>(&self, grad_y: T) -> f64 {
        match self.formula {
            Formula::Divide(d) => grad_y.to_exact() / d,
            Formula::Multiply(alpha, _) => grad_y.to_exact() * alpha,
        }
    }

    /// Whether `y` is a result that the contract allows for `x`.
    pub(crate) fn allows<T: Element>(&self, x: T, y: T) -> bool {
        if let Some(nan) = x.quieted() {
            return y.bits() == nan.bits();
        }
        let exact = self.exact(x);
        let wide = y.to_exact();
        if !(0.0..=1.0).contains(&wide) || wide.is_sign_negative() {
            return false;
        }
        let wider = T::SHADER.is_some();
        // Half an ULP of 1, in the type that the arithmetic is done in.
        let u = if wider { 2_f64.powi(-24) } else { 2_f64.powi(-53) };
        let shifted = match self.shifted {
            None if wider => return ulps(y, exact) <= 1,
            None => 0.5,
            Some(shifted) => shifted,
        };
        // To first order; the factor covers the others, and the last term a subnormal product. f64 has no wider type to
        // be checked by: there the reference's own roundings come in.
        let own = if wider { 2_f64.powi(-149) } else { 2.0 * u };
        let bound = (shifted * u + 3.0 * u * exact) * (1.0 + 1e-6) + own;
        // A 16-bit type rounds what f32 gave.
        let rounded = size_of::<T>() == 2
            && (T::nearest(exact - bound).to_exact()..=T::nearest(exact + bound).to_exact()).contains(&wide);
        rounded || (wide - exact).abs() <= bound
    }
}

/// a + b as a rounded sum and what the rounding has lost.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// How α·x lies beside a number of twice f64's digits, for finite α and x. Exact: where the leading digits of the two are close
/// their difference is, and where they are not they decide.
fn beside(alpha: f64, x: f64, (high, low): (f64, f64)) -> Ordering {
    if high == 0.0 {
        // The product may underflow.
        return (alpha.signum() * x).partial_cmp(&0.0).unwrap_or(Ordering::Equal);
    }
    let product = alpha * x;
    let (rest, least) = two_sum(low, -alpha.mul_add(x, -product));
    (((product - high) - rest) - least).partial_cmp(&0.0).unwrap_or(Ordering::Equal)
}

/// As many ULP or more.
const FAR: u32 = u32::MAX - 1;

/// How many numbers of a type lie between a result and the one nearest to the exact result, which is in [0, 1]. A result
/// that is negative (-0 too) or NaN is further away than any number.
#[inline]
pub(crate) fn ulps<T: Element>(y: T, exact: f64) -> u32 {
    let wide = y.to_exact();
    if wide.is_nan() || wide.is_sign_negative() {
        return u32::MAX;
    }
    u32::try_from(y.bits().abs_diff(T::nearest(exact).bits())).map_or(FAR, |ulps| ulps.min(FAR))
}

/// How many numbers of a type lie between a result of either sign and the one nearest to the exact result.
#[inline]
pub(crate) fn signed_ulps<T: Element>(got: T, exact: f64) -> u32 {
    let nearest = T::nearest(exact);
    if got.to_exact().is_nan() || nearest.to_exact().is_nan() {
        return u32::MAX;
    }
    // The sign apart, bits count the numbers from 0 on.
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

    /// Where a rounded α·x + β is 1, or a rounded 1 - β is the edge, by digits that f64 has no room for.
    #[test]
    fn inside_is_exact() {
        let inside = |alpha, beta, x: f64| Reference::new(HardSigmoid::new(alpha, beta).unwrap()).is_inside(x);
        // 0.3 is a little less than 3/10, and 0.7 than 7/10.
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
