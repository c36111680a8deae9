//! An input of a call with many.

use std::path::PathBuf;

use hard_sigmoid_files::Selection;

/// An input, and what to do with it.
pub(crate) struct Item {
    pub(crate) path: PathBuf,
    /// Its size, or 0 if that is not known.
    pub(crate) bytes: u64,
    pub(crate) action: Action,
}

pub(crate) enum Action {
    Compute(Selection),
    /// Of an index, or a file of which nothing is computed.
    Copy,
    /// Nothing, because the index has an error.
    Fail(String),
}

impl Item {
    pub(crate) fn new(path: PathBuf, action: Action) -> Self {
        let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Self { path, bytes, action }
    }
}
