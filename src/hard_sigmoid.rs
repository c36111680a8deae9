//! The definition of the function. Every path in the crate evaluates [`Coefficients::eval`] or its twin in
//! `shaders/hard_sigmoid.wgsl`.

use bytemuck::{Pod, Zeroable};

use crate::element::{Element, Float};
use crate::error::ParameterError;

/// Hard sigmoid, y = clamp(α·x + β, 0, 1), with its two parameters.
///
/// Two presets are in use under the same name and are routinely confused, so there is no `Default`: name one, or give
/// α and β to [`new`](Self::new).
///
/// # The contract
///
/// *The exact function* is clamp(α·x + β, 0, 1) over the reals with the f64 values of α and β, and with the rationals
/// 1/5, 1/6 and 1/2 for the presets. The f32 result is defined as
///
/// ```text
/// clamp((x + shift) * slope, 0, 1)      slope = α, shift = β/α, each rounded to f32
/// ```
///
/// with an f32 addition and an f32 multiplication, each rounded to nearest-even, without flushing subnormals. An add
/// followed by a multiply cannot be contracted into a fused multiply-add, so the CPU and a GPU that rounds as IEEE 754
/// says give the same bits; the sum is exact around the zero of the function, so small results keep their relative
/// accuracy there.
///
/// * **Error.** The presets are within 1 ULP of the exact function rounded to f32: that, or one of its two neighbours.
///   For other α, β the error is at most |β|·2⁻²⁴ + 3·2⁻²⁴·y to first order. With u = 2⁻²⁴, the largest relative error
///   of a rounding, shift = β/α·(1 + u), so that the sum is (x + β/α + u·β/α)·(1 + u), and the rounded slope and the
///   product make it α·(x + β/α + u·β/α)·(1 + u)³ ≈ y + u·β + 3u·y. For `f64` u is 2⁻⁵³; a 16-bit type rounds once more,
///   to itself.
/// * **Bits.** The CPU always gives the result defined above. A GPU is expected to for the presets and for
///   |α|, |β|, |β/α| in [2⁻¹⁰⁰, 2¹⁰⁰]; WGSL allows a driver to flush subnormals, in which case results that are or
///   come from a subnormal may be zero.
/// * **NaN** in gives a quiet NaN out, with the sign and the payload of the input.
/// * **Infinities.** +∞ gives 1 and −∞ gives 0, mirrored for α < 0.
/// * **Zero.** The result is never −0.
/// * **α = 0** gives clamp(β, 0, 1) for every x but NaN.
///
/// ```
/// use hard_sigmoid::HardSigmoid;
///
/// assert_eq!(HardSigmoid::ONNX.eval(1.5_f32), 0.8);
/// assert_eq!(HardSigmoid::PYTORCH.eval(1.5_f32), 0.75);
/// assert_eq!(HardSigmoid::new(0.25, 0.5)?.eval(-1.0_f64), 0.25);
/// # Ok::<(), hard_sigmoid::ParameterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardSigmoid {
    alpha: f64,
    beta: f64,
}

impl HardSigmoid {
    /// α = 1/5, β = 1/2: the defaults of [ONNX HardSigmoid](https://onnx.ai/onnx/operators/onnx__HardSigmoid.html),
    /// and the `hard_sigmoid` of Keras 1 and 2, TensorFlow.js and WebNN.
    pub const ONNX: Self = Self { alpha: 0.2, beta: 0.5 };

    /// α = 1/6, β = 1/2:
    /// [`torch.nn.Hardsigmoid`](https://pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html), and the
    /// `hard_sigmoid` of Keras 3 and JAX. The same as ReLU6(x + 3)/6.
    pub const PYTORCH: Self = Self { alpha: 1.0 / 6.0, beta: 0.5 };

