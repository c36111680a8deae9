//! What a process has once: its GPU and its threads, neither of which a forked child inherits.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use hard_sigmoid::{AUTO_GPU_MIN_ELEMENTS, Backend, Element, Engine, Error};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyCFunction};
use rayon::{ThreadPool, ThreadPoolBuilder};

pub(crate) struct Process {
    gpu: Mutex<Option<Engine>>,
    auto: Mutex<Option<Engine>>,
    /// The last pool, and the number of threads that was asked for.
    pool: Mutex<Option<(Option<usize>, Arc<ThreadPool>)>>,
    /// Whether this is a forked child, in which rayon's global pool has no threads.
    is_child: bool,
    /// Whether a driver was loaded before the fork. It does not work in the child.
    inherits_driver: bool,
    has_driver: AtomicBool,
}

/// Never null once the module is imported.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

/// Prepares for forks and for the end of the process.
pub(crate) fn register(py: Python<'_>) -> PyResult<()> {
    install(false, false);
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
        pool: Mutex::default(),
        is_child,
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
    /// Opens what a call of `elements` needs.
    pub(crate) fn choose<T: Element>(&'static self, backend: Backend, elements: usize) -> PyResult<Chosen> {
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
            *open = Some(Engine::open_blocking(backend, elements as u64).map_err(|error| gpu_error(&error))?);
        }
        Ok(Chosen::Shared(engine))
    }

    /// Whether a GPU may be opened, for elements of `T`.
    pub(crate) fn check_gpu<T: Element>(&self) -> PyResult<()> {
        if !T::ON_GPU {
            return Err(PyTypeError::new_err("no GPU computes float64: use backend=\"cpu\" or \"auto\""));
        }
        if self.inherits_driver {
            return Err(PyRuntimeError::new_err(
                "a GPU was opened before this process was forked: use backend=\"cpu\", or start processes with \
                 multiprocessing's \"spawn\" or \"forkserver\" instead of \"fork\"",
            ));
        }
        Ok(())
    }

    /// To be called before a GPU is opened, of which children must not use the driver.
    pub(crate) fn note_driver(&self) {
        self.has_driver.store(true, Ordering::Relaxed);
    }

    /// The threads for a call. None for rayon's global ones.
    pub(crate) fn pool(&self, threads: Option<usize>) -> PyResult<Option<Arc<ThreadPool>>> {
        if threads.is_none() && !self.is_child {
            return Ok(None);
        }
        // More threads than cores take longer.
        let threads = threads.map(|threads| threads.min(available_parallelism().map_or(1, NonZero::get)));
        let mut pool = locked(&self.pool);
        match &*pool {
            Some((of, pool)) if *of == threads => Ok(Some(pool.clone())),
            _ => {
                let new = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build().map_err(|error| {
                    PyRuntimeError::new_err(format!("cannot start the threads ({error}): pass a smaller threads="))
                })?;
                Ok(Some(pool.insert((threads, Arc::new(new))).1.clone()))
            }
        }
    }
}

impl Chosen {
    /// Does `work` with the engine, which other threads wait for meanwhile.
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
