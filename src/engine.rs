//! Where a batch runs: on a GPU, on the CPU path, or on whichever suits it.

mod comparison;
#[cfg(target_arch = "wasm32")]
mod js_arrays;

pub use comparison::Comparison;

use crate::calls::slice_calls;
use crate::cpu;
use crate::gpu::adapter::{self, AdapterKind};
use crate::gpu::error::Error;
use crate::gpu::wait::CallMode;
use crate::job::{Job, Work};
use crate::{Element, Gpu, Saturation};

/// From this many elements on, [`Backend::Auto`] looks for a GPU. The CPU path computes fewer in less time than it
/// takes to open a GPU: two cores take 15 to 30 ms for this many f32, and opening takes 50 ms and more.
pub const AUTO_GPU_MIN_ELEMENTS: u64 = 1 << 26;

/// What the CPU path computes of an async call before the executor gets the thread back: a millisecond or two of work.
const ASYNC_PIECE_BYTES: usize = 16 << 20;

/// Where to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A hardware GPU if there is one, it is faster than the CPU path, and the batch has at least
    /// [`AUTO_GPU_MIN_ELEMENTS`] elements; the CPU path otherwise.
    ///
    /// When it opens a GPU for the first time in a process, it measures which is faster, with three arrays of 32 MiB.
    /// For data that starts and ends in host memory that is rarely the GPU: the data crosses a bus twice, which is
    /// slower than the memory that the CPU path reads and writes.
    ///
    /// Never a software adapter. f64, which no GPU computes, always runs on the CPU path.
    Auto,
    /// A GPU adapter, hardware or software, or else an error.
    Gpu,
    /// The CPU path.
    Cpu,
}

/// Where a batch was executed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ExecutedOn {
    /// On a GPU.
    Gpu {
        /// The adapter.
        adapter: Box<wgpu::AdapterInfo>,
    },
    /// On the CPU path.
    Cpu {
        /// The number of threads that it uses at most.
        threads: usize,
    },
}

impl Backend {
    /// Whether an engine opened for so many elements may run on a GPU.
    #[must_use]
    pub const fn may_use_gpu(self, elements: u64) -> bool {
        match self {
            Self::Auto => elements >= AUTO_GPU_MIN_ELEMENTS,
            Self::Gpu => true,
            Self::Cpu => false,
        }
    }
}

impl ExecutedOn {
    fn of(gpu: Option<&Gpu>) -> Self {
        match gpu {
            Some(gpu) => Self::Gpu { adapter: Box::new(gpu.device().adapter_info()) },
            None => Self::Cpu { threads: cpu::threads() },
        }
    }
}

impl std::fmt::Display for ExecutedOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gpu { adapter } => write!(f, "gpu {}", adapter::describe(adapter)),
            Self::Cpu { threads: 1 } => f.write_str("cpu (1 thread)"),
            Self::Cpu { threads } => write!(f, "cpu ({threads} threads)"),
        }
    }
}

/// Why [`Backend::Auto`] runs on the CPU path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fallback {
    /// The batch is small.
    #[error("fewer than 2^{} elements", AUTO_GPU_MIN_ELEMENTS.ilog2())]
    Small,
    /// A hardware GPU is slower.
    #[error("{0}")]
    Slower(Comparison),
    /// No hardware GPU could be opened.
    #[error("{}", .0.reason())]
    NotOpened(Error),
    /// The GPU failed during the comparison, or during a call, which the CPU path then finished.
    #[error("{adapter} failed: {cause}")]
    Failed {
        /// The adapter.
        adapter: String,
        /// What happened.
        cause: Error,
    },
}

