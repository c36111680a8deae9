//! What can go wrong. Each message names the remedy.

use thiserror::Error;

/// Parameters that [`HardSigmoid::new`](crate::HardSigmoid::new) refuses.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ParameterError {
    /// α or β is NaN or infinite.
    #[error("{name} is {value}: it must be a finite number")]
    NotFinite {
        /// `"alpha"` or `"beta"`.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// α is not 0 and, rounded to f32, overflows or is subnormal.
    #[error("alpha = {alpha:e} is outside the normal f32 numbers: use 0, or a magnitude from 1.2e-38 to 3.4e38")]
    Slope {
        /// What was given.
        alpha: f64,
    },
    /// β/α is not 0 and, rounded to f32, overflows or is subnormal.
    #[error(
        "beta/alpha = {beta:e}/{alpha:e} is outside the normal f32 numbers (magnitudes from 1.2e-38 to 3.4e38): \
         use 0 for the one that is negligible"
    )]
    Shift {
        /// What was given.
        alpha: f64,
        /// What was given.
        beta: f64,
    },
}

/// Two slices that must have the same number of elements do not.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the {side} has {source_len} elements and the target {target_len}: make them equally long")]
#[non_exhaustive]
pub struct LengthMismatch {
    /// Which slice it is that is not as long as the target: the source, which the backward pass calls `saved`, or its
    /// gradient.
    pub side: Side,
    /// Its elements.
    pub source_len: usize,
    /// Elements in the target.
    pub target_len: usize,
}

/// Which buffer of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// What is read.
    Source,
    /// What is written.
    Target,
    /// The gradient with respect to y, which the backward pass reads.
    Gradient,
    /// Where the parameters of the function are read from.
    Parameters,
    /// Where results are counted.
    Counters,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
            Self::Gradient => "gradient",
            Self::Parameters => "parameter",
            Self::Counters => "counter",
        })
    }
}

/// Ranges that [`plan::windows`](crate::plan::windows) refuses.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// A range ends behind its buffer.
    #[error(
        "{len} elements from element {first} on do not fit the {side} buffer, which holds {available}: \
         shorten the range or enlarge the buffer"
    )]
    OutOfRange {
        /// Which buffer.
        side: Side,
        /// The first element.
        first: u64,
        /// How many.
        len: u64,
        /// How many the buffer holds.
        available: u64,
    },
    /// A source and the target overlap in one buffer without being the same range.
    #[error(
        "{side} ({len} elements from {source_first} on) and target (from {target_first} on) overlap in one buffer: \
         use the same range for in place, or ranges that do not overlap"
    )]
    Overlap {
        /// Which source.
        side: Side,
        /// Its first element.
        source_first: u64,
        /// The first element of the target.
        target_first: u64,
        /// How many elements each has.
        len: u64,
    },
    /// A range ends with half a word, at the end of a buffer whose size is no multiple of 4 bytes.
    #[error(
        "the last element of a {side} buffer of {buffer_bytes} bytes fills no whole word, so that it cannot be bound: \
             make the buffer's size a multiple of 4 bytes"
    )]
    PartOfWord {
        /// Which buffer.
        side: Side,
        /// Its size.
        buffer_bytes: u64,
    },
    /// Elements of a size that the shader does not have.
    #[error("elements of {element_bytes} bytes: a GPU computes those of 2 or 4 bytes, so use the CPU path")]
    ElementBytes {
        /// The size.
        element_bytes: u64,
    },
    /// The device cannot bind even a few elements, or dispatch.
    #[error(
        "the device allows bindings of {binding_bytes} bytes and {groups} workgroups: request it with \
         max_storage_buffer_binding_size of at least two offset alignments and max_compute_workgroups_per_dimension \
         of at least 1"
    )]
    Limits {
        /// `max_storage_buffer_binding_size`.
        binding_bytes: u64,
        /// `max_compute_workgroups_per_dimension`.
        groups: u32,
    },
}

impl PlanError {
    /// With the names of the binding for what the plan calls source and target.
    #[cfg(feature = "wgpu")]
    pub(crate) fn with_sides(mut self, source: Side, target: Side) -> Self {
        if let Self::OutOfRange { side, .. } | Self::PartOfWord { side, .. } | Self::Overlap { side, .. } = &mut self {
            *side = if *side == Side::Source { source } else { target };
        }
        self
    }
}

