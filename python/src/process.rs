//! What a process has once: its GPU and its threads, neither of which a forked child inherits.

use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hard_sigmoid::{AUTO_GPU_MIN_ELEMENTS, Backend, Element, Engine, Error, ExecutedOn};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyCFunction};
use rayon::ThreadPool;

use crate::threads::Threads;

pub(crate) struct Process {
    gpu: Mutex<Option<Engine>>,
    auto: Mutex<Option<Engine>>,
    /// Whether this is a forked child, in which rayon's global pool has no threads.
    pub(crate) is_child: bool,
    /// The threads of a child, instead of rayon's global ones.
    pub(crate) pool: Mutex<Option<Arc<ThreadPool>>>,
    /// Whether a driver was loaded before the fork. It does not work in the child.
    inherits_driver: bool,
    has_driver: AtomicBool,
}

/// Never null once the module is imported.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

/// Prepares for forks and for the end of the process.
pub(crate) fn register(py: Python<'_>) -> PyResult<()> {
    install(false, false);
    py.import("numpy")?;
    // What loads NumPy's interface holds a lock, which a fork would leave locked.
    py.get_type::<numpy::PyUntypedArray>();
    // Windows has no fork.
    if let Ok(register) = py.import("os")?.getattr("register_at_fork") {
        let after = PyCFunction::new_closure(py, None, None, |_, _| {
            let old = current();
            install(true, old.inherits_driver || old.has_driver.load(Ordering::Relaxed));
        })?;
        register.call((), Some(&[("after_in_child", after)].into_py_dict(py)?))?;
    }
    // Some drivers crash if the process ends before their devices.
    let close = PyCFunction::new_closure(py, None, None, |_, _| {
        for engine in [&current().gpu, &current().auto] {
            // A thread that still computes keeps its engine.
            if let Ok(mut engine) = engine.try_lock() {
                *engine = None;
            }
        }
    })?;
    py.import("atexit")?.call_method1("register", (close,))?;
    Ok(())
}

/// The one before is leaked: threads that no longer exist may hold its locks.
fn install(is_child: bool, inherits_driver: bool) {
    let new = Process {
        gpu: Mutex::default(),
        auto: Mutex::default(),
        is_child,
        pool: Mutex::default(),
        inherits_driver,
        has_driver: AtomicBool::new(false),
    };
    CURRENT.store(Box::into_raw(Box::new(new)), Ordering::Release);
}

pub(crate) fn current() -> &'static Process {
    // SAFETY: `register` has stored a pointer before any function could be called, and nothing is ever freed.
    #[allow(unsafe_code, reason = "a lock around the pointer could be held during a fork")]
    unsafe {
        &*CURRENT.load(Ordering::Acquire)
    }
}

/// Where and how a call runs.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) backend: Backend,
    pub(crate) threads: Option<usize>,
}

/// An engine to use for pieces of a call.
pub(crate) enum Chosen {
    Cpu,
    Shared(&'static Mutex<Option<Engine>>),
}

impl Process {
    /// Opens what a call of `elements` needs. The threads are for measuring whether a GPU is faster.
    pub(crate) fn choose<T: Element>(
        &'static self,
        backend: Backend,
        elements: usize,
        threads: &Threads,
    ) -> PyResult<Chosen> {
        let engine = match backend {
            Backend::Gpu => {
                self.check_gpu::<T>()?;
                &self.gpu
            }
            Backend::Auto if T::ON_GPU && elements as u64 >= AUTO_GPU_MIN_ELEMENTS && !self.inherits_driver => {
                &self.auto
            }
            _ => return Ok(Chosen::Cpu),
        };
        let mut open = locked(engine);
        if open.is_none() {
            self.note_driver();
            let opened = threads.run(|| Engine::open_blocking(backend, elements as u64));
            *open = Some(opened.map_err(|error| gpu_error(&error))?);
        }
        match &*open {
            // Calls of several threads need not wait for each other.
            Some(engine) if matches!(engine.executed_on(), ExecutedOn::Cpu { .. }) => Ok(Chosen::Cpu),
            _ => Ok(Chosen::Shared(engine)),
        }
    }

    /// Whether a GPU may be opened, for elements of `T`.
    pub(crate) fn check_gpu<T: Element>(&self) -> PyResult<()> {
        if !T::ON_GPU {
            return Err(PyTypeError::new_err(
                "no GPU computes float64: use backend=\"cpu\", or convert the array to float32",
            ));
        }
        if self.inherits_driver {
            return Err(PyRuntimeError::new_err(
                "GPU drivers were loaded before this process was forked, and do not work in it: use backend=\"cpu\", \
                 or start processes with multiprocessing's \"spawn\" or \"forkserver\" instead of \"fork\"",
            ));
        }
        Ok(())
    }

    /// To be called before drivers are loaded, which children must not use.
    pub(crate) fn note_driver(&self) {
        self.has_driver.store(true, Ordering::Relaxed);
    }
}

impl Chosen {
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
    let message = error.to_string();
    let remedy = if message.ends_with("the CPU path") { " (backend=\"cpu\")" } else { "" };
    PyRuntimeError::new_err(format!("{message}{remedy}"))
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
