#![cfg_attr(feature = "wgpu", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "wgpu"), doc = "Hard sigmoid on the CPU. The documentation is that with the feature `wgpu`.")]

#[cfg(feature = "wgpu")]
mod backend;
mod backward;
pub mod cpu;
mod element;
mod error;
#[cfg(feature = "wgpu")]
pub mod gpu;
mod hard_sigmoid;
pub mod plan;
mod reference;
mod saturation;
mod threads;
pub mod validate;

#[cfg(feature = "wgpu")]
pub use backend::{AUTO_GPU_FROM, Backend, Engine, Fallback, Ran};
pub use backward::{Backward, BackwardParams};
pub use element::Element;
#[cfg(feature = "wgpu")]
pub use error::{BindError, Error};
pub use error::{LengthMismatch, ParameterError, PlanError, Side};
#[cfg(feature = "wgpu")]
pub use gpu::{
    Gpu,
    adapter::AdapterKind,
    arguments::{Elements, Function},
    binding::Binding,
    kernel::Kernel,
};
pub use half;
pub use hard_sigmoid::{HardSigmoid, Params};
pub use saturation::Saturation;
#[cfg(feature = "wgpu")]
pub use wgpu;

/// The function as WGSL source, `shaders/hard_sigmoid.wgsl`: no bindings, no presets, no side effects.
pub const WGSL: &str = include_str!("../shaders/hard_sigmoid.wgsl");
