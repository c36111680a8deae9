//! The option that selects the backend.

use std::fmt::{Display, Formatter};
use std::time::Instant;

use clap::ValueEnum;
use hard_sigmoid::{AUTO_GPU_MIN_ELEMENTS, Backend, Engine, ExecutedOn};
use hard_sigmoid_files::{Data, Input, Layout, Section, npy};

use super::adapters::{self, AdapterArgs};
use super::console::Failure;

#[derive(clap::Args)]
pub(crate) struct BackendArgs {
    /// Select where to run
    ///
    /// The environment variables WGPU_BACKEND (vulkan, gl, metal or dx12) and WGPU_ADAPTER_NAME (part of a name) select
    /// the GPU adapter.
    #[arg(long, value_enum, default_value_t = Choice::Auto, conflicts_with = "adapter")]
    backend: Choice,
    #[command(flatten)]
    adapter: AdapterArgs,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Choice {
    /// A hardware GPU if the file has at least 2^26 elements and the GPU is faster, and the CPU otherwise
    Auto,
    /// Any GPU adapter, including software adapters
    Gpu,
    /// The CPU
    Cpu,
}

/// The engines of a call, which are opened for the first file and used for the others.
pub(crate) struct Opener<'a> {
    args: &'a BackendArgs,
    /// `auto` chooses one for files that are too small for a GPU, and one for the others.
    opened: [Option<Engine>; 2],
    /// How long it has taken to open them.
    pub(crate) seconds: f64,
}

impl BackendArgs {
    pub(crate) const fn opener(&self) -> Opener<'_> {
        Opener { args: self, opened: [None, None], seconds: 0.0 }
    }

    fn choice(&self) -> Choice {
        match self.adapter.adapter.as_deref() {
            None => self.backend,
            Some("cpu") => Choice::Cpu,
            Some(_) => Choice::Gpu,
        }
    }

    fn open(&self, elements: u64) -> Result<Engine, Failure> {
        if self.adapter.adapter.is_some()
            && let Some(gpu) = self.adapter.open()?
        {
            return Ok(Engine::with_gpu(gpu).without_fallback());
        }
        let backend = match self.choice() {
            Choice::Auto => Backend::Auto,
            Choice::Gpu => Backend::Gpu,
            Choice::Cpu => Backend::Cpu,
        };
        Engine::open_blocking(backend, elements).map_err(|error| adapters::failure(&error, "--backend cpu"))
    }
}

impl Opener<'_> {
    pub(crate) fn engine(&mut self, input: &Input, layout: &Layout<'_>) -> Result<&mut Engine, Failure> {
        let f64_elements = layout.f64_elements();
        if self.args.choice() == Choice::Gpu && f64_elements > 0 {
            let other = if layout.extension == npy::EXTENSION { "" } else { ", or select others with --tensor" };
            let remedy = format!("use --backend cpu or auto{other}");
            return Err(input.failure(format!("has f64 elements, which GPUs do not support: {remedy}")).into());
        }
        let elements = layout.elements().saturating_sub(f64_elements);
        self.open(elements)
    }

    /// Whether small files are computed on the CPU.
    pub(crate) fn is_small_on_cpu(&self) -> bool {
        self.args.choice() != Choice::Gpu
    }

    /// One that has opened nothing, for another thread.
    pub(crate) const fn again(&self) -> Self {
        self.args.opener()
    }

    /// Opens a GPU that was asked for. Without one, no file can be computed.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        if self.args.choice() == Choice::Gpu { self.open(0).map(|_| ()) } else { Ok(()) }
    }

    fn open(&mut self, elements: u64) -> Result<&mut Engine, Failure> {
        let [small, large] = &mut self.opened;
        let is_large = self.args.choice() == Choice::Auto && elements >= AUTO_GPU_MIN_ELEMENTS;
        let opened = if is_large { large } else { small };
        let engine = match opened.take() {
            Some(engine) => engine,
            None => {
                let started = Instant::now();
                let engine = self.args.open(elements)?;
                self.seconds += started.elapsed().as_secs_f64();
                engine
            }
        };
        Ok(opened.insert(engine))
    }
}

/// Where files were computed.
#[derive(Default)]
pub(crate) struct Ran {
    on: String,
    /// Why `auto` chose that.
    why: Option<String>,
}

impl Ran {
    pub(crate) fn of(engine: &Engine, layout: &Layout<'_>) -> Self {
        let mut on = engine.executed_on().to_string();
        let f64_elements = layout.f64_elements();
        let why = match engine.fallback() {
            Some(_) if f64_elements > 0 && f64_elements == layout.elements() => {
                Some("GPUs do not support f64".to_owned())
            }
            Some(reason) => Some(reason.to_string()),
            None => engine.comparison().map(|comparison| comparison.to_string()),
        };
        if f64_elements > 0 && engine.fallback().is_none() && matches!(engine.executed_on(), ExecutedOn::Gpu { .. }) {
            on.push_str(", with f64 on the CPU path");
        }
        Self { on, why }
    }

    /// Adds where another file was computed. Why differs from file to file.
    pub(crate) fn add(&mut self, other: &Self) {
        if !self.on.contains(&other.on) {
            self.on.push_str(if self.on.is_empty() { "" } else { " and " });
            self.on.push_str(&other.on);
        }
    }

    /// Whether nothing was computed.
    pub(crate) const fn is_nowhere(&self) -> bool {
        self.on.is_empty()
    }
}

impl Display for Ran {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.on)?;
        self.why.as_ref().map_or(Ok(()), |why| write!(f, "; auto: {why}"))
    }
}

/// Reads sections of one length, a piece of each at a time, and has `work` compute these. `work` is also given the data
/// of the last section, for its errors to name.
pub(crate) fn each_piece<T: bytemuck::Pod, const N: usize>(
    engine: &mut Engine,
    sections: [&Section<'_>; N],
    mut data: [&mut Data<'_>; N],
    mut work: impl FnMut(&mut Engine, &Data<'_>, &mut [Vec<T>; N]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let total = sections.first().map_or(0, |section| section.bytes).checked_div(size_of::<T>() as u64).unwrap_or(0);
    let mut pieces = [(); N].map(|()| Vec::new());
    for len in lengths(engine, total) {
        for ((piece, data), section) in pieces.iter_mut().zip(&mut data).zip(sections) {
            piece.resize(len, T::zeroed());
            data.read(section, piece)?;
        }
        if let Some(last) = data.last() {
            work(engine, last, &mut pieces)?;
        }
    }
    Ok(())
}

/// The lengths of the pieces into which `total` elements are cut.
fn lengths(engine: &Engine, total: u64) -> impl Iterator<Item = usize> + use<> {
    let most: usize = match engine.executed_on() {
        // Several windows of a transfer.
        ExecutedOn::Gpu { .. } => 1 << 22,
        // A piece that stays in the core's own cache is faster than a larger one that is worth a second thread. That is
        // so for 2^15 elements of f64, too.
        _ => 1 << 15,
    };
    (0..total).step_by(most).map(move |start| {
        let left = total.saturating_sub(start);
        usize::try_from(left).map_or(most, |left| left.min(most))
    })
}
