//! The exact function, evaluated in f64 as its definition spells it: another algebra than [`crate::Params::eval`]'s, so
//! that the one can check the other.

use crate::HardSigmoid;

/// The exact function and the error that [`HardSigmoid`] allows itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    line: Line,
    /// The error that rounding β/α leaves in the result: |β|·2⁻²⁴. None for the presets, whose β/α is an f32.
    shift_error: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    /// x/d + 1/2, for a preset.
    Divide(f64),
    /// α·x + β.
    Multiply(f64, f64),
}

impl Reference {
    pub(crate) fn new(f: HardSigmoid) -> Self {
        let preset = |d| Self { line: Line::Divide(d), shift_error: None };
        match f {
            HardSigmoid::ONNX => preset(5.0),
            HardSigmoid::PYTORCH => preset(6.0),
            _ => {
                let shifted = if f.alpha() == 0.0 { 0.0 } else { f.beta().abs() };
                Self { line: Line::Multiply(f.alpha(), f.beta()), shift_error: Some(shifted * 2_f64.powi(-24)) }
            }
        }
    }

    /// The exact function of `x`, to f64's precision; NaN of NaN.
    #[inline]
    pub(crate) fn exact(&self, x: f32) -> f64 {
        let wide = f64::from(x);
        let y = match self.line {
            Line::Divide(d) => wide / d + 0.5,
            // Constant for infinities, too.
            Line::Multiply(0.0, beta) if !x.is_nan() => beta,
            // Rounds once, from the exact sum.
            Line::Multiply(alpha, beta) => alpha.mul_add(wide, beta),
        };
        y.clamp(0.0, 1.0)
    }

    /// Whether `y` is a result that the contract allows for `x`.
    pub(crate) fn allows(&self, x: f32, y: f32) -> bool {
        if x.is_nan() {
            return y.to_bits() == x.to_bits() | 0x0040_0000;
        }
        if !(0.0..=1.0).contains(&y) || y.is_sign_negative() {
            return false;
        }
        let exact = self.exact(x);
        let Some(shift_error) = self.shift_error else { return ulps(y, exact) <= 1 };
        // To first order; the factor covers the others, and the last term a subnormal product.
        let bound = (shift_error + 3.0 * 2_f64.powi(-24) * exact) * (1.0 + 1e-6) + 2_f64.powi(-149);
        (f64::from(y) - exact).abs() <= bound
    }
}

/// How many f32 lie between a result and the f32 nearest to the exact one, which is in [0, 1]. A result that is
/// negative (-0 too) or NaN is further away than any number.
#[inline]
pub(crate) fn ulps(y: f32, exact: f64) -> u32 {
    if y.is_nan() || y.is_sign_negative() {
        return u32::MAX;
    }
    y.to_bits().abs_diff((exact as f32).to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_values() {
        let sixth = Reference::new(HardSigmoid::PYTORCH);
        assert_eq!([-3.0, -1.5, 0.0, 1.5, 3.0, 9.0].map(|x| sixth.exact(x)), [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]);
        let falling = Reference::new(HardSigmoid::new(-0.5, 0.25).unwrap());
        let x = [f32::INFINITY, 1.0, 0.5, 0.0, -1.0, f32::NEG_INFINITY];
        assert_eq!(x.map(|x| falling.exact(x)), [0.0, 0.0, 0.0, 0.25, 0.75, 1.0]);
        let constant = Reference::new(HardSigmoid::new(0.0, 0.25).unwrap());
        assert_eq!(x.map(|x| constant.exact(x)), [0.25; 6]);
        assert!(constant.exact(f32::NAN).is_nan() && falling.exact(f32::NAN).is_nan());
    }

    #[test]
    fn distances() {
        assert_eq!(ulps(1.0, 1.0), 0);
        assert_eq!(ulps(1.0_f32.next_down(), 1.0), 1);
        assert_eq!(ulps(0.0, f64::from(f32::from_bits(7))), 7);
        assert_eq!(ulps(-0.0, 0.0), u32::MAX);
        assert_eq!(ulps(f32::NAN, 0.5), u32::MAX);
    }
}
