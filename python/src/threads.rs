//! The threads of a call.

use std::cell::RefCell;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use hard_sigmoid::cpu;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::process::{Process, current, locked};

/// What a call runs on.
pub(crate) enum Threads {
    /// The calling thread, and for what is large the library's own.
    Library,
    /// The calling thread.
    Serial,
    Pool(Arc<ThreadPool>),
}

/// The pool of a thread of Python that has passed `threads=`. One for all would have them wait for each other.
struct Own {
    process: *const Process,
    number: usize,
    /// Not None before it is dropped.
    pool: Option<Arc<ThreadPool>>,
}

thread_local! {
    static OWN: RefCell<Option<Own>> = const { RefCell::new(None) };
}

impl Threads {
    /// Those that a caller asked for, or else all.
    pub(crate) fn new(number: Option<usize>) -> PyResult<Self> {
        let process = current();
        match number {
            Some(1) => Ok(Self::Serial),
            // More threads than cores take longer.
            Some(number) => Self::own(process, number.min(cores())),
            None if process.is_child => {
                let mut pool = locked(&process.pool);
                match &*pool {
                    Some(pool) => Ok(Self::Pool(pool.clone())),
                    None => Ok(Self::Pool(pool.insert(start(cpu::default_threads())?).clone())),
                }
            }
            None => Ok(Self::Library),
        }
    }

    fn own(process: &Process, number: usize) -> PyResult<Self> {
        OWN.with_borrow_mut(|own| match own {
            Some(Own { process: of, number: has, pool: Some(pool) })
                if std::ptr::eq(*of, process) && *has == number =>
            {
                Ok(Self::Pool(pool.clone()))
            }
            _ => {
                let pool = start(number)?;
                *own = Some(Own { process, number, pool: Some(pool.clone()) });
                Ok(Self::Pool(pool))
            }
        })
    }

    pub(crate) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match self {
            Self::Library => work(),
            Self::Serial => cpu::serial(work),
            Self::Pool(pool) => pool.install(work),
        }
    }
}

/// A pool that was inherited by a fork has no threads, and perhaps locks that stay locked. It is leaked.
impl Drop for Own {
    fn drop(&mut self) {
        if !std::ptr::eq(self.process, current()) {
            std::mem::forget(self.pool.take());
        }
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

fn start(number: usize) -> PyResult<Arc<ThreadPool>> {
    let pool = ThreadPoolBuilder::new().num_threads(number).build().map_err(|error| {
        PyRuntimeError::new_err(format!("cannot start the threads ({error}): pass a smaller threads="))
    })?;
    Ok(Arc::new(pool))
}
