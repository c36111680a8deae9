//! Computing in pieces, so that Ctrl-C is noticed.

use std::time::{Duration, Instant};

use hard_sigmoid::cpu::PARALLEL_MIN_BYTES;
use hard_sigmoid::{Backend, Element, Job, Saturation};
use pyo3::prelude::*;

use crate::arguments::Place;
use crate::engines::{Chosen, gpu_error};
use crate::threads::Threads;

/// Below this, releasing the GIL costs more than others can gain.
const RELEASE_MIN_BYTES: usize = 1 << 16;

/// Some 10 ms of work on the CPU path, and less than a second on a software GPU. Large enough for a GPU to compute
/// while it copies.
const PIECE_BYTES: usize = 64 << 20;

/// How often signals are looked for.
const CHECK: Duration = Duration::from_millis(50);

/// Computes. Returns the counts, which are zeros for what does not count.
///
/// After an error, the first elements of the target are finished, and the others are as they were.
pub(crate) fn run<T: Element>(py: Python<'_>, job: Job<'_, T>, place: Place) -> PyResult<Saturation> {
    let (len, bytes) = (job.len(), job.bytes());
    if len * size_of::<T>() < RELEASE_MIN_BYTES && place.backend != Backend::Gpu {
        return Chosen::Cpu.with(|engine| engine.run_blocking(job)).map_err(|error| gpu_error(&error));
    }
    py.detach(|| {
        // The CPU path shares what reads and writes more.
        let threads = if bytes < PARALLEL_MIN_BYTES { Threads::Library } else { Threads::new(place.threads)? };
        let chosen = Chosen::new::<T>(place.backend, len, &threads)?;
        let (mut counts, mut checked) = (Saturation::default(), Instant::now());
        for part in job.chunks(PIECE_BYTES / size_of::<T>()) {
            if checked.elapsed() >= CHECK {
                Python::attach(|py| py.check_signals())?;
                checked = Instant::now();
            }
            let part = chosen.with(|engine| threads.run(|| engine.run_blocking(part)));
            counts += part.map_err(|error| gpu_error(&error))?;
        }
        Ok(counts)
    })
}
