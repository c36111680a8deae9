//! An input of a call with many.

use std::path::PathBuf;

use super::selection::Selection;

/// An input, and what to do with it.
pub(crate) struct Item {
    pub(crate) path: PathBuf,
    /// Its size, or 0 if that is not known.
    pub(crate) bytes: u64,
    /// Whether it is a pipe or a device.
    pub(crate) is_pipe: bool,
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
        let metadata = std::fs::metadata(&path).ok();
        let bytes = metadata.as_ref().map_or(0, |metadata| metadata.len());
        let is_pipe = metadata.is_some_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        Self { path, bytes, is_pipe, action }
    }
}