    /// The function with slope α = `alpha` and value β = `beta` at zero.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if α or β is not finite, or if α (unless it is 0) or β/α (unless β is 0) has a magnitude
    /// outside the normal f32 numbers.
    pub const fn new(alpha: f64, beta: f64) -> Result<Self, ParameterError> {
        if !alpha.is_finite() {
            return Err(ParameterError::NotFinite { name: "alpha", value: alpha });
        }
        if !beta.is_finite() {
            return Err(ParameterError::NotFinite { name: "beta", value: beta });
        }
        if alpha != 0.0 {
            if !(alpha as f32).is_normal() {
                return Err(ParameterError::Slope { alpha });
            }
            if beta != 0.0 && !((beta / alpha) as f32).is_normal() {
                return Err(ParameterError::Shift { alpha, beta });
            }
        }
        Ok(Self { alpha, beta })
    }

    /// The slope α between the two clamps.
    #[must_use]
    pub const fn alpha(self) -> f64 {
        self.alpha
    }

    /// The value β at x = 0, before the clamps.
    #[must_use]
    pub const fn beta(self) -> f64 {
        self.beta
    }

    /// The function of one value. Deterministic, and the same bits as every other path of this crate.
    #[must_use]
    #[inline]
    pub fn eval<T: Element>(self, x: T) -> T {
        self.coefficients::<T>().eval(x)
    }

    /// The four numbers that evaluation in f32 uses: what the shader reads.
    #[must_use]
    pub fn params(self) -> Params {
        let Coefficients { slope, shift, lo, hi } = self.coefficients::<f32>();
        Params { slope, shift, lo, hi }
    }

    /// What evaluation of a type uses, rounded once to the type that it is done in.
    #[inline]
    pub(crate) fn coefficients<T: Element>(self) -> Coefficients<T::Wide> {
        let of = T::Wide::of;
        if self.alpha == 0.0 {
            // Equal bounds make the constant. The slope is not 0, since ∞·0 would be NaN.
            let constant = of(self.beta.clamp(0.0, 1.0) + 0.0);
            return Coefficients { slope: of(1.0), shift: of(0.0), lo: constant, hi: constant };
        }
        let shift = if self.beta == 0.0 { 0.0 } else { self.beta / self.alpha };
        Coefficients { slope: of(self.alpha), shift: of(shift), lo: of(0.0), hi: of(1.0) }
    }
}

/// The parameters as the shader has them: y = clamp((x + shift)·slope, lo, hi).
///
/// The same 16 bytes as the struct `HardSigmoid` in [`WGSL`](crate::WGSL), in its uniform-buffer layout: four f32 in
/// the order of the fields. Comes from [`HardSigmoid::params`].
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// α.
    pub slope: f32,
    /// β/α.
    pub shift: f32,
    /// The lower clamp: 0, or the constant where α = 0.
    pub lo: f32,
    /// The upper clamp: 1, or the constant where α = 0.
    pub hi: f32,
}

impl Params {
    /// The bytes of a uniform block, for [`WGSL`](crate::WGSL) in a shader of yours or for a binding that reads its
    /// parameters from a buffer.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        bytemuck::cast(self)
    }
}

/// What evaluation uses, in the type that the arithmetic is done in. Its twin is `hard_sigmoid_vec4_bits` in the shader.
#[derive(Clone, Copy)]
pub(crate) struct Coefficients<W> {
    pub(crate) slope: W,
    pub(crate) shift: W,
    pub(crate) lo: W,
    pub(crate) hi: W,
}

