//! [curve]: data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7
//! [docs/browser.md]: guide::browser
//! [docs/command.md]: guide::command
//! [docs/embedding.md]: guide::embedding
//! [docs/judging.md]: guide::judging
//! [docs/numerics.md]: guide::numerics
//! [docs/performance.md]: guide::performance
//! [docs/slices.md]: guide::slices
//! [docs/wgsl.md]: WGSL
//! [python/README.md]: guide::python
//!
// README follows. Of two definitions of a link, the first counts: those above lead to pages of rustdoc, and the picture
// is empty, because rustdoc does not have the file. `HardSigmoid` shows it.
#![cfg_attr(feature = "wgpu", doc = include_str!("../README.md"))]
#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync, reason = "objects of WebGPU are not"))]
#![cfg_attr(not(feature = "wgpu"), allow(rustdoc::broken_intra_doc_links, reason = "links to the GPU path"))]

mod backward;
#[cfg(feature = "wgpu")]
mod calls;
pub mod cpu;
#[macro_use]
mod dtype;
mod element;
#[cfg(feature = "wgpu")]
pub mod engine;
mod error;
#[cfg(feature = "wgpu")]
mod gpu;
#[cfg(any(doc, doctest))]
pub mod guide;
mod hard_sigmoid;
mod job;
#[cfg(all(feature = "wgpu", target_arch = "wasm32"))]
mod js_arrays;
mod lock;
#[cfg(feature = "ndarray")]
pub mod nd;
pub mod plan;
mod saturation;
mod text;
pub mod validate;

pub use backward::{Backward, BackwardParams};
pub use dtype::Dtype;
pub use element::Element;
#[cfg(feature = "wgpu")]
#[doc(inline)]
pub use engine::{Backend, Engine};
#[cfg(all(feature = "wgpu", target_arch = "wasm32"))]
pub use error::ArrayError;
pub use error::ParameterError;
#[cfg(feature = "wgpu")]
pub use gpu::{
    Gpu, adapter,
    error::{BindError, Error},
    kernel::{
        Kernel, KernelOptions,
        ahead::Ahead,
        arguments::{BufferBlock, BufferRange, ParamSource},
        binding::Binding,
    },
};
pub use half;
pub use hard_sigmoid::{HardSigmoid, Params};
pub use job::Job;
#[cfg(all(feature = "wgpu", target_arch = "wasm32"))]
pub use js_sys;
#[cfg(feature = "ndarray")]
pub use ndarray;
pub use saturation::Saturation;
pub use text::ParseError;
#[cfg(feature = "wgpu")]
pub use wgpu;

#[doc = include_str!("../docs/wgsl.md")]
pub const WGSL: &str = include_str!("../shaders/hard_sigmoid.wgsl");
