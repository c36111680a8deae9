//! The engine of a call.

use std::sync::Mutex;

use hard_sigmoid::{Backend, Element, Engine, Error, engine::ExecutedOn};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::process::{current, locked};
use crate::threads::Threads;

/// An engine to use for pieces of a call.
pub(crate) enum Chosen {
    Cpu,
    Shared(&'static Mutex<Option<Engine>>),
}

impl Chosen {
    /// Opens what a call of `elements` needs. The threads are for measuring whether a GPU is faster.
    pub(crate) fn new<T: Element>(backend: Backend, elements: usize, threads: &Threads) -> PyResult<Self> {
        let process = current();
        let engine = match backend {
            Backend::Gpu => {
                process.check_gpu::<T>()?;
                &process.gpu
            }
            // The others need no engine of all threads, and no lock.
            Backend::Auto if T::ON_GPU && backend.may_use_gpu(elements as u64) && !process.inherits_driver => {
                &process.auto
            }
            _ => return Ok(Self::Cpu),
        };
        let mut open = locked(engine);
        if open.is_none() {
            process.note_driver();
            let opened = threads.run(|| Engine::open_blocking(backend, elements as u64));
            *open = Some(opened.map_err(|error| gpu_error(&error))?);
        }
        match &*open {
            // Calls of several threads need not wait for each other.
            Some(engine) if matches!(threads.run(|| engine.executed_on()), ExecutedOn::Cpu { .. }) => Ok(Self::Cpu),
            _ => Ok(Self::Shared(engine)),
        }
    }

    /// Does `work` with the engine, which other threads wait for meanwhile. A thread of a pool must not wait here:
    /// while it waits for others, it may take up another call.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Engine) -> Result<R, Error>) -> Result<R, Error> {
        match self {
            Self::Cpu => work(&mut Engine::open_blocking(Backend::Cpu, 0)?),
            Self::Shared(engine) => match &mut *locked(engine) {
                Some(engine) => work(engine),
                // Only the end of the process closes it.
                None => work(&mut Engine::open_blocking(Backend::Cpu, 0)?),
            },
        }
    }
}

/// Says how the CPU path is used, if the message advises to use it.
pub(crate) fn gpu_error(error: &Error) -> PyErr {
    let remedy = if error.advises_cpu_path() { " (backend=\"cpu\")" } else { "" };
    PyRuntimeError::new_err(format!("{error}{remedy}"))
}
