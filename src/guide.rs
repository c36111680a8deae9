//! Guides by topic.
//!
//! | you have | read |
//! |---|---|
//! | an app on wgpu | [`embedding`]: ranges, rows, changing parameters, lengths on the GPU, counts, pipelines |
//! | a shader of your own | [`WGSL`](crate::WGSL): the function to import or paste |
//! | an app on another version of wgpu | [`other_wgpu`], and [`plan`](crate::plan) |
//! | slices | [`slices`]: on the CPU or on a GPU, blocking or async |
//! | files or pipes | [`command`] |
//! | a page in a browser | [`browser`] |
//! | NumPy arrays | [`python`] |
//! | a question about speed, or whether to use a GPU at all | [`performance`] |
//! | a question about rounding, NaN, or what was checked | [`numerics`] |
//! | another implementation to check | [`judging`], which has a table of who returns what |
//! | a question about how it works inside | [`internals`] |

/// A [`Kernel`](crate::Kernel) in an app: ranges of buffers, rows with a pitch, changing parameters, a length that only
/// the GPU knows, many tensors, counts, mistakes, and pipelines.
#[doc = include_str!("../docs/embedding.md")]
#[cfg(feature = "wgpu")]
pub mod embedding {}

/// Calls over slices, with [`cpu`](crate::cpu), [`Gpu`](crate::Gpu) or [`Engine`](crate::Engine).
#[doc = include_str!("../docs/slices.md")]
#[cfg(feature = "wgpu")]
pub mod slices {}

/// When to use a GPU, what makes the function fast, and what was measured.
#[doc = include_str!("../docs/performance.md")]
///
/// # See also
///
/// [`WGSL`](crate::WGSL), [`Kernel::bind`](crate::Kernel::bind),
/// [`Kernel::compile_ahead`](crate::Kernel::compile_ahead), [`Binding::record_pass`](crate::Binding::record_pass),
/// [`Backend::Auto`](crate::Backend::Auto), and the [command](crate::guide::command)
pub mod performance {}

/// The contract in brief, the result at 0, and what was checked on which driver.
#[doc = include_str!("../docs/numerics.md")]
///
/// # See also
///
/// [`HardSigmoid`](crate::HardSigmoid), [`Backward`](crate::Backward), [`validate`](mod@crate::validate), and the
/// [command](crate::guide::command)
pub mod numerics {}

/// How to check another implementation, and what PyTorch, ONNX Runtime, JAX and others return.
#[doc = include_str!("../docs/judging.md")]
///
/// # See also
///
/// [`validate::judge_fn`](crate::validate::judge_fn), [`validate::judge`](crate::validate::judge()), and the
/// [command](crate::guide::command)
pub mod judging {}

/// WebGPU in a browser: what is different there, and the package for JavaScript.
#[doc = include_str!("../docs/browser.md")]
#[cfg(feature = "wgpu")]
pub mod browser {}

/// The `hard-sigmoid` command, for files and pipes.
#[doc = include_str!("../docs/command.md")]
///
/// # What `plot --histogram` draws
///
/// Activations, and the results, of which 12 % are exactly 0 and 14 % exactly 1:
///
/// <div style="overflow-x: auto">
#[doc = include_str!("../docs/pictures/histogram.svg")]
/// </div>
pub mod command {}

/// The package for NumPy arrays, on [`cpu`](crate::cpu) and [`Engine`](crate::Engine).
#[doc = include_str!("../docs/python.md")]
pub mod python {}

/// How to use the shaders with another version of wgpu or another implementation of WebGPU, which [`plan`](crate::plan)
/// has as data.
#[doc = include_str!("../docs/other_wgpu.md")]
pub mod other_wgpu {}

/// How a call becomes dispatches, how the shaders are joined, and why they look as they do.
#[doc = include_str!("../docs/internals.md")]
pub mod internals {}
