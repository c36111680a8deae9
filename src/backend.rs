//! Where a batch runs: a GPU, the CPU, or whichever suits, and which one it was.

mod calls;

use crate::error::Error;
use crate::gpu::adapter::{self, AdapterKind};
use crate::{Element, Gpu, cpu};

/// From this many elements on, [`Backend::Auto`] looks for a GPU. The CPU path is done with fewer in less than a
/// millisecond, while a GPU has yet to be opened.
pub const AUTO_GPU_FROM: u64 = 1 << 20;

/// Where to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A hardware GPU if there is one and the batch has at least [`AUTO_GPU_FROM`] elements; otherwise the CPU path.
    /// Never a software adapter. Elements that no GPU computes, which are f64, always go through the CPU path.
    Auto,
    /// A GPU adapter, hardware or software, or an error.
    Gpu,
    /// The CPU path.
    Cpu,
}

/// What a batch ran on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Ran {
    /// A GPU.
    Gpu {
        /// The adapter.
        adapter: Box<wgpu::AdapterInfo>,
    },
    /// The CPU path.
    Cpu {
        /// The most threads that it uses.
        threads: usize,
    },
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gpu { adapter } => write!(f, "gpu: {}", adapter::describe(adapter)),
            Self::Cpu { threads } => write!(f, "cpu: {threads} threads"),
        }
    }
}

/// Why [`Backend::Auto`] runs on the CPU path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fallback {
    /// The batch is small.
    #[error("fewer than {AUTO_GPU_FROM} elements")]
    Small,
    /// No hardware GPU could be opened.
    #[error("{0}")]
    NotOpened(Error),
    /// The GPU failed during a call, which the CPU path then finished.
    #[error("{adapter} failed: {cause}")]
    Failed {
        /// The adapter that the calls before ran on.
        adapter: String,
        /// What happened.
        cause: Error,
    },
}

/// Runs batches on the backend chosen when it was opened.
///
/// ```
/// use hard_sigmoid::{Backend, Engine, HardSigmoid};
///
/// let x = [-7.0_f32, -2.5, 0.0, 1.25, 2.5, 22.0];
/// let mut y = [0.0; 6];
/// let mut engine = Engine::open_blocking(Backend::Auto, x.len() as u64)?;
/// engine.apply_blocking(HardSigmoid::ONNX, &x, &mut y)?;
/// assert_eq!(y, [0.0, 0.0, 0.5, 0.75, 1.0, 1.0]);
/// println!("ran on {}", engine.ran());
/// # Ok::<(), hard_sigmoid::Error>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    backend: Backend,
    /// None: the CPU path.
    gpu: Option<Gpu>,
    fallback: Option<Fallback>,
}

impl Engine {
    /// Opens what `backend` says, for about `elements` elements in all, however many calls they come in.
    ///
    /// # Errors
    ///
    /// For [`Backend::Gpu`] only: as [`Gpu::open`].
    pub async fn open(backend: Backend, elements: u64) -> Result<Self, Error> {
        let (gpu, fallback) = match backend {
            Backend::Cpu => (None, None),
            Backend::Gpu => (Some(Gpu::open(AdapterKind::Any).await?), None),
            Backend::Auto if elements < AUTO_GPU_FROM => (None, Some(Fallback::Small)),
            Backend::Auto => match Gpu::open(AdapterKind::Hardware).await {
                Ok(gpu) => (Some(gpu), None),
                Err(error) => (None, Some(Fallback::NotOpened(error))),
            },
        };
        Ok(Self { backend, gpu, fallback })
    }

    /// [`open`](Self::open), blocking.
    ///
    /// # Errors
    ///
    /// As `open`.
    pub fn open_blocking(backend: Backend, elements: u64) -> Result<Self, Error> {
        pollster::block_on(Self::open(backend, elements))
    }

    /// What the next call will run on, f64 under [`Backend::Auto`] apart. Unless a GPU has failed under [`Backend::Auto`], which
    /// [`fallback`](Self::fallback) says, the calls so far ran on it, too.
    #[must_use]
    pub fn ran(&self) -> Ran {
        match &self.gpu {
            Some(gpu) => Ran::Gpu { adapter: Box::new(gpu.device().adapter_info()) },
            None => Ran::Cpu { threads: cpu::threads() },
        }
    }

    /// Why [`Backend::Auto`] runs on the CPU path; none if it does not, or if the CPU path was asked for.
    #[must_use]
    pub fn fallback(&self) -> Option<&Fallback> {
        self.fallback.as_ref()
    }

    /// The GPU that a call over elements of a type runs on.
    fn gpu_for<T: Element>(&self) -> Option<&Gpu> {
        self.gpu.as_ref().filter(|_| T::ON_GPU || self.backend != Backend::Auto)
    }