impl<W: Float> Coefficients<W> {
    #[inline]
    pub(crate) fn eval<T: Element<Wide = W>>(self, x: T) -> T {
        let z = (x.widen() + self.shift) * self.slope;
        // These comparisons, unlike f32::clamp, turn a -0 into the lower bound.
        let z = if z > self.lo { z } else { self.lo };
        let y = if z < self.hi { z } else { self.hi };
        x.quieted().unwrap_or(T::round(y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [(f64, f64); 6] =
        [(0.2, 0.5), (1.0 / 6.0, 0.5), (-0.2, 0.5), (1.0, 0.0), (3.5e4, -1e3), (-1e-30, 0.9)];

    #[test]
    fn presets_are_what_new_makes_of_their_parameters() {
        assert_eq!(HardSigmoid::new(0.2, 0.5).unwrap(), HardSigmoid::ONNX);
        assert_eq!(HardSigmoid::new(1.0 / 6.0, 0.5).unwrap(), HardSigmoid::PYTORCH);
        assert_eq!(HardSigmoid::ONNX.params().shift, 2.5);
        assert_eq!(HardSigmoid::PYTORCH.params().shift, 3.0);
    }

    #[test]
    fn refuses_parameters_that_f32_cannot_hold() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(HardSigmoid::new(bad, 0.5), Err(ParameterError::NotFinite { name: "alpha", .. })));
            assert!(matches!(HardSigmoid::new(0.2, bad), Err(ParameterError::NotFinite { name: "beta", .. })));
        }
        for alpha in [1e-39, -1e-46, 1e-300, 1e39, -1e300] {
            assert!(matches!(HardSigmoid::new(alpha, 0.5), Err(ParameterError::Slope { .. })), "{alpha}");
        }
        for (alpha, beta) in [(1e-30, 1e10), (1e30, 1e-10), (1e30, 1e-300), (-1.0, f64::MAX)] {
            assert!(matches!(HardSigmoid::new(alpha, beta), Err(ParameterError::Shift { .. })), "{alpha} {beta}");
        }
        for (alpha, beta) in [(0.0, 1e300), (-0.0, -1e-300), (0.2, 0.0), (0.2, -0.0), (1e38, 1e38)] {
            assert!(HardSigmoid::new(alpha, beta).is_ok(), "{alpha} {beta}");
        }
    }

    #[test]
    fn infinities_saturate() {
        for (alpha, beta) in SHAPES {
            let f = HardSigmoid::new(alpha, beta).unwrap();
            let (low, high) = if alpha > 0.0 { (0.0, 1.0) } else { (1.0, 0.0) };
            assert_eq!(f.eval(f32::NEG_INFINITY), low, "{alpha}");
            assert_eq!(f.eval(f32::INFINITY), high, "{alpha}");
            assert_eq!(f.eval(f32::MAX), high, "{alpha}");
        }
    }

    #[test]
    fn never_minus_zero() {
        assert_eq!(HardSigmoid::new(-0.2, 0.5).unwrap().eval(2.5_f32).to_bits(), 0);
        for (alpha, beta) in SHAPES {
            let f = HardSigmoid::new(alpha, beta).unwrap();
            let edge = (-beta / alpha) as f32;
            for x in [edge, edge.next_up(), edge.next_down(), -0.0, -1e-45, 1e-45] {
                assert!(f.eval(x).is_sign_positive(), "{alpha} {beta} {x}");
            }
        }
        for beta in [0.0, -0.0, -3.0] {
            assert_eq!(HardSigmoid::new(0.0, beta).unwrap().eval(1.0_f32).to_bits(), 0);
        }
    }

    #[test]
    fn zero_slope_is_a_constant() {
        for (beta, y) in [(0.25, 0.25), (-1.0, 0.0), (7.0, 1.0), (1e300, 1.0)] {
            let f = HardSigmoid::new(0.0, beta).unwrap();
            for x in [0.0, -0.0, 1e-45, -5.0, f32::MAX, f32::INFINITY, f32::NEG_INFINITY] {
                assert_eq!(f.eval(x).to_bits(), f32::to_bits(y), "{beta} {x}");
            }
            assert!(f.eval(f32::NAN).is_nan());
        }
    }

    #[test]
    fn nan_keeps_sign_and_payload_and_is_quiet() {
        for (alpha, beta) in SHAPES.into_iter().chain([(0.0, 0.5)]) {
            let f = HardSigmoid::new(alpha, beta).unwrap();
            for bits in [0x7f80_0001_u32, 0x7fc0_0000, 0x7fff_ffff, 0xff80_0001, 0xffc1_2345, 0xffff_ffff] {
                assert_eq!(f.eval(f32::from_bits(bits)).to_bits(), bits | 0x0040_0000, "{bits:#x}");
            }
        }
    }
}
