//! What can go wrong on a GPU. Each message names the remedy.

use thiserror::Error;

use crate::error::{BufferRole, LengthMismatch, PlanError};

/// Why a GPU did not compute.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The slices of a call differ in length. Nothing was written.
    #[error(transparent)]
    Length(#[from] LengthMismatch),
    /// Buffers cannot be bound as asked. Nothing was recorded.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// `WGPU_BACKEND` does not name a backend.
    #[error(
        "WGPU_BACKEND has the unknown word \"{word}\": use vulkan, gl, metal or dx12, or several of them with commas, \
         or unset it"
    )]
    UnknownBackend {
        /// The word.
        word: String,
    },
    /// No adapter is suitable.
    #[error("{}", no_adapter(*hardware_only, wanted, [present, unusable]).join("; "))]
    NoAdapter {
        /// Whether only hardware was looked for.
        hardware_only: bool,
        /// The part of a name that was asked for, perhaps by `WGPU_ADAPTER_NAME`; empty if none was.
        wanted: String,
        /// The adapters that are present.
        present: Vec<String>,
        /// Those that are present, too, but cannot compute.
        unusable: Vec<String>,
    },
    /// A device and the queue of another device were given.
    #[error("the queue belongs to another device: pass the queue that request_device returned with the device")]
    QueueOfAnotherDevice,
    /// An adapter gave no device.
    #[error("{adapter} gives no device ({source}): choose another adapter, or the CPU path")]
    Open {
        /// The adapter.
        adapter: String,
        /// The reason.
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
    /// The device refused: it is out of memory or destroyed, or its driver failed.
    #[error("the device refused at {doing} ({}): {}", reason(source), remedy(source))]
    Device {
        /// What was being done.
        doing: &'static str,
        /// What the device says.
        source: wgpu::Error,
    },
    /// wgpu panicked, as it does for an object of another `wgpu::Instance`, other than a buffer.
    #[error("wgpu panicked at {doing} ({message}): use buffers and devices of one wgpu::Instance, or the CPU path")]
    Panicked {
        /// What was being done.
        doing: &'static str,
        /// The message of the panic.
        message: String,
    },
    /// The device no longer answers: it is lost or destroyed.
    #[error("the device was lost: open a new one, or use the CPU path")]
    Lost,
    /// The memory of a mapped buffer cannot be reached, as happens after a loss of the device.
    #[error(
        "a mapped buffer cannot be reached, as if the device was lost ({}): open a new one, or use the CPU path",
        root(.0)
    )]
    Map(#[from] wgpu::MapRangeError),
    /// Waiting for the device failed.
    #[error("waiting for the device failed ({0}): open a new one, or use the CPU path")]
    Poll(#[source] wgpu::PollError),
    /// The thread that polls the device did not start.
    #[error("no thread to poll the device ({0}): use the blocking calls")]
    Thread(#[source] std::io::Error),
    /// A call in a browser cannot read or write its arrays.
    #[cfg(target_arch = "wasm32")]
    #[error(transparent)]
    Array(#[from] crate::error::ArrayError),
    /// A call over host slices stopped part way. The first `finished` elements of the target have their results; the
    /// others are as they were.
    #[error("stopped after {finished} elements: {cause}")]
    Interrupted {
        /// The number of elements that are finished.
        finished: usize,
        /// What happened.
        #[source]
        cause: Box<Self>,
    },
}

/// Why [`Kernel::bind`](crate::Kernel::bind) or another `bind` method refused its buffers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// A buffer lacks the usage of a storage buffer.
    #[error("the {role} buffer has usage {usage:?}: create it with BufferUsages::STORAGE as well")]
    NotStorage {
        /// The buffer.
        role: BufferRole,
        /// Its usage.
        usage: wgpu::BufferUsages,
    },
    /// A buffer lacks the usage of a uniform buffer.
    #[error("the parameter buffer has usage {usage:?}: create it with BufferUsages::UNIFORM as well")]
    NotUniform {
        /// Its usage.
        usage: wgpu::BufferUsages,
    },
    /// The device refuses a buffer.
    #[error(
        "the device refuses the {role} buffer ({reason}): use a buffer of the kernel's own device that is not destroyed"
    )]
    Refused {
        /// The buffer.
        role: BufferRole,
        /// What the device says.
        reason: String,
    },
    /// The ranges cannot be computed: one leaves its buffer, two overlap or differ in length, or the like. Or
    /// parameters or counters cannot be where they are.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        Self::Bind(error.into())
    }
}

