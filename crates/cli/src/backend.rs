//! The option that selects the backend.

use std::time::Instant;

use clap::ValueEnum;
use hard_sigmoid::{Backend, Engine};
use hard_sigmoid_files::{Input, Layout};

use super::adapters::{self, AdapterArgs, Wanted};
use super::console::Failure;

#[derive(clap::Args)]
pub(crate) struct BackendArgs {
    /// Select where to run
    ///
    /// The environment variables WGPU_BACKEND (vulkan, gl, metal or dx12) and WGPU_ADAPTER_NAME (part of a name) select
    /// the GPU adapter.
    #[arg(long, value_enum, ignore_case = true, default_value_t = Choice::Auto, conflicts_with = "adapter")]
    backend: Choice,
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Say why `auto` has chosen the CPU or the GPU
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// A hardware GPU if the file has at least 2^26 elements and the GPU is faster, and the CPU otherwise
    Auto,
    /// Any GPU adapter, including software adapters
    Gpu,
    /// The CPU
    Cpu,
}

/// The engine of a call, which is opened for the first file and used for the others.
pub(crate) struct Opener<'a> {
    args: &'a BackendArgs,
    opened: Option<Engine>,
    /// How long it has taken to open it and to look for a GPU.
    pub(crate) seconds: f64,
}

impl BackendArgs {
    pub(crate) const fn opener(&self) -> Opener<'_> {
        Opener { args: self, opened: None, seconds: 0.0 }
    }

    fn backend(&self) -> Backend {
        match (&self.adapter.adapter, self.backend) {
            (Some(Wanted::Cpu), _) | (None, Choice::Cpu) => Backend::Cpu,
            (Some(Wanted::Gpu(_)), _) | (None, Choice::Gpu) => Backend::Gpu,
            (None, Choice::Auto) => Backend::Auto,
        }
    }

    fn open(&self, elements: u64) -> Result<Engine, Failure> {
        if self.adapter.adapter.is_some()
            && let Some(gpu) = self.adapter.open()?
        {
            return Ok(Engine::with_gpu(gpu).without_fallback());
        }
        Engine::open_blocking(self.backend(), elements).map_err(|error| adapters::failure(&error, "--backend cpu"))
    }
}

impl Opener<'_> {
    pub(crate) fn engine(&mut self, input: &Input, layout: &Layout<'_>) -> Result<&mut Engine, Failure> {
        let for_cpu = layout.elements_for_cpu();
        if self.args.backend() == Backend::Gpu && for_cpu > 0 {
            let has_names = layout.sections.iter().any(|section| section.name.is_some());
            let other = if has_names { ", or select others with --tensor" } else { "" };
            let remedy = format!("use --backend cpu or auto{other}");
            return Err(input.failure(format!("has f64 elements, which GPUs do not support: {remedy}")).into());
        }
        let elements = layout.elements().saturating_sub(for_cpu);
        self.open(elements)
    }

    /// Whether small files are computed on the CPU.
    pub(crate) fn is_small_on_cpu(&self) -> bool {
        self.args.backend() != Backend::Gpu
    }

    /// Whether to say why `auto` has chosen where to run.
    pub(crate) const fn is_verbose(&self) -> bool {
        self.args.verbose
    }

    /// One that has opened nothing, for another thread.
    pub(crate) const fn again(&self) -> Self {
        self.args.opener()
    }

    /// Opens a GPU that was asked for. Without one, no file can be computed.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        if self.args.backend() == Backend::Gpu { self.open(0).map(|_| ()) } else { Ok(()) }
    }

    fn open(&mut self, elements: u64) -> Result<&mut Engine, Failure> {
        let started = Instant::now();
        let engine = match self.opened.take() {
            Some(mut engine) => {
                engine.choose_blocking(elements);
                engine
            }
            None => self.args.open(elements)?,
        };
        self.seconds += started.elapsed().as_secs_f64();
        Ok(self.opened.insert(engine))
    }
}
