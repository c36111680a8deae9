//! The types of number that the function takes and gives.

use half::{bf16, f16};

/// A type of number that [`HardSigmoid`](crate::HardSigmoid) is defined for: `f32`, [`struct@f16`], [`bf16`] and, on the CPU,
/// `f64`.
///
/// The 16-bit types are widened, evaluated in f32 and rounded once, to nearest-even, on the CPU as on a GPU, where no
/// feature is needed for them. `f64` is evaluated in f64.
pub trait Element: sealed::Sealed {
    /// Its name in Rust.
    const NAME: &'static str;

    /// Whether a GPU computes it, too.
    const ON_GPU: bool = Self::SHADER.is_some();
}

/// A type that the arithmetic is done in.
pub(crate) trait Float:
    Copy + Send + Sync + PartialOrd + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self>
{
    /// Rounds to the type.
    fn of(x: f64) -> Self;
}

impl Float for f32 {
    fn of(x: f64) -> Self {
        x as Self
    }
}

impl Float for f64 {
    fn of(x: f64) -> Self {
        x
    }
}

pub(crate) mod sealed {
    use super::Float;

    /// What the crate asks of an element type.
    #[allow(private_bounds, reason = "sealed: nobody else implements it")]
    pub trait Sealed: bytemuck::Pod + Send + Sync + PartialEq + std::fmt::LowerExp + std::fmt::Debug {
        /// The type that it is evaluated in.
        type Wide: Float;

        /// The shader's `ELEMENT`; none if a GPU does not compute it.
        const SHADER: Option<u32>;

        fn widen(self) -> Self::Wide;
        fn round(y: Self::Wide) -> Self;

        /// Of a NaN the quiet one with its sign and payload, from its bits, since arithmetic need not keep them.
        fn quieted(self) -> Option<Self>;

        fn bits(self) -> u64;
        fn from_low_bits(bits: u32) -> Self;
        fn to_exact(self) -> f64;
        fn nearest(exact: f64) -> Self;
    }
}

/// The f32 next to `x` towards zero, with its last bit set if that is not `x` itself. Rounding it to a type of 22 bits or
/// fewer gives what rounding `x` does; rounding to f32 first would round twice.
fn to_odd(x: f64) -> f32 {
    let near = x as f32;
    let back = f64::from(near);
    if back == x || x.is_nan() {
        return near;
    }
    let bits = near.to_bits();
    f32::from_bits(if back.abs() > x.abs() { bits - 1 } else { bits } | 1)
}

macro_rules! element {
    ($type:ident, $wide:ident, $bits:ident, $shader:expr, $inf:expr, $quiet:expr, $widen:expr, $round:expr, $from:expr) => {
        impl Element for $type {
            const NAME: &'static str = stringify!($type);
        }

        impl sealed::Sealed for $type {
            type Wide = $wide;

            const SHADER: Option<u32> = $shader;

            #[inline]
            fn widen(self) -> $wide {
                $widen(self)
            }

            #[inline]
            fn round(y: $wide) -> Self {
                $round(y)
            }

            #[inline]
            fn quieted(self) -> Option<Self> {
                let bits = self.to_bits();
                (bits & ($bits::MAX >> 1) > $inf).then(|| Self::from_bits(bits | $quiet))
            }

            #[inline]
            fn bits(self) -> u64 {
                self.to_bits().into()
            }

            fn from_low_bits(bits: u32) -> Self {
                Self::from_bits(bits as $bits)
            }

            #[inline]
            fn to_exact(self) -> f64 {
                self.into()
            }

            #[inline]
            fn nearest(exact: f64) -> Self {
                $from(exact)
            }
        }
    };
}

element!(f32, f32, u32, Some(0), 0x7f80_0000, 0x0040_0000, |x| x, |y| y, |x: f64| x as f32);
element!(f16, f32, u16, Some(1), 0x7c00, 0x0200, f16::to_f32, f16::from_f32, |x| f16::from_f32(to_odd(x)));
element!(bf16, f32, u16, Some(2), 0x7f80, 0x0040, bf16::to_f32, bf16::from_f32, |x| bf16::from_f32(to_odd(x)));
element!(f64, f64, u64, None, 0x7ff0_0000_0000_0000, 0x0008_0000_0000_0000, |x| x, |y| y, |x| x);

#[cfg(test)]
mod tests {
    use super::sealed::Sealed;
    use super::*;

    #[test]
    fn nearest_rounds_once() {
        let half_way = 1.0 + 2_f64.powi(-8);
        assert_eq!(bf16::nearest(half_way).to_f64(), 1.0);
        assert_eq!(bf16::nearest(half_way + 2_f64.powi(-50)).to_f64(), 1.0 + 2_f64.powi(-7));
        assert_eq!(bf16::nearest(-half_way - 2_f64.powi(-50)).to_f64(), -1.0 - 2_f64.powi(-7));
        let half_way = 1.0 + 2_f64.powi(-11);
        assert_eq!(f16::nearest(half_way).to_f64(), 1.0);
        assert_eq!(f16::nearest(half_way + 2_f64.powi(-50)).to_f64(), 1.0 + 2_f64.powi(-10));
        assert_eq!(f16::nearest(half_way - 2_f64.powi(-50)).to_f64(), 1.0);
        for bits in 0..=0x7c00 {
            let x = f16::from_bits(bits);
            assert_eq!(f16::nearest(x.to_f64()), x);
        }
        assert!(f16::nearest(f64::NAN).is_nan());
    }
}