    /// What came of a GPU call, where there was one: its value, or from which element on the CPU path takes over.
    fn settle<R>(&mut self, call: Option<Result<R, Error>>) -> Result<Result<R, usize>, Error> {
        match call {
            None => Ok(Err(0)),
            Some(Ok(value)) => Ok(Ok(value)),
            Some(Err(Error::Interrupted { finished, cause })) if self.backend == Backend::Auto => {
                let failed = self.gpu.take();
                let adapter = failed.map_or("the GPU".into(), |gpu| adapter::describe(&gpu.device().adapter_info()));
                self.fallback = Some(Fallback::Failed { adapter, cause: *cause });
                Ok(Err(finished))
            }
            Some(Err(error)) => Err(error),
        }
    }
}

#[cfg(test)]
#[allow(clippy::print_stderr, reason = "tests")]
mod tests {
    use super::*;
    use crate::HardSigmoid;

    fn interrupted(finished: usize) -> Option<Result<(), Error>> {
        Some(Err(Error::Interrupted { finished, cause: Box::new(Error::Lost) }))
    }

    #[test]
    fn small_batches_stay_on_the_cpu_and_say_so() {
        let mut engine = Engine::open_blocking(Backend::Auto, AUTO_GPU_FROM - 1).unwrap();
        assert!(matches!((engine.ran(), engine.fallback()), (Ran::Cpu { .. }, Some(Fallback::Small))));
        let mut y = [0.0; 2];
        engine.apply_blocking(HardSigmoid::ONNX, &[0.0, 9.0], &mut y).unwrap();
        assert_eq!(y, [0.5, 1.0]);
        assert!(Engine::open_blocking(Backend::Cpu, 1).unwrap().fallback().is_none());
    }

    #[test]
    fn auto_takes_over_from_a_failing_gpu_where_it_stopped() {
        let mut engine = Engine { backend: Backend::Auto, gpu: None, fallback: None };
        assert_eq!(engine.settle(interrupted(2)).unwrap(), Err(2));
        assert!(matches!(engine.fallback(), Some(Fallback::Failed { cause: Error::Lost, .. })));
        assert_eq!(engine.settle(Some(Ok(7))).unwrap(), Ok(7));
        assert_eq!(engine.settle::<()>(None).unwrap(), Err(0));
    }

    /// On a device of a real driver that is destroyed before the call and during it, at many moments: every element is computed once,
    /// in place too, where twice would show.
    #[test]
    #[cfg(feature = "platforms")]
    fn auto_finishes_what_a_destroyed_device_leaves() {
        use std::time::Duration;

        let (f, len) = (HardSigmoid::PYTORCH, 4_000_000);
        let x: Vec<f32> = (0..len).map(|i| (i % 6000) as f32 * 1e-3 - 3.0).collect();
        let right: Vec<f32> = x.iter().map(|&x| f.eval(x)).collect();
        let mut taken_over = 0;
        for step in 0..12 {
            let gpu = match Gpu::open_blocking(AdapterKind::Any) {
                Ok(gpu) => gpu,
                Err(error) if std::env::var_os("HARD_SIGMOID_REQUIRE").is_none() => {
                    eprintln!("WARNING: {error}: TAKING OVER FROM A GPU IS NOT TESTED. scripts/test requires one.");
                    return;
                }
                Err(error) => panic!("{error}"),
            };
            let device = gpu.device().clone();
            let mut engine = Engine { backend: Backend::Auto, gpu: Some(gpu), fallback: None };
            let mut data = x.clone();
            std::thread::scope(|scope| {
                if step == 0 {
                    device.destroy();
                }
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_micros(step * 700));
                    device.destroy();
                });
                engine.apply_in_place_blocking(f, &mut data).unwrap();
            });
            assert!(data.iter().zip(&right).all(|(y, right)| y.to_bits() == right.to_bits()), "{step}");
            if let Some(fallback) = engine.fallback() {
                taken_over += 1;
                assert!(matches!(fallback, Fallback::Failed { .. }), "{fallback}");
                assert!(matches!(engine.ran(), Ran::Cpu { .. }));
            }
            // And goes on without it.
            data.copy_from_slice(&x);
            engine.apply_in_place_blocking(f, &mut data).unwrap();
            assert_eq!(data, right);
        }
        assert!(taken_over > 0);
    }

    #[test]
    fn a_failing_gpu_that_was_asked_for_is_an_error() {
        let mut engine = Engine { backend: Backend::Gpu, gpu: None, fallback: None };
        assert!(matches!(engine.settle(interrupted(2)), Err(Error::Interrupted { finished: 2, .. })));
        let mut engine = Engine { backend: Backend::Auto, gpu: None, fallback: None };
        let lengths = crate::LengthMismatch { side: crate::Side::Source, source_len: 1, target_len: 2 };
        assert!(matches!(engine.settle::<()>(Some(Err(lengths.into()))), Err(Error::Length(_))));
    }
}