/// What goes wrong on a GPU.
#[cfg(feature = "wgpu")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The slices of a call differ in length. Nothing was written.
    #[error(transparent)]
    Length(#[from] LengthMismatch),
    /// Buffers that cannot be bound as asked. Nothing was recorded.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// No adapter suits.
    #[error("{}", no_adapter(*kind, wanted, present))]
    NoAdapter {
        /// What was looked for.
        kind: crate::AdapterKind,
        /// The part of a name that was asked for, by `WGPU_ADAPTER_NAME` maybe; empty if none was.
        wanted: String,
        /// The adapters there are.
        present: Vec<String>,
    },
    /// An adapter gave no device.
    #[error("{adapter} gives no device ({source}): choose another adapter, or the CPU path")]
    Open {
        /// The adapter.
        adapter: String,
        /// Why.
        source: wgpu::RequestDeviceError,
    },
    /// The device was made with a limit that is too low for the shader.
    #[error("the device has {name} = {available}: request it with at least {needed}, or use the CPU path")]
    MissingLimit {
        /// The field of `wgpu::Limits`.
        name: &'static str,
        /// What the shader needs.
        needed: u32,
        /// What the device has.
        available: u32,
    },
    /// The device refused: it is out of memory, or a buffer is destroyed or of another device.
    #[error("the device refused at {doing} ({}): {}", root(source), remedy(source))]
    Device {
        /// What was being done.
        doing: &'static str,
        /// What the device says.
        source: wgpu::Error,
    },
    /// The device no longer answers: lost or destroyed.
    #[error("the device was lost: open a new one, or use the CPU path")]
    Lost,
    /// A buffer's memory cannot be reached, as after a loss of the device.
    #[error("a mapped buffer cannot be reached, as if the device was lost ({}): open a new one, or use the CPU path", root(.0))]
    Map(#[from] wgpu::MapRangeError),
    /// Waiting for the device failed.
    #[error("waiting for the device failed ({0}): open a new one, or use the CPU path")]
    Poll(#[source] wgpu::PollError),
    /// The thread that polls the device did not start.
    #[error("no thread to poll the device ({0}): use the blocking calls")]
    Thread(#[source] std::io::Error),
    /// A call over host slices stopped half-way. The first `finished` elements of the target have their results, and
    /// the others are as they were.
    #[error("stopped after {finished} elements: {cause}")]
    Interrupted {
        /// How many elements are finished.
        finished: usize,
        /// What happened.
        #[source]
        cause: Box<Self>,
    },
}

/// Buffers that [`Kernel::bind`](crate::Kernel::bind) refuses.
#[cfg(feature = "wgpu")]
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// A buffer cannot be a storage buffer.
    #[error("the {side} buffer has usage {usage:?}: create it with BufferUsages::STORAGE as well")]
    NotStorage {
        /// Which buffer.
        side: Side,
        /// Its usage.
        usage: wgpu::BufferUsages,
    },
    /// Elements of a type that a GPU does not compute.
    #[error("a GPU does not compute {element}: convert to f32, f16 or bf16, or use the CPU path")]
    NotOnGpu {
        /// The type.
        element: &'static str,
    },
    /// A range ends before it begins.
    #[error("the {side} range {start}..{end} ends before it begins: give the lower element first")]
    Reversed {
        /// Which range.
        side: Side,
        /// Its first element.
        start: u64,
        /// The element behind its last.
        end: u64,
    },
    /// A buffer cannot be a uniform buffer.
    #[error("the parameter buffer has usage {usage:?}: create it with BufferUsages::UNIFORM as well")]
    NotUniform {
        /// Its usage.
        usage: wgpu::BufferUsages,
    },
    /// Parameters or counters begin where the device lets none begin.
    #[error("the {side} block begins at byte {offset} of its buffer: use a multiple of {alignment}")]
    Alignment {
        /// Which buffer.
        side: Side,
        /// Where the block begins.
        offset: u64,
        /// The device's `min_uniform_buffer_offset_alignment` or `min_storage_buffer_offset_alignment`.
        alignment: u32,
    },
    /// Parameters or counters end behind their buffer.
    #[error(
        "the {bytes} bytes of the {side} block do not fit its buffer of {size} bytes from byte {offset} on: enlarge it"
    )]
    TooShort {
        /// Which buffer.
        side: Side,
        /// Where the block begins.
        offset: u64,
        /// How long it is.
        bytes: u64,
        /// The size of the buffer.
        size: u64,
    },
    /// Parameters or counters are in a buffer that no device can use in both ways at once.
    #[error("the {side} block is in the {other} buffer: put it in a buffer of its own")]
    Shared {
        /// Which block.
        side: Side,
        /// What else the buffer is.
        other: Side,
    },
    /// The device refuses a buffer.
    #[error(
        "the device refuses the {side} buffer ({reason}): use one of the kernel's own device that is not destroyed"
    )]
    Refused {
        /// Which buffer.
        side: Side,
        /// What the device says.
        reason: String,
    },
    /// Two ranges differ in length.
    #[error("the {side} range has {source_len} elements and the target range {target_len}: make them equally long")]
    Lengths {
        /// Which range it is that is not as long as the target.
        side: Side,
        /// Its elements.
        source_len: u64,
        /// Elements in the target.
        target_len: u64,
    },
    /// A range leaves its buffer, or two overlap.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// The innermost cause, in one line.
#[cfg(feature = "wgpu")]
pub(crate) fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(feature = "wgpu")]
const fn remedy(error: &wgpu::Error) -> &'static str {
    match error {
        wgpu::Error::OutOfMemory { .. } => "free some of its memory, or use the CPU path",
        wgpu::Error::Validation { .. } => "open a new device if this one was destroyed, or use the CPU path",
        wgpu::Error::Internal { .. } => "update its driver, or use another adapter or the CPU path",
    }
}

#[cfg(feature = "wgpu")]
fn no_adapter(kind: crate::AdapterKind, wanted: &str, present: &[String]) -> String {
    use crate::AdapterKind;
    let what = if kind == AdapterKind::Hardware { "hardware GPU" } else { "GPU adapter" };
    let named = if wanted.is_empty() { String::new() } else { format!(" with \"{wanted}\" in its name") };
    let (there, remedy) = match (present.is_empty(), kind) {
        (true, _) => (
            "there is none at all".to_owned(),
            "install a Vulkan or GL driver (mesa-vulkan-drivers has a software one), check WGPU_BACKEND",
        ),
        (false, AdapterKind::Hardware) => {
            (format!("there is {}", present.join(", ")), "ask for the GPU backend to use a software one")
        }
        (false, AdapterKind::Any) => (
            format!("there is {}", present.join(", ")),
            "ask for another name (WGPU_ADAPTER_NAME) or backend (WGPU_BACKEND)",
        ),
    };
    format!("no {what}{named}: {there}; {remedy}, or use the CPU path")
}
