//! The element types.

use half::{bf16, f16};

use crate::Dtype;

/// An element type for [`HardSigmoid`](crate::HardSigmoid): `f32`, [`struct@f16`], [`bf16`] or, on the CPU path only,
/// `f64`.
///
/// The 16-bit types are widened to f32, evaluated in f32, and rounded once to nearest-even, on the CPU path and on a
/// GPU alike. A GPU needs no optional features for them. `f64` is evaluated in f64.
pub trait Element: sealed::Sealed {
    /// The type as a value.
    const DTYPE: Dtype;

    /// The name of the type in Rust.
    const NAME: &'static str = Self::DTYPE.name();

    /// The nearest element, ties to even. NaN stays NaN.
    #[must_use]
    fn from_f64(x: f64) -> Self;

    /// Whether the type is supported on a GPU.
    const ON_GPU: bool = Self::DTYPE.is_on_gpu();
}

/// Whether elements are evaluated in f32, and so in a format that holds all of them.
pub(crate) const fn is_evaluated_in_f32<T: Element>() -> bool {
    matches!(<T::Wide as Element>::DTYPE, Dtype::F32)
}

/// Whether elements have 16 bits: few enough to try all of them, and converted in blocks on x86-64, since the compiler
/// does not make vector code of that and of what is computed in one loop. Other small types are to be thought of when
/// they come.
pub(crate) const fn has_16_bits<T: Element>() -> bool {
    match T::DTYPE {
        Dtype::F16 | Dtype::Bf16 => true,
        Dtype::F32 | Dtype::F64 => false,
    }
}

/// A type in which the arithmetic is done.
pub(crate) trait Float:
    Copy + Send + Sync + PartialOrd + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self>
{
    /// Rounds to nearest.
    fn of(x: f64) -> Self;

    fn exact(self) -> f64;

    /// The least number greater than this one.
    fn above(self) -> Self;

    /// The greatest number less than this one.
    fn below(self) -> Self;
}

macro_rules! float {
    ($type:ident) => {
        impl Float for $type {
            fn of(x: f64) -> Self {
                x as Self
            }

            fn exact(self) -> f64 {
                self.into()
            }

            fn above(self) -> Self {
                self.next_up()
            }

            fn below(self) -> Self {
                self.next_down()
            }
        }
    };
}

float!(f32);
float!(f64);

pub(crate) mod sealed {
    use super::Float;

    /// What the crate requires of an element type.
    #[allow(private_bounds, reason = "sealed: no other crate implements it")]
    pub trait Sealed: bytemuck::Pod + Send + Sync + PartialEq + std::fmt::LowerExp + std::fmt::Debug {
        /// The type in which elements are evaluated.
        type Wide: Float + super::Element<Wide = Self::Wide>;

        fn widen(self) -> Self::Wide;

        /// Rounds to nearest, ties to even. A NaN must be one that was widened and made quiet, and stays so.
        fn round(y: Self::Wide) -> Self;

        /// For a NaN, the quiet NaN with the same sign and payload, which arithmetic does not guarantee to keep.
        fn quieted(self) -> Option<Self>;

        fn bits(self) -> u64;
        fn from_low_bits(bits: u64) -> Self;

        /// What orders the numbers of this type.
        type Key: Copy + Send + Sync;

        fn key(self) -> Self::Key;

        /// How many elements are numbers up to `low`, numbers from `high` on, and NaN. There must be fewer than 2^16.
        fn count(elements: &[Self], low: Self::Key, high: Self::Key) -> [u64; 3];

        fn to_exact(self) -> f64;
    }
}

// The same conversions as in shaders/element/, if by other formulas. Unlike those of `half`, they have no branches, so
// that loops are vectorized.

#[inline]
fn widen_f16(h: f16) -> f32 {
    let h = u32::from(h.to_bits());
    let (sign, rest) = ((h & 0x8000) << 16, h & 0x7fff);
    // A subnormal f16 is an integer times 2^-24.
    let subnormal = (rest as f32 * (1.0 / 16_777_216.0)).to_bits();
    let normal = (rest << 13) + (112 << 23);
    let special = (rest << 13) | 0x7f80_0000;
    let finite = if rest < 0x0400 { subnormal } else { normal };
    f32::from_bits(sign | if rest >= 0x7c00 { special } else { finite })
}