/// The innermost cause, in one line.
pub(crate) fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    one_line(&cause.to_string())
}

/// What the device says. In a browser, it is not in a cause.
fn reason(error: &wgpu::Error) -> String {
    match error {
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. }
            if cfg!(target_arch = "wasm32") =>
        {
            one_line(description)
        }
        wgpu::Error::OutOfMemory { .. } if cfg!(target_arch = "wasm32") => "out of memory".into(),
        error => root(error),
    }
}

pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const fn remedy(error: &wgpu::Error) -> &'static str {
    match error {
        wgpu::Error::OutOfMemory { .. } => "free some of its memory, or use the CPU path",
        wgpu::Error::Validation { .. } => "open a new device if this one was destroyed, or use the CPU path",
        wgpu::Error::Internal { .. } => "update its driver, or use another adapter or the CPU path",
    }
}

/// Why there is no adapter, and what to do.
fn no_adapter(hardware_only: bool, wanted: &str, [present, unusable]: [&[String]; 2]) -> [String; 2] {
    let what = if hardware_only { "hardware GPU" } else { "GPU adapter" };
    let named = if wanted.is_empty() { String::new() } else { format!(" with \"{wanted}\" in its name") };
    let unusable = unusable.iter().map(|adapter| format!("{adapter}, which cannot compute"));
    let found: Vec<_> = present.iter().cloned().chain(unusable).collect();
    let (found, remedy) = if !found.is_empty() {
        let remedy = if hardware_only && !present.is_empty() {
            "ask for the GPU backend to use a software one"
        } else {
            "ask for another name (WGPU_ADAPTER_NAME) or backend (WGPU_BACKEND)"
        };
        (format!("this machine has {}", found.join(", ")), remedy)
    } else if cfg!(target_arch = "wasm32") {
        let remedy = "use a browser that has WebGPU, on a page from https or localhost, and turn on WebGPU there";
        ("the browser offers none".into(), remedy)
    } else if wgpu::Instance::enabled_backend_features().is_empty() {
        ("this program was built without a backend of wgpu".into(), "enable wgpu's feature vulkan, gles, metal or dx12")
    } else {
        ("none was found".into(), NO_DRIVER)
    };
    [format!("no {what}{named}: {found}"), format!("{remedy}, or use the CPU path")]
}

/// What to do where there is no adapter.
const NO_DRIVER: &str = if cfg!(target_os = "linux") {
    "install a Vulkan or GL driver (mesa-vulkan-drivers has a software one), check WGPU_BACKEND"
} else if cfg!(windows) {
    "install the driver of the GPU, check WGPU_BACKEND"
} else if cfg!(target_vendor = "apple") {
    "use a system with Metal, check WGPU_BACKEND"
} else {
    "install a Vulkan or GL driver, check WGPU_BACKEND"
};

impl Error {
    /// The message, without what to do if there is no adapter: `auto` does without one.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::NoAdapter { hardware_only, wanted, present, unusable } => {
                let [reason, _] = no_adapter(*hardware_only, wanted, [present, unusable]);
                reason
            }
            other => other.to_string(),
        }
    }

    /// Whether the message ends with the advice to use the CPU path.
    #[must_use]
    pub fn advises_cpu_path(&self) -> bool {
        match self {
            Self::NoAdapter { .. }
            | Self::Open { .. }
            | Self::MissingLimit { .. }
            | Self::Device { .. }
            | Self::Panicked { .. }
            | Self::Lost
            | Self::Map(_)
            | Self::Poll(_)
            | Self::Bind(BindError::Plan(PlanError::NotOnGpu { .. })) => true,
            Self::Interrupted { cause, .. } => cause.advises_cpu_path(),
            _ => false,
        }
    }
}