/// Runs batches on a GPU or on the CPU path, whichever was chosen when it was opened, or last by
/// [`choose`](Self::choose).
///
/// The async calls return to the executor after each piece of work: on a GPU as [`Gpu`] says, on the CPU path after
/// each 16 MiB of results, which takes some milliseconds. The thread that polls the future does the CPU work.
///
/// ```
/// use hard_sigmoid::{Backend, Engine, HardSigmoid};
///
/// let x = [-7.0_f32, -2.5, 0.0, 1.25, 2.5, 22.0];
/// let mut y = [0.0; 6];
/// let mut engine = Engine::open_blocking(Backend::Auto, x.len() as u64)?;
/// engine.apply_blocking(HardSigmoid::ONNX, &x, &mut y)?;
/// assert_eq!(y, [0.0, 0.0, 0.5, 0.75, 1.0, 1.0]);
/// println!("executed on {}", engine.executed_on());
/// # Ok::<(), hard_sigmoid::Error>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    /// None for the CPU path.
    gpu: Option<Gpu>,
    /// Whether the CPU path computes what the GPU cannot, or leaves when it fails.
    falls_back: bool,
    /// Whether the number of elements decides.
    is_auto: bool,
    /// Whether that is too small for the GPU, which may be open for larger ones.
    is_small: bool,
    /// Why there is no GPU. None as well if none was looked for, or if the CPU path was asked for.
    fallback: Option<Fallback>,
    /// Why `Auto` has one.
    comparison: Option<Comparison>,
}

impl Engine {
    /// Opens what `backend` says, for about `elements` elements in all, however many calls they come in.
    ///
    /// # Errors
    ///
    /// For [`Backend::Gpu`] only: as [`Gpu::open`].
    pub async fn open(backend: Backend, elements: u64) -> Result<Self, Error> {
        let gpu = match backend {
            Backend::Cpu | Backend::Auto => None,
            Backend::Gpu => Some(Gpu::open(AdapterKind::Any).await?),
        };
        let is_auto = backend == Backend::Auto;
        let mut engine = Self { is_auto, falls_back: is_auto, ..Self::with(gpu) };
        engine.choose(elements).await;
        Ok(engine)
    }

    const fn with(gpu: Option<Gpu>) -> Self {
        Self { gpu, falls_back: true, is_auto: false, is_small: false, fallback: None, comparison: None }
    }

    /// Chooses anew where to run, for about `elements` elements in all. Only [`Backend::Auto`] has a choice.
    ///
    /// A GPU is looked for once, and stays open.
    pub async fn choose(&mut self, elements: u64) {
        if !self.is_auto {
            return;
        }
        let was_small = std::mem::replace(&mut self.is_small, !Backend::Auto.may_use_gpu(elements));
        if !self.is_small && self.gpu.is_none() && self.fallback.is_none() {
            match Self::find_faster_gpu().await {
                Ok((gpu, comparison)) => (self.gpu, self.comparison) = (Some(gpu), Some(comparison)),
                Err(fallback) => self.fallback = Some(fallback),
            }
        } else if was_small == self.is_small {
            return;
        }
        match (self.fallback(), self.comparison()) {
            (Some(fallback), _) => log::info!("auto runs on the CPU path: {fallback}"),
            (None, Some(comparison)) => log::info!("auto runs on a GPU: {comparison}"),
            (None, None) => {}
        }
    }

