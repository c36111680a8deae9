//! Splits a range of elements into dispatches that fit the limits of a device, and has the shaders for them
//! ([`program`]). Pure data and arithmetic, without a GPU or wgpu.
//!
//! A dispatch accesses its data through bindings. The offset of a binding must be a multiple of an alignment, and both
//! its size and the number of workgroups are limited. Each [`Dispatch`] has element offsets into its bindings, so a
//! range may begin at any element. Offsets and lengths are in elements unless a name says otherwise. One or two
//! elements fill a word (4 bytes, the smallest unit that a shader can load), and four words fill a vector.

mod dispatch;
mod dispatches;
pub mod program;

pub use dispatch::{Access, Buffers, Dispatch, Limits, Span, Start, Unit, VECTORS_PER_GROUP, WORKGROUP};
pub use dispatches::{Dispatches, dispatches};
