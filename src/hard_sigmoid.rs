//! The definition of the function. Every path in the crate evaluates [`Coefficients::eval`] or its counterpart in
//! `shaders/hard_sigmoid.wgsl`.

use bytemuck::{Pod, Zeroable};

use crate::element::{Element, Float};
use crate::error::ParameterError;

/// The hard sigmoid y = clamp(α·x + β, 0, 1) for given α and β.
///
/// Two functions are in use under this name and are often confused, so there is no `Default`. Choose a preset, or pass
/// α and β to [`new`](Self::new).
///
/// Both presets and the logistic sigmoid, from which they differ by 0.076 and 0.069 at most:
///
#[cfg_attr(doc, doc = "<div style='overflow-x: auto'>")]
#[cfg_attr(doc, doc = include_str!("../docs/pictures/curve.svg"))]
#[cfg_attr(doc, doc = "</div>")]
///
/// # The contract
///
/// *The exact function* is clamp(α·x + β, 0, 1) over the real numbers. Its α and β are the rationals 1/5, 1/6 and 1/2
/// for the presets, and the given f64 values otherwise. The f32 result is defined as
///
/// ```text
/// clamp((x + shift) * slope, 0, 1)      slope = α, shift = β/α, each rounded to f32
/// ```
///
/// with one f32 addition and one f32 multiplication, each rounded to nearest-even, without flushing subnormals. An
/// addition followed by a multiplication cannot be contracted into a fused multiply-add, so the CPU path and a GPU that
/// rounds according to IEEE 754 give the same bits. `docs/numerics.md` says what other compilers may do. The sum is
/// exact near the zero of the function, so small results keep their relative accuracy.
///
/// * **Error.** The result of a preset is the exact function rounded to f32, or one of the two neighbours of that (an
///   error of at most 1 ULP). For other α and β, the error is at most |β|·2⁻²⁴ + 3·2⁻²⁴·y to first order. To see this,
///   let u = 2⁻²⁴ be the largest relative error of one rounding. The shift is β/α·(1 + u), and the sum is
///   (x + β/α + u·β/α)·(1 + u). With the rounded slope and the rounded product, the result is
///   α·(x + β/α + u·β/α)·(1 + u)³ ≈ y + u·β + 3u·y. For `f64`, u is 2⁻⁵³. A 16-bit type adds one rounding.
///   Because the shift is rounded, the result at 0 need not be β rounded: with α = 0.29 and β = 1 it is 0.99999994.
/// * **Bits.** The CPU path always gives the result defined above. A GPU is expected to do so for the presets and for
///   |α|, |β|, |β/α| in [2⁻¹⁰⁰, 2¹⁰⁰]. WGSL allows a driver to flush subnormals: it may take an input for 0 that is
///   subnormal in its own type, and give 0 for a result that is subnormal in f32.
/// * **NaN.** The result of a NaN is a quiet NaN with the same sign and payload.
/// * **Infinities.** The result is 1 for +∞ and 0 for −∞, and the reverse for α < 0.
/// * **Zero.** The result is never −0.
/// * **α = 0.** The result is clamp(β, 0, 1) for every x except NaN.
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
    /// `hard_sigmoid` of Keras 3 and JAX. Equal to ReLU6(x + 3)/6.
    pub const PYTORCH: Self = Self { alpha: 1.0 / 6.0, beta: 0.5 };

    /// The functions that have names, with these.
    pub const PRESETS: [(&'static str, Self); 2] = [("onnx", Self::ONNX), ("pytorch", Self::PYTORCH)];

    /// Creates the function with α = `alpha` and β = `beta`.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if α or β is not finite, if α is not 0 and not a normal number when rounded to f32, or if
    /// neither α nor β is 0 and β/α is not a normal number when rounded to f32.
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

    /// α, the slope between the clamps.
    #[must_use]
    pub const fn alpha(self) -> f64 {
        self.alpha
    }

    /// β, the value at x = 0 before clamping.
    #[must_use]
    pub const fn beta(self) -> f64 {
        self.beta
    }

    /// Evaluates the function at `x`. All paths of this crate give the same bits for the same input.
    #[must_use]
    #[inline]
    pub fn eval<T: Element>(self, x: T) -> T {
        self.coefficients::<T>().eval(x)
    }

    /// The parameters that the shader reads: the coefficients for evaluation in f32.
    #[must_use]
    pub fn params(self) -> Params {
        let Coefficients { slope, shift, lo, hi } = self.coefficients::<f32>();
        Params { slope, shift, lo, hi }
    }

    /// The coefficients for elements of type `T`, each rounded once to the type in which `T` is evaluated.
    #[inline]
    pub(crate) fn coefficients<T: Element>(self) -> Coefficients<T::Wide> {
        let of = T::Wide::of;
        if self.alpha == 0.0 {
            // Both bounds are the constant. The slope is not 0, because ∞·0 would be NaN.
            let constant = of(self.beta.clamp(0.0, 1.0) + 0.0);
            return Coefficients { slope: of(1.0), shift: of(0.0), lo: constant, hi: constant };
        }
        let shift = if self.beta == 0.0 { 0.0 } else { self.beta / self.alpha };
        Coefficients { slope: of(self.alpha), shift: of(shift), lo: of(0.0), hi: of(1.0) }
    }
}

/// The parameters of the function in the shader: y = clamp((x + shift)·slope, lo, hi).
///
/// Has the layout of the struct `HardSigmoid` of [`WGSL`](crate::WGSL) in a uniform buffer: four f32, 16 bytes, in the
/// order of the fields. Returned by [`HardSigmoid::params`].
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// α.
    pub slope: f32,
    /// β/α.
    pub shift: f32,
    /// The lower clamp: 0, or the constant result if α = 0.
    pub lo: f32,
    /// The upper clamp: 1, or the constant result if α = 0.
    pub hi: f32,
}