#[inline]
fn round_to_f16(x: f32) -> f16 {
    let sign = (x.to_bits() >> 16) & 0x8000;
    let rest = x.to_bits() & 0x7fff_ffff;
    let nan = 0x7c00 | ((rest >> 13) & 0x03ff);
    // The sum is rounded to a multiple of 2^-24, which is the ULP of 0.5 and the smallest subnormal f16.
    let subnormal = (f32::from_bits(rest) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    // 2^16 is greater than the largest f16 and becomes infinity.
    let finite = rest.min(0x4780_0000);
    let normal = ((finite + 0x0fff + ((finite >> 13) & 1)) >> 13).wrapping_sub(112 << 10);
    let number = if rest < 0x3880_0000 { subnormal } else { normal };
    f16::from_bits((sign | if rest > 0x7f80_0000 { nan } else { number }) as u16)
}

#[inline]
fn widen_bf16(h: bf16) -> f32 {
    f32::from_bits(u32::from(h.to_bits()) << 16)
}

#[inline]
fn round_to_bf16(x: f32) -> bf16 {
    let bits = x.to_bits();
    bf16::from_bits(((bits.wrapping_add(0x7fff + ((bits >> 16) & 1))) >> 16) as u16)
}

/// Maps the bits of a 16-bit type to integers in the order of its numbers.
#[inline]
fn ordered(bits: u16) -> i16 {
    let bits = bits as i16;
    bits ^ ((bits >> 15) & 0x7fff)
}

/// Rounds `x` to odd: to f32 towards zero, with the last bit set if the result is inexact. Rounding this to a type with
/// up to 22 significant bits gives the same as rounding `x` directly, which the nearest f32 does not guarantee.
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
    (
        $type:ident, $dtype:ident, $wide:ident, $bits:ident,
        $is_nan:expr, $quiet:expr, $widen:expr, $round:expr, $from:expr, $key:ident, $to_key:expr
    ) => {
        impl Element for $type {
            const DTYPE: Dtype = Dtype::$dtype;

            #[inline]
            fn from_f64(x: f64) -> Self {
                $from(x)
            }
        }

        impl sealed::Sealed for $type {
            type Wide = $wide;

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
                $is_nan(self).then(|| Self::from_bits(self.to_bits() | $quiet))
            }

            #[inline]
            fn bits(self) -> u64 {
                self.to_bits().into()
            }

            fn from_low_bits(bits: u64) -> Self {
                Self::from_bits(bits as $bits)
            }

            type Key = $key;

            #[inline]
            fn key(self) -> $key {
                $to_key(self)
            }

            #[inline(always)]
            fn count(elements: &[Self], low: $key, high: $key) -> [u64; 3] {
                // Counters as wide as elements take as many lanes of a vector.
                const { assert!(<$bits>::BITS >= 16, "fewer than 2^16 are counted") };
                let mut counts: [$bits; 3] = [0; 3];
                for &x in elements {
                    let (key, is_nan) = (x.key(), $is_nan(x));
                    counts[0] += <$bits>::from(!is_nan & (key <= low));
                    counts[1] += <$bits>::from(!is_nan & (key >= high));
                    counts[2] += <$bits>::from(is_nan);
                }
                counts.map(u64::from)
            }

            #[inline]
            fn to_exact(self) -> f64 {
                self.into()
            }
        }
    };
}

element!(f32, F32, f32, u32, f32::is_nan, 0x0040_0000, |x| x, |y| y, |x: f64| x as f32, f32, |x| x);
element!(
    f16,
    F16,
    f32,
    u16,
    f16::is_nan,
    0x0200,
    widen_f16,
    round_to_f16,
    |x| f16::from_f32(to_odd(x)),
    i16,
    |x: f16| ordered(x.to_bits())
);
element!(
    bf16,
    Bf16,
    f32,
    u16,
    bf16::is_nan,
    0x0040,
    widen_bf16,
    round_to_bf16,
    |x| bf16::from_f32(to_odd(x)),
    i16,
    |x: bf16| ordered(x.to_bits())
);
element!(f64, F64, f64, u64, f64::is_nan, 0x0008_0000_0000_0000, |x| x, |y| y, |x| x, f64, |x| x);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_those_of_half() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (widen_f16(f16::from_bits(bits)), f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || theirs.is_nan() && ours.is_nan(), "{bits:#x}");
            // A NaN that was widened and made quiet keeps its payload.
            if ours.is_nan() {
                let quiet = f32::from_bits(ours.to_bits() | 0x0040_0000);
                assert_eq!(round_to_f16(quiet).to_bits(), bits | 0x0200);
            }
            let wide = widen_bf16(bf16::from_bits(bits));
            assert_eq!(wide.to_bits(), u32::from(bits) << 16);
            assert_eq!(round_to_bf16(wide).to_bits(), bits);
        }
        // An odd step varies the low bits. The others are at and next to the f16 and bf16 numbers and their midpoints.
        let near = (0..=u16::MAX)
            .flat_map(|high| [0, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001].map(move |low| (high, low)));
        let near = near.map(|(high, low)| u32::from(high) << 16 | low);
        for x in (0..=u32::MAX).step_by(10_007).chain(near).map(f32::from_bits).filter(|x| !x.is_nan()) {
            assert_eq!(round_to_f16(x).to_bits(), f16::from_f32(x).to_bits(), "{x:e}");
            assert_eq!(round_to_bf16(x).to_bits(), bf16::from_f32(x).to_bits(), "{x:e}");
        }
    }

    #[test]
    fn nearest_rounds_once() {
        let half_way = 1.0 + 2_f64.powi(-8);
        assert_eq!(<bf16 as Element>::from_f64(half_way).to_f64(), 1.0);
        assert_eq!(<bf16 as Element>::from_f64(half_way + 2_f64.powi(-50)).to_f64(), 1.0 + 2_f64.powi(-7));
        assert_eq!(<bf16 as Element>::from_f64(-half_way - 2_f64.powi(-50)).to_f64(), -1.0 - 2_f64.powi(-7));
        let half_way = 1.0 + 2_f64.powi(-11);
        assert_eq!(<f16 as Element>::from_f64(half_way).to_f64(), 1.0);
        assert_eq!(<f16 as Element>::from_f64(half_way + 2_f64.powi(-50)).to_f64(), 1.0 + 2_f64.powi(-10));
        assert_eq!(<f16 as Element>::from_f64(half_way - 2_f64.powi(-50)).to_f64(), 1.0);
        for bits in 0..=0x7c00 {
            let x = f16::from_bits(bits);
            assert_eq!(<f16 as Element>::from_f64(x.to_f64()), x);
        }
        assert!(<f16 as Element>::from_f64(f64::NAN).is_nan());
    }
}
