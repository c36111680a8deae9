//! The files that the command `hard-sigmoid` takes: `.npy`, `.npz` and `.safetensors`, of any size. A file is a header
//! and [sections](Section), or an archive of them; some sections are computed and the others copied. Arrays may be in
//! either byte order, and all but archives may come from pipes.
//!
//! Its interface is what the command and the page need, and changes with them.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod archive;
mod error;
mod foreign;
mod format;
mod input;
mod layout;
mod literal;
pub mod npy;
mod npz;
mod safetensors;
mod selection;

pub use archive::{Archive, ArchiveWriter};
pub use error::Error;
pub use format::{Format, Header, has_extension};
pub use input::{Data, Input, STANDARD, open, open_as};
pub use layout::{Layout, Section};
pub use selection::Selection;
