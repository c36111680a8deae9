//! The options that select parts of a file.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use hard_sigmoid::Dtype;
use hard_sigmoid_files::Selection;

#[derive(clap::Args)]
pub(crate) struct SelectionArgs {
    /// Only this tensor, or this array of a .npz archive (can be repeated) [default: all of a supported type]
    #[arg(long, value_name = "NAME")]
    tensor: Vec<String>,
    /// The type of the elements, if the dtype of an array gives only their size
    ///
    /// NumPy saves arrays of bfloat16 (ml_dtypes, JAX) with dtype V2: use `--element bf16`.
    #[arg(long, value_parser = dtype(), ignore_case = true)]
    element: Option<Dtype>,
}

impl SelectionArgs {
    pub(crate) fn selection(&self) -> Selection {
        Selection { tensor: self.tensor.clone(), element: self.element, may_be_empty: false }
    }
}

/// The values of an option for an element type.
pub(crate) fn dtype() -> impl TypedValueParser<Value = Dtype> {
    let is = |name: &str, dtype: &Dtype| dtype.name().eq_ignore_ascii_case(name);
    let find = move |name: String| Dtype::ALL.into_iter().find(|dtype| is(&name, dtype)).ok_or("no element type");
    PossibleValuesParser::new(Dtype::ALL.map(Dtype::name)).try_map(find)
}
