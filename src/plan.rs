//! What to dispatch, for any implementation of WebGPU: data and arithmetic, without a GPU or wgpu.
//!
//! A [`Kernel`](crate::Kernel) does all of this for the crate's own wgpu. Elsewhere, make a [`Recipe`] of the operation
//! and the ranges. Then, for each of its [`Step`]s:
//!
//! 1. Compile [`Program::wgsl`], and make a pipeline with [`Program::entry_point`], [`Program::constants`] and the
//!    layout of the shader (`layout: None`, or `"auto"`). Programs are few: keep the pipelines.
//! 2. Bind what [`Step::bindings`] lists, as bind group 0.
//! 3. Dispatch [`Step::workgroups`].
//!
//! The steps run in order. [`guide::other_wgpu`](crate::guide::other_wgpu) has an example.

mod dispatch;
mod dispatches;
mod limits;
mod program;
mod recipe;
mod rows;
mod step;

pub use crate::error::{BufferRole, PlanError};
#[cfg(feature = "wgpu")]
pub(crate) use dispatches::SMALL_BYTES;
pub use limits::Limits;
pub use program::Program;
#[cfg(feature = "wgpu")]
pub(crate) use program::{COUNTING_BYTES, MOST_BINDINGS};
pub use recipe::{Elements, Operand, Place, Recipe};
#[cfg(feature = "wgpu")]
pub(crate) use recipe::{check_block, check_on_gpu};
pub use rows::Rows;
pub use step::{Resource, Step};
#[cfg(feature = "wgpu")]
pub(crate) use {dispatch::WORKGROUP, step::BLOCK_BYTES};
