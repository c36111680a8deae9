//! The options that select parts of a file.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::dtype::Dtype;

/// Which parts of a file are computed.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct Selection {
    /// Only this tensor, or this array of a .npz archive (can be repeated) [default: all of a supported type]
    #[arg(long, value_name = "NAME")]
    pub(crate) tensor: Vec<String>,
    /// The type of the elements, if the dtype of an array gives only their size
    ///
    /// NumPy saves arrays of bfloat16 (ml_dtypes, JAX) with dtype V2: use `--element bf16`.
    #[arg(long, value_enum)]
    pub(crate) element: Option<Dtype>,
    /// Whether a file may have nothing to compute, as one of several.
    #[arg(skip)]
    pub(crate) may_be_empty: bool,
}

impl ValueEnum for Dtype {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::F32, Self::F16, Self::Bf16, Self::F64]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}
