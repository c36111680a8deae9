//! Element types that are known only at run time.

/// An [`Element`](crate::Element) type that is known only at run time, such as that of a file.
/// [`with_type!`](crate::with_type) gives the type itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE 754 binary16: [`struct@half::f16`].
    F16,
    /// [`half::bf16`].
    Bf16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64, on the CPU path only.
    F64,
}

/// Evaluates an expression in which `$T` is the Rust type of a [`Dtype`].
///
/// ```
/// use hard_sigmoid::{Dtype, Element, with_type};
///
/// assert_eq!(with_type!(Dtype::Bf16, T => (T::NAME, size_of::<T>())), ("bf16", 2));
/// ```
#[rustfmt::skip]
#[macro_export]
macro_rules! with_type {
    ($dtype:expr, $T:ident => $expression:expr) => {{
        match $dtype {
            $crate::Dtype::F16 => { type $T = $crate::half::f16; $expression }
            $crate::Dtype::Bf16 => { type $T = $crate::half::bf16; $expression }
            $crate::Dtype::F32 => { type $T = f32; $expression }
            $crate::Dtype::F64 => { type $T = f64; $expression }
        }
    }};
}

impl Dtype {
    /// In the order in which they are listed to people.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::Bf16, Self::F64];

    /// The size of an element in bytes.
    #[must_use]
    pub const fn size(self) -> u64 {
        with_type!(self, T => size_of::<T>() as u64)
    }

    /// Whether GPUs support it.
    #[must_use]
    pub const fn is_on_gpu(self) -> bool {
        !matches!(self, Self::F64)
    }

    /// As in NumPy: `float32`.
    #[must_use]
    pub const fn numpy_name(self) -> &'static str {
        match self {
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// As in Rust: `f32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}
