//! What the tests compute, and of which numbers.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, HardSigmoid};

/// Functions of every kind: presets, falling, steep, constant and flat ones. None has subnormal results, which some
/// drivers flush. Those are in validation.rs.
pub(crate) fn functions() -> Vec<HardSigmoid> {
    let pairs =
        [(-0.2, 0.5), (0.0, 0.25), (1.0, -0.25), (40.0, -3.0), (0.5, 0.6), (1e-20, 0.3), (0.5, 1.0), (-0.5, 1.0)];
    let mut all = vec![HardSigmoid::ONNX, HardSigmoid::PYTORCH];
    all.extend(pairs.map(|(alpha, beta)| HardSigmoid::new(alpha, beta).unwrap()));
    all
}

/// NaNs of all kinds, infinities, zeros, subnormals, and edges of the functions. At 2.5, a falling function would give
/// -0 with the usual clamp.
const SPECIAL: [u32; 24] = [
    0x7f80_0001,
    0x7fc0_0000,
    0x7fff_ffff,
    0xff80_0001,
    0xffc1_2345,
    0xffff_ffff,
    0x7f80_0000,
    0xff80_0000,
    0,
    0x8000_0000,
    1,
    0x8000_0001,
    0x007f_ffff,
    0x807f_ffff,
    0x0080_0000,
    0x8080_0000,
    0x4020_0000,
    0xc020_0000,
    0x4040_0000,
    0xc040_0000,
    0x403f_ffff,
    0xc03f_ffff,
    0x7f7f_ffff,
    0xff7f_ffff,
];

/// What the tests require of an element type.
pub(crate) trait Number: Element + PartialOrd {
    /// A number that no function returns.
    const WRONG: Self;

    const ONE: Self;

    /// The `i`-th number to test with.
    fn number(i: usize) -> Self;

    /// Whether this is not 0, but so small that its product with a slope may be subnormal in f32.
    fn is_tiny(self) -> bool;

    fn raw(self) -> u64;

    fn widened(self) -> f64;
}

fn scrambled(i: usize) -> u32 {
    (i as u32).wrapping_add(1).wrapping_mul(0x9e37_79b1)
}

impl Number for f32 {
    const WRONG: Self = -7.0;
    const ONE: Self = 1.0;

    fn number(i: usize) -> Self {
        match (SPECIAL.get(i), i % 2) {
            (Some(&bits), _) => Self::from_bits(bits),
            (None, 0) => Self::from_bits(scrambled(i)),
            _ => scrambled(i) as Self * (8.0 / 4_294_967_296.0) - 4.0,
        }
    }

    fn is_tiny(self) -> bool {
        self != 0.0 && self.abs() < 1e-30
    }

    fn raw(self) -> u64 {
        self.to_bits().into()
    }

    fn widened(self) -> f64 {
        self.into()
    }
}

macro_rules! half_number {
    ($type:ident) => {
        impl Number for $type {
            const WRONG: Self = Self::from_f32_const(-7.0);
            const ONE: Self = $type::ONE;

            /// Alternates between all bit patterns and numbers from -4 to 4.
            fn number(i: usize) -> Self {
                match (SPECIAL.get(i), i % 2) {
                    (Some(bits), _) => Self::from_bits((bits >> 16) as u16 | (bits & 1) as u16),
                    (None, 0) => Self::from_bits((scrambled(i) >> 16) as u16),
                    _ => Self::from_f32(f32::number(i)),
                }
            }

            fn is_tiny(self) -> bool {
                self.to_f32().is_tiny()
            }

            fn raw(self) -> u64 {
                self.to_bits().into()
            }

            fn widened(self) -> f64 {
                self.into()
            }
        }
    };
}

half_number!(f16);
half_number!(bf16);

impl Number for f64 {
    const WRONG: Self = -7.0;
    const ONE: Self = 1.0;

    fn number(i: usize) -> Self {
        match f32::number(i) {
            x if x.is_nan() => Self::from_bits(0x7ff0_0000_0000_0001 | u64::from(x.to_bits()) << 31),
            x => Self::from(x),
        }
    }

    fn is_tiny(self) -> bool {
        (self as f32).is_tiny()
    }

    fn raw(self) -> u64 {
        self.to_bits()
    }

    fn widened(self) -> f64 {
        self
    }
}

/// The special numbers, and then alternately arbitrary bit patterns and numbers from -4 to 4.
pub(crate) fn numbers<T: Number>(len: usize) -> Vec<T> {
    (0..len).map(T::number).collect()
}

/// Gradients of all kinds, but none so small that a gradient or its product with a slope would be subnormal.
pub(crate) fn gradients<T: Number>(len: usize) -> Vec<T> {
    (0..len).map(|i| T::number(i + 29)).map(|g| if g.is_tiny() { T::WRONG } else { g }).collect()
}

/// Panics with the first element whose bits differ.
#[track_caller]
pub(crate) fn assert_bits<T: Number>(got: &[T], expected: &[T], case: &dyn std::fmt::Debug) {
    assert_eq!(got.len(), expected.len(), "{case:?}");
    if let Some(i) = got.iter().zip(expected).position(|(a, b)| a.raw() != b.raw()) {
        panic!("{} {case:?}: element {i}: {:#x}, expected {:#x}", T::NAME, got[i].raw(), expected[i].raw());
    }
}

/// The results according to the definition.
pub(crate) fn expected<T: Number>(f: HardSigmoid, source: &[T]) -> Vec<T> {
    source.iter().map(|&x| f.eval(x)).collect()
}
