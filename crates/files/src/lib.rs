//! The files that the command `hard-sigmoid` takes: `.npy`, `.npz` and `.safetensors`, of any size. A file is a header
//! and [sections](Section), or an archive of them; some sections are computed and the others copied. Arrays may be in
//! either byte order, and all but archives may come from pipes.
//!
//! Its interface is what the command and the page need, and changes with them.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod dtype;
mod error;
pub mod foreign;
mod input;
mod layout;
mod literal;
pub mod npy;
pub mod npz;
pub mod safetensors;
mod selection;

pub use dtype::Dtype;
pub use error::Error;
pub use hard_sigmoid::half;
pub use input::{Data, Header, Input, STANDARD, has_extension, is_input, open};
pub use layout::{Layout, Section};
pub use selection::Selection;
