//! The layout of an input file: a header, followed by sections.

use super::dtype::Dtype;

/// The array of a `.npy` file or a tensor of a `.safetensors` file.
pub(crate) struct Section {
    /// The name of the tensor. The array of a `.npy` file has none.
    pub(crate) name: Option<String>,
    /// The size in bytes.
    pub(crate) bytes: u64,
    /// The element type. None if the section is not to be computed.
    pub(crate) dtype: Option<Dtype>,
}

impl Section {
    /// The number of elements to compute.
    pub(crate) fn elements(&self) -> u64 {
        self.dtype.and_then(|dtype| self.bytes.checked_div(dtype.size())).unwrap_or(0)
    }
}

pub(crate) struct Layout {
    /// The extension of files in this format.
    pub(crate) extension: &'static str,
    /// The header of the output.
    pub(crate) header: Vec<u8>,
    /// Everything after the header, in file order.
    pub(crate) sections: Vec<Section>,
}

impl Layout {
    /// The number of elements to compute.
    pub(crate) fn elements(&self) -> u64 {
        self.sections.iter().map(Section::elements).sum()
    }

    /// The number of f64 elements to compute.
    pub(crate) fn f64_elements(&self) -> u64 {
        self.sections.iter().filter(|section| section.dtype == Some(Dtype::F64)).map(Section::elements).sum()
    }
}
