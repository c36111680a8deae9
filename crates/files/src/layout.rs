//! The layout of an input file: a header, followed by sections, or the members of an archive.

use std::borrow::Cow;

use crate::dtype::Dtype;

/// The array of a `.npy` file, a tensor of a `.safetensors` file, or a member of an archive. A header of 100 MB
/// describes more than a million of them, so they are small and borrow their names.
#[derive(Debug)]
pub struct Section<'a> {
    /// The name of the tensor or of the member. The array of a `.npy` file has none.
    pub name: Option<Cow<'a, str>>,
    /// Where it begins, in bytes after the header.
    pub start: u64,
    /// The size in bytes.
    pub bytes: u64,
    /// The element type. None if the section is not to be computed.
    pub dtype: Option<Dtype>,
    /// Whether the bytes of an element are in the reverse of this machine's order.
    pub swapped: bool,
}

impl Section<'_> {
    /// The number of elements to compute.
    pub fn elements(&self) -> u64 {
        self.dtype.and_then(|dtype| self.bytes.checked_div(dtype.size())).unwrap_or(0)
    }

    /// Converts elements from the byte order of the file to the one of this machine, or back.
    pub fn swap_bytes<T: bytemuck::Pod>(&self, elements: &mut [T]) {
        if self.swapped {
            elements.iter_mut().for_each(|element| bytemuck::bytes_of_mut(element).reverse());
        }
    }
}

/// What an input holds, and what its output begins with.
#[derive(Debug)]
pub struct Layout<'a> {
    /// The extension of files in this format.
    pub extension: &'static str,
    /// The shape and the order of an array, for people to read; empty for tensors.
    pub shape: String,
    /// The header of the output. An archive has none.
    pub header: Cow<'a, [u8]>,
    /// Everything after the header, in file order.
    pub sections: Vec<Section<'a>>,
}

impl Layout<'_> {
    /// The number of elements to compute.
    pub fn elements(&self) -> u64 {
        self.sections.iter().map(Section::elements).sum()
    }

    /// The size of what follows the header.
    pub fn bytes(&self) -> u64 {
        self.sections.iter().map(|section| section.bytes).sum()
    }

    /// The number of f64 elements to compute.
    pub fn f64_elements(&self) -> u64 {
        self.sections.iter().filter(|section| section.dtype == Some(Dtype::F64)).map(Section::elements).sum()
    }
}
