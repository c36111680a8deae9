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

/// Eight windows of a transfer, so that it gets going.
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
        let mut rounds = Vec::new();
        for _ in 0..=ROUNDS {
            // In turn, so that other load on the machine affects both.
            let started = Instant::now();
            gpu.execute(&mut Job::apply(f, &source, &mut on_gpu)?, CallMode::Async).await?;
            let between = Instant::now();
            let mut job = Job::apply(f, &source, &mut on_cpu)?;
            // The answer is for calls that overflow any cache.
            job.call_bytes = usize::MAX;
            cpu::run(job);
            rounds.push([between - started, between.elapsed()]);
        }
        let [gpu_time, cpu_time] = least_times(&rounds);
        let adapter = adapter::describe(&gpu.device().adapter_info());
        Ok(MEASURED.get_or_init(|| Self { adapter, gpu: gpu_time, cpu: cpu_time }).clone())
    }
}

/// The least time of each, without the first round.
fn least_times(rounds: &[[Duration; 2]]) -> [Duration; 2] {
    rounds.iter().skip(1).fold([Duration::MAX; 2], |[a, b], times| [a.min(times[0]), b.min(times[1])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_of_two_is_found() {
        let compared = |rounds: &[[u64; 2]]| {
            let rounds: Vec<_> = rounds.iter().map(|times| times.map(Duration::from_millis)).collect();
            let [gpu, cpu] = least_times(&rounds);
            Comparison { adapter: "G".into(), gpu, cpu }
        };
        // The first round does not count, even if it is the fastest.
        let slow = compared(&[[0, 9], [50, 2], [30, 1]]);
        assert_eq!([slow.gpu, slow.cpu], [30, 1].map(Duration::from_millis));
        assert!(!slow.is_gpu_faster() && slow.to_string().contains("G takes"), "{slow}");
        let fast = compared(&[[99, 0], [1, 40], [2, 30]]);
        assert_eq!([fast.gpu, fast.cpu], [1, 30].map(Duration::from_millis));
        assert!(fast.is_gpu_faster() && fast.to_string().contains("times as fast as the CPU path"), "{fast}");
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
