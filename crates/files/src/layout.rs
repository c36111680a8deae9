//! The layout of an input file: a header, followed by sections, or the members of an archive.

use std::borrow::Cow;

use crate::dtype::Dtype;
use crate::format::Format;
use crate::selection::Selection;

/// How many names an error message lists.
const MAX_LISTED: usize = 8;

/// The array of a `.npy` file, a tensor of a `.safetensors` file, or a member of an archive. A header of 100 MB
/// describes more than a million of them, so they are small and borrow their names.
#[derive(Debug, Default)]
pub struct Section<'a> {
    /// The name of the tensor or of the member. The array of a `.npy` file has none.
    pub name: Option<Cow<'a, str>>,
    /// Where its data begin: how many bytes after the header of the file, or after the beginning of the member.
    pub start: u64,
    /// What a member begins with in the output. Empty if nothing of it is computed, and outside of archives.
    pub header: Cow<'a, [u8]>,
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
    /// The format of the input and of the output.
    pub format: Format,
    /// The shape of an array; empty for a scalar, and for tensors.
    pub shape: Vec<u64>,
    /// Whether an array is in Fortran order, and not in C order as well.
    pub is_fortran: bool,
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

    /// Checks that there is a section of each name that is selected, and something to compute. `noun` is what sections
    /// are called, and `remedy` says what to do if there is nothing.
    pub(crate) fn check_selected(&self, selection: &Selection, noun: &str, remedy: &str) -> Result<(), String> {
        let names = || self.sections.iter().filter_map(|section| section.name.as_deref());
        if let Some(missing) = selection.tensor.iter().find(|&it| names().all(|name| name != it)) {
            let listed: Vec<_> = names().take(MAX_LISTED).map(|name| format!("{name:?}")).collect();
            let more = if self.sections.len() > MAX_LISTED { ", ..." } else { "" };
            return Err(format!("has no {noun} {missing:?}: its {noun}s are {}{more}", listed.join(", ")));
        }
        if !selection.may_be_empty && self.sections.iter().all(|section| section.dtype.is_none()) {
            return Err(format!("has no {noun} to compute: {remedy}"));
        }
        Ok(())
    }
}
