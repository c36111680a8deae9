//! Which of a GPU and the CPU path is faster for data that starts and ends in host memory.

use std::sync::OnceLock;
use std::time::Duration;
#[cfg(not(target_arch = "wasm32"))]
use std::time::Instant;

#[cfg(target_arch = "wasm32")]
use web_time::Instant;

use crate::gpu::adapter;
use crate::gpu::error::Error;
use crate::gpu::wait::CallMode;
use crate::job::Job;
use crate::{Gpu, HardSigmoid, cpu};

/// Eight windows of a transfer, so that it gets going, and enough for the CPU path to bypass the caches.
const ELEMENTS: usize = 1 << 23;

/// The least time of so many rounds counts, after one that does not: it compiles the shader and creates the buffers.
const ROUNDS: u32 = 2;

/// How long a GPU and the CPU path took for the same data in host memory.
///
/// [`Backend::Auto`](crate::Backend::Auto) measures this once in a process.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The GPU adapter.
    pub adapter: String,
    /// The round trip to the GPU: upload, dispatch and readback.
    pub gpu: Duration,
    /// The CPU path.
    pub cpu: Duration,
}

/// Says which was faster, and how many times.
impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ratio = self.gpu.as_secs_f64() / self.cpu.as_secs_f64().max(1e-9);
        if self.is_gpu_faster() {
            write!(f, "for data in host memory, {} is {:.1} times as fast as the CPU path", self.adapter, 1.0 / ratio)
        } else {
            write!(f, "for data in host memory, {} takes {ratio:.1} times as long as the CPU path", self.adapter)
        }
    }
}

/// What was measured in this process.
static MEASURED: OnceLock<Comparison> = OnceLock::new();

impl Comparison {
    pub(super) fn is_gpu_faster(&self) -> bool {
        self.gpu < self.cpu
    }

    /// What was measured before.
    pub(super) fn known() -> Option<Self> {
        MEASURED.get().cloned()
    }

    /// Measures with f32, unless that has been done.
    pub(super) async fn with(gpu: &Gpu) -> Result<Self, Error> {
        if let Some(known) = Self::known() {
            return Ok(known);
        }
        let f = HardSigmoid::ONNX;
        let (source, mut on_gpu, mut on_cpu) = (vec![0.5_f32; ELEMENTS], vec![0.0; ELEMENTS], vec![0.0; ELEMENTS]);
        let [gpu_time, cpu_time] = least_times(
            async || gpu.run(&mut Job::apply(f, &source, &mut on_gpu)?, CallMode::Async).await.map(drop),
            || cpu::apply(f, &source, &mut on_cpu).map_err(Error::from),
        )
        .await?;
        let adapter = adapter::describe(&gpu.device().adapter_info());
        Ok(MEASURED.get_or_init(|| Self { adapter, gpu: gpu_time, cpu: cpu_time }).clone())
    }
}

/// Runs both in turn, so that other load on the machine affects both.
async fn least_times<E>(
    mut gpu: impl AsyncFnMut() -> Result<(), E>,
    mut cpu: impl FnMut() -> Result<(), E>,
) -> Result<[Duration; 2], E> {
    let mut least = [Duration::MAX; 2];
    for round in 0..=ROUNDS {
        let started = Instant::now();
        gpu().await?;
        let between = Instant::now();
        cpu()?;
        if round > 0 {
            let times = [between - started, between.elapsed()];
            least = [least[0].min(times[0]), least[1].min(times[1])];
        }
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::thread::sleep;

    use super::*;

    fn compared(gpu_ms: u64, cpu_ms: u64) -> Comparison {
        let first = Cell::new(true);
        let [gpu, cpu] = pollster::block_on(least_times(
            async || {
                // The first call does not count, even if it is the fastest.
                sleep(Duration::from_millis(if first.replace(false) { 0 } else { gpu_ms }));
                Ok::<_, ()>(())
            },
            || {
                sleep(Duration::from_millis(cpu_ms));
                Ok(())
            },
        ))
        .unwrap();
        Comparison { adapter: "G".into(), gpu, cpu }
    }

    #[test]
    fn the_faster_of_two_is_found() {
        let slow = compared(30, 1);
        assert!(!slow.is_gpu_faster() && slow.to_string().contains("G takes"), "{slow}");
        let fast = compared(1, 30);
        assert!(fast.is_gpu_faster() && fast.to_string().contains("times as fast as the CPU path"), "{fast}");
    }

    #[test]
    fn a_failure_ends_it() {
        assert_eq!(pollster::block_on(least_times(async || Err("lost"), || Ok(()))), Err("lost"));
    }

    #[test]
    fn says_how_many_times() {
        let of = |gpu, cpu| {
            let [gpu, cpu] = [gpu, cpu].map(Duration::from_millis);
            Comparison { adapter: "G".into(), gpu, cpu }.to_string()
        };
        assert_eq!(of(5, 10), "for data in host memory, G is 2.0 times as fast as the CPU path");
        assert_eq!(of(25, 10), "for data in host memory, G takes 2.5 times as long as the CPU path");
    }
}