    /// [`choose`](Self::choose), blocking.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn choose_blocking(&mut self, elements: u64) {
        pollster::block_on(self.choose(elements));
    }

    async fn find_faster_gpu() -> Result<(Gpu, Comparison), Fallback> {
        if let Some(known) = Comparison::known() {
            Self::faster_gpu(known)?;
        }
        let gpu = Gpu::open(AdapterKind::Hardware).await.map_err(Fallback::NotOpened)?;
        let comparison = Comparison::with(&gpu).await.map_err(|error| {
            let cause = match error {
                Error::Interrupted { cause, .. } => *cause,
                error => error,
            };
            Fallback::Failed { adapter: adapter::describe(&gpu.device().adapter_info()), cause }
        })?;
        Ok((gpu, Self::faster_gpu(comparison)?))
    }

    /// A reason to run on the CPU path if the GPU was slower.
    fn faster_gpu(comparison: Comparison) -> Result<Comparison, Fallback> {
        if comparison.is_gpu_faster() { Ok(comparison) } else { Err(Fallback::Slower(comparison)) }
    }

    /// [`open`](Self::open), blocking.
    ///
    /// # Errors
    ///
    /// As `open`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_blocking(backend: Backend, elements: u64) -> Result<Self, Error> {
        pollster::block_on(Self::open(backend, elements))
    }

    /// Runs on `gpu`, which may be [made from](Gpu::new) a device of yours, whatever the size of a batch.
    ///
    /// The CPU path computes f64, and takes over if the GPU fails, as under [`Backend::Auto`].
    #[must_use]
    pub fn with_gpu(gpu: Gpu) -> Self {
        Self::with(Some(gpu))
    }

    /// Returns the errors of a GPU, as under [`Backend::Gpu`], instead of leaving the rest to the CPU path.
    #[must_use]
    pub fn without_fallback(self) -> Self {
        Self { falls_back: false, ..self }
    }

    /// Where the next call will be executed, apart from f64, which the CPU path computes unless the engine has
    /// [no fallback](Self::without_fallback).
    #[must_use]
    pub fn executed_on(&self) -> ExecutedOn {
        ExecutedOn::of(self.chosen_gpu())
    }

    /// Where the next call for elements of type `T` will be executed.
    #[must_use]
    pub fn executed_on_for<T: Element>(&self) -> ExecutedOn {
        ExecutedOn::of(self.gpu_for::<T>())
    }

    /// Why calls run on the CPU path instead of a GPU. None if they do not, or if the CPU path was asked for.
    #[must_use]
    pub fn fallback(&self) -> Option<&Fallback> {
        if self.is_small { Some(&Fallback::Small) } else { self.fallback.as_ref() }
    }

    /// What [`Backend::Auto`] has measured, if it runs on a GPU.
    #[must_use]
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparison.as_ref().filter(|_| !self.is_small)
    }

    /// Runs a job: on the GPU if there is one, and on the CPU path from where that has left off.
    async fn execute<T: Element>(&mut self, job: &mut Job<'_, T>, mode: CallMode) -> Result<Saturation, Error> {
        let mut finished = 0;
        if let Some(gpu) = self.gpu_for::<T>() {
            match gpu.execute(job, mode).await {
                Ok(counts) => return Ok(counts),
                Err(error) => finished = self.take_over(job.work, error)?,
            }
        }
        let rest = job.part(finished..usize::MAX);
        if mode == CallMode::Blocking {
            return Ok(cpu::run(rest));
        }
        let mut counts = Saturation::default();
        for piece in rest.chunks(ASYNC_PIECE_BYTES / size_of::<T>()) {
            counts += cpu::run(piece);
            mode.yield_now().await;
        }
        Ok(counts)
    }

    fn chosen_gpu(&self) -> Option<&Gpu> {
        self.gpu.as_ref().filter(|_| !self.is_small)
    }

    /// The GPU on which a call for `T` runs.
    fn gpu_for<T: Element>(&self) -> Option<&Gpu> {
        self.chosen_gpu().filter(|_| T::ON_GPU || !self.falls_back)
    }

    /// From which element on the CPU path takes over from a GPU that has failed; the error if it does not.
    fn take_over(&mut self, work: Work, error: Error) -> Result<usize, Error> {
        match error {
            Error::Interrupted { finished, cause } if self.falls_back => {
                let failed = self.gpu.take();
                self.comparison = None;
                let adapter = failed.map_or("the GPU".into(), |gpu| adapter::describe(&gpu.device().adapter_info()));
                let fallback = self.fallback.insert(Fallback::Failed { adapter, cause: *cause });
                // The counts of what a GPU finished are lost with it.
                let first = if work.counts() { 0 } else { finished };
                log::warn!("{fallback}; the CPU path takes over from element {first} on");
                Ok(first)
            }
            error => Err(error),
        }
    }
}

slice_calls! {
    /// # Calls over host slices
    ///
    /// Every element is computed once, in place too, even if a GPU fails part way.
    ///
    /// # Errors of every call
    ///
    /// * [`Error::Length`] if the slices differ in length. Nothing was written.
    /// * Under [`Backend::Gpu`] also as the calls of [`Gpu`]. Under [`Backend::Auto`] the CPU path finishes what a
    ///   failing GPU leaves.
    Engine, self: &mut self
}

#[cfg(test)]
mod tests;
