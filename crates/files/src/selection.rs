//! Which parts of a file are computed.

use hard_sigmoid::Dtype;

/// Which parts of a file are computed.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The names of tensors, or of arrays in a `.npz` archive. If there is none, all of a supported type.
    pub tensor: Vec<String>,
    /// The type of the elements, if the dtype of an array gives only their size.
    pub element: Option<Dtype>,
    /// Whether a file may have nothing to compute, as one of several.
    pub may_be_empty: bool,
}

impl Selection {
    /// Whether a tensor or array of this name is to be computed, if its type is supported.
    pub(crate) fn includes(&self, name: &str) -> bool {
        self.tensor.is_empty() || self.tensor.iter().any(|it| it == name)
    }
}
