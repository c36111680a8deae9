//! The layout of an input file: a header, followed by sections, or the members of an archive.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use hard_sigmoid::{Dtype, with_type};

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
    /// A hash of the shape, and of the order in which the elements lie.
    pub form: u64,
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

    /// Converts the bytes of elements from the byte order of the file to the one of this machine, or back.
    pub fn swap_bytes(&self, bytes: &mut [u8]) {
        if let Some(dtype) = self.dtype.filter(|_| self.swapped) {
            with_type!(dtype, T => {
                let (elements, _) = bytes.as_chunks_mut::<{ size_of::<T>() }>();
                elements.iter_mut().for_each(|element| element.reverse());
            });
        }
    }

    /// The bytes that the file has for these elements, in their place.
    pub fn bytes_of<'e, T: bytemuck::Pod>(&self, elements: &'e mut [T]) -> &'e [u8] {
        let bytes = bytemuck::cast_slice_mut(elements);
        self.swap_bytes(bytes);
        bytes
    }
}

/// What an input holds, and what its output begins with.
#[derive(Debug, Default)]
pub struct Layout<'a> {
    /// The extension of files in the format of the input, which is that of the output.
    pub extension: &'static str,
    /// The shape of an array; empty for a scalar, and for tensors.
    pub shape: Vec<u64>,
    /// Whether an array is in Fortran order, and not in C order as well.
    pub is_fortran: bool,
    /// The header of the output. An archive has none.
    pub header: Cow<'a, [u8]>,
    /// What each member of an archive begins with in the output. Empty for those that are copied.
    pub headers: Vec<Cow<'a, [u8]>>,
    /// Everything after the header, in file order.
    pub sections: Vec<Section<'a>>,
}

impl Layout<'_> {
    /// The number of elements to compute.
    pub fn elements(&self) -> u64 {
        self.sections.iter().map(Section::elements).sum()
    }

    /// The sections that are computed.
    pub fn computed(&self) -> impl Iterator<Item = &Section<'_>> {
        self.sections.iter().filter(|section| section.dtype.is_some())
    }

    /// The size of what follows the header.
    pub fn bytes(&self) -> u64 {
        self.sections.iter().map(|section| section.bytes).sum()
    }

    /// The number of elements to compute of types that GPUs do not support.
    pub fn elements_for_cpu(&self) -> u64 {
        let is_for_cpu = |section: &&Section<'_>| section.dtype.is_some_and(|dtype| !dtype.is_on_gpu());
        self.sections.iter().filter(is_for_cpu).map(Section::elements).sum()
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
        let is_computed = |name: &String| self.computed().any(|section| section.name.as_deref() == Some(name.as_str()));
        if let Some(name) = selection.tensor.iter().find(|name| !is_computed(name)) {
            return Err(format!("has {noun} {name:?}, but nothing to compute in it: {remedy}"));
        }
        if !selection.may_be_empty && self.computed().next().is_none() {
            return Err(format!("has no {noun} to compute: {remedy}"));
        }
        Ok(())
    }
}

/// The [`form`](Section::form) of a shape.
pub(crate) fn form(shape: impl Iterator<Item = u64>, is_fortran: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    is_fortran.hash(&mut hasher);
    shape.for_each(|n| n.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests;