impl Params {
    /// The contents of a uniform buffer, for a shader of your own that includes [`WGSL`](crate::WGSL), or for a binding
    /// that reads its parameters from a buffer.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        bytemuck::cast(self)
    }
}

/// The coefficients in the type in which the arithmetic is done.
#[derive(Clone, Copy)]
pub(crate) struct Coefficients<W> {
    pub(crate) slope: W,
    pub(crate) shift: W,
    pub(crate) lo: W,
    pub(crate) hi: W,
}

impl<W: Float> Coefficients<W> {
    /// Whether a result may be neither 0 nor a normal number.
    ///
    /// In f32, a sum with the shift is 0 or at least 2^-25 of the shift. If x is at least half as large, both are
    /// multiples of half a unit in the last place of the shift, and so is the sum. If x is smaller, half of the shift
    /// is left. 2^-25 of 1e-30 is a normal number.
    pub(crate) fn may_be_subnormal(&self) -> bool {
        (self.slope.exact() * self.shift.exact()).abs() < 1e-30
    }

    #[inline]
    pub(crate) fn eval<T: Element<Wide = W>>(self, x: T) -> T {
        let z = (x.widen() + self.shift) * self.slope;
        // Unlike `f32::clamp`, these comparisons replace -0 by the lower bound.
        let z = if z > self.lo { z } else { self.lo };
        let y = if z < self.hi { z } else { self.hi };
        x.quieted().unwrap_or(T::round(y))
    }
}

/// Bytes of the uniform block with the parameters of a function.
#[cfg(feature = "wgpu")]
pub(crate) const PARAMETER_BYTES: usize = 16;

/// A function whose parameters fill a uniform block.
#[cfg(feature = "wgpu")]
pub(crate) trait ParamBlock {
    fn into_block(self) -> [u8; PARAMETER_BYTES];
}

#[cfg(feature = "wgpu")]
impl ParamBlock for HardSigmoid {
    fn into_block(self) -> [u8; PARAMETER_BYTES] {
        self.params().to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [(f64, f64); 6] =
        [(0.2, 0.5), (1.0 / 6.0, 0.5), (-0.2, 0.5), (1.0, 0.0), (3.5e4, -1e3), (-1e-30, 0.9)];

    #[test]
    fn results_are_0_or_normal_where_it_is_said_so() {
        let shapes =
            SHAPES.into_iter().chain([(1e-30, 1e-25), (-1e-5, 1e-33), (1e-6, 1e-31), (2e-38, 1.0), (0.0, 1e-40)]);
        let mut number = [0, 0];
        for coefficients in shapes.map(|(alpha, beta)| HardSigmoid::new(alpha, beta).unwrap().coefficients::<f32>()) {
            let near = |x: f32| (-300..300).map(move |i| f32::from_bits(x.to_bits().wrapping_add_signed(i)));
            let x = near(-coefficients.shift)
                .chain(near(0.0))
                .chain(near(-0.0))
                .chain((0..=u16::MAX).map(|bits| f32::from_bits(u32::from(bits) << 16)));
            let any = x.into_iter().map(|x| coefficients.eval(x)).any(f32::is_subnormal);
            assert!(!any || coefficients.may_be_subnormal());
            number[usize::from(any)] += 1;
        }
        assert!(number[0] > 3 && number[1] > 1, "{number:?}");
        for (name, f) in HardSigmoid::PRESETS {
            assert!(!f.coefficients::<f32>().may_be_subnormal(), "{name}");
        }
    }

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

    /// docs/numerics.md says so, and why.
    #[test]
    fn the_result_at_0_is_beta_within_2_ulp() {
        let at_0 = |alpha, beta| HardSigmoid::new(alpha, beta).unwrap().eval(0.0_f32);
        assert_eq!((HardSigmoid::ONNX.eval(0.0_f32), HardSigmoid::PYTORCH.eval(0.0_f32)), (0.5, 0.5));
        assert_eq!(at_0(0.29, 1.0), 0.999_999_94);
        let pairs = (1..100).flat_map(|a| (1..=100).map(move |b| (f64::from(a) / 100.0, f64::from(b) / 100.0)));
        let ulps = pairs.map(|(alpha, beta)| at_0(alpha, beta).to_bits().abs_diff((beta as f32).to_bits()));
        let (missed, largest) =
            ulps.fold((0, 0), |(missed, largest), ulp| (missed + u32::from(ulp > 0), largest.max(ulp)));
        assert_eq!((missed, largest), (3443, 2));
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
