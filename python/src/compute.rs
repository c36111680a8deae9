//! Computing in pieces, so that Ctrl-C is noticed.

use std::time::{Duration, Instant};

use hard_sigmoid::cpu::PARALLEL_MIN_BYTES;
use hard_sigmoid::{Backend, Backward, Element, Engine, Error, HardSigmoid, Saturation};
use pyo3::prelude::*;

use crate::arguments::Place;
use crate::engines::{Chosen, gpu_error};
use crate::threads::Threads;

/// Below this, releasing the GIL costs more than others can gain.
const RELEASE_MIN_BYTES: usize = 1 << 16;

/// Some 10 ms of work on the CPU path, and less than a second on a software GPU. Large enough to be written past the
/// caches, and for a GPU to compute while it copies.
const PIECE_BYTES: usize = 64 << 20;

/// How often signals are looked for.
const CHECK: Duration = Duration::from_millis(50);

/// What is computed, from where to where.
pub(crate) enum Work<'a, T> {
    Apply(HardSigmoid, &'a [T], &'a mut [T]),
    ApplyInPlace(HardSigmoid, &'a mut [T]),
    Count(HardSigmoid, &'a [T]),
    Backward(Backward, &'a [T], &'a [T], &'a mut [T]),
    BackwardInPlace(Backward, &'a [T], &'a mut [T]),
}

impl<T: Element> Work<'_, T> {
    fn len(&self) -> usize {
        match self {
            Self::Apply(_, x, _) | Self::Count(_, x) | Self::Backward(_, x, ..) | Self::BackwardInPlace(_, x, _) => {
                x.len()
            }
            Self::ApplyInPlace(_, x) => x.len(),
        }
    }

    /// Splits off the first `n` elements.
    fn take(&mut self, n: usize) -> Self {
        match self {
            Self::Apply(f, x, y) => Self::Apply(*f, front(x, n), front_mut(y, n)),
            Self::ApplyInPlace(f, y) => Self::ApplyInPlace(*f, front_mut(y, n)),
            Self::Count(f, x) => Self::Count(*f, front(x, n)),
            Self::Backward(f, x, grad, y) => Self::Backward(*f, front(x, n), front(grad, n), front_mut(y, n)),
            Self::BackwardInPlace(f, x, y) => Self::BackwardInPlace(*f, front(x, n), front_mut(y, n)),
        }
    }

    fn run(self, engine: &mut Engine) -> Result<Saturation, Error> {
        let done = |()| Saturation::default();
        match self {
            Self::Apply(f, x, y) => engine.apply_blocking(f, x, y).map(done),
            Self::ApplyInPlace(f, y) => engine.apply_in_place_blocking(f, y).map(done),
            Self::Count(f, x) => engine.saturation_blocking(f, x),
            Self::Backward(f, x, grad, y) => engine.backward_blocking(f, x, grad, y).map(done),
            Self::BackwardInPlace(f, x, y) => engine.backward_in_place_blocking(f, x, y).map(done),
        }
    }
}

fn front<'a, T>(slice: &mut &'a [T], n: usize) -> &'a [T] {
    slice.split_off(..n.min(slice.len())).unwrap_or_default()
}

fn front_mut<'a, T>(slice: &mut &'a mut [T], n: usize) -> &'a mut [T] {
    slice.split_off_mut(..n.min(slice.len())).unwrap_or_default()
}

/// Computes. Returns the counts, which are zeros for what does not count.
///
/// After an error, the first elements of the target are finished, and the others are as they were.
pub(crate) fn run<T: Element>(py: Python<'_>, mut work: Work<'_, T>, place: Place) -> PyResult<Saturation> {
    let bytes = work.len() * size_of::<T>();
    if bytes < RELEASE_MIN_BYTES && place.backend != Backend::Gpu {
        return Chosen::Cpu.with(|engine| work.run(engine)).map_err(|error| gpu_error(&error));
    }
    py.detach(|| {
        // The CPU path shares what reads and writes more; no call has more than three arrays.
        let threads = if 3 * bytes < PARALLEL_MIN_BYTES { Threads::Global } else { Threads::new(place.threads)? };
        let chosen = Chosen::new::<T>(place.backend, work.len(), &threads)?;
        let (mut counts, mut checked) = (Saturation::default(), Instant::now());
        while work.len() > 0 {
            let part = work.take(PIECE_BYTES / size_of::<T>());
            let part = chosen.with(|engine| threads.run(|| part.run(engine)));
            counts += part.map_err(|error| gpu_error(&error))?;
            if work.len() > 0 && checked.elapsed() >= CHECK {
                Python::attach(|py| py.check_signals())?;
                checked = Instant::now();
            }
        }
        Ok(counts)
    })
}
