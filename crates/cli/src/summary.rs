//! What a call computed, in one line.

use hard_sigmoid::Dtype;
use std::path::Path;

use hard_sigmoid_files::Layout;
use serde::{Serialize, Serializer};

use super::console::Failure;

/// With less data, or smaller files, the speed says more about starting and opening than about computing.
const MIN_BYTES_FOR_SPEED: u64 = 1 << 26;
const MIN_FILE_BYTES_FOR_SPEED: u64 = 1 << 20;

/// How many of the inputs that failed the last line names.
const MAX_NAMED: usize = 8;

/// What was computed of a file or of several.
#[derive(Default, Serialize)]
pub(crate) struct Computed {
    #[serde(skip)]
    files: u64,
    elements: u64,
    /// In the order of [`Dtype::ALL`].
    #[serde(serialize_with = "names")]
    types: Vec<Dtype>,
    /// Sections with a name.
    tensors: usize,
    /// Sections that were copied.
    copied: usize,
    bytes: u64,
}

impl Computed {
    pub(crate) fn of(layout: &Layout<'_>) -> Self {
        let types = Dtype::ALL.into_iter();
        Self {
            files: 1,
            elements: layout.elements(),
            types: types.filter(|&it| layout.computed().any(|section| section.dtype == Some(it))).collect(),
            tensors: layout.computed().filter(|section| section.name.is_some()).count(),
            copied: layout.sections.iter().filter(|section| section.dtype.is_none()).count(),
            bytes: layout.computed().map(|section| section.bytes).sum(),
        }
    }

    /// Of a file that is copied as a whole.
    pub(crate) fn of_copy() -> Self {
        Self { files: 1, copied: 1, ..Self::default() }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.files = self.files.saturating_add(other.files);
        self.elements = self.elements.saturating_add(other.elements);
        let both = |dtype: &&Dtype| self.types.contains(dtype) || other.types.contains(dtype);
        self.types = Dtype::ALL.iter().filter(both).copied().collect();
        self.tensors = self.tensors.saturating_add(other.tensors);
        self.copied = self.copied.saturating_add(other.copied);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// `arrays` of the size of the input were read and written.
    pub(crate) fn text(&self, arrays: u8, seconds: f64) -> String {
        let Self { elements, tensors, copied, bytes, .. } = self;
        let types = self.types.iter().map(|dtype| dtype.name()).collect::<Vec<_>>().join(", ");
        let mut text = match elements {
            1 => format!("1 {types} element"),
            _ if types.is_empty() => "no elements".to_owned(),
            _ => format!("{elements} {types} elements"),
        };
        if *tensors > 0 {
            text.push_str(&format!(" of {tensors} {}", if *tensors == 1 { "tensor" } else { "tensors" }));
        }
        if *copied > 0 {
            text.push_str(&format!(" ({copied} copied)"));
        }
        text.push_str(&format!(" in {seconds:.3} s"));
        if *bytes >= MIN_BYTES_FOR_SPEED.max(self.files.saturating_mul(MIN_FILE_BYTES_FOR_SPEED)) {
            let speed = *bytes as f64 * f64::from(arrays) * 1e-9 / seconds;
            text.push_str(&format!(", {speed:.2} GB/s read and written"));
        }
        text
    }
}

fn names<S: Serializer>(types: &[Dtype], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(types.iter().map(|dtype| dtype.name()))
}

/// A failure if any of several inputs failed, which says which. Why was said above it.
pub(crate) fn verdict(failed: &[&Path], of: usize) -> Result<(), Failure> {
    if failed.is_empty() {
        return Ok(());
    }
    let mut names: Vec<_> = failed.iter().take(MAX_NAMED).map(|path| path.display().to_string()).collect();
    if failed.len() > MAX_NAMED {
        names.push(format!("{} others", failed.len().saturating_sub(MAX_NAMED)));
    }
    Err(Failure::Runtime(format!("{} of {of} files failed: {}", failed.len(), names.join(", "))))
}
