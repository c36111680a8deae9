//! Element types that are known only at run time.

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
}

/// Evaluates an expression in which `$T` is the Rust type of a [`Dtype`].
#[rustfmt::skip]
macro_rules! with_type {
    ($dtype:expr, $T:ident => $expression:expr) => {{
        use hard_sigmoid::half;
        match $dtype {
            Dtype::F16 => { type $T = half::f16; $expression }
            Dtype::Bf16 => { type $T = half::bf16; $expression }
            Dtype::F32 => { type $T = f32; $expression }
            Dtype::F64 => { type $T = f64; $expression }
        }
    }};
}
pub(crate) use with_type;

impl Dtype {
    /// The size of an element in bytes.
    pub(crate) const fn size(self) -> u64 {
        with_type!(self, T => size_of::<T>() as u64)
    }

    pub(crate) const fn name(self) -> &'static str {
        with_type!(self, T => <T as hard_sigmoid::Element>::NAME)
    }
}
