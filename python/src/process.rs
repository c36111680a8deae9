//! What a process has once: its GPU and its threads, neither of which a forked child inherits.

use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hard_sigmoid::{Element, Engine};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyCFunction};
use rayon::ThreadPool;

pub(crate) struct Process {
    pub(crate) gpu: Mutex<Option<Engine>>,
    pub(crate) auto: Mutex<Option<Engine>>,
    /// Whether this is a forked child, in which the library's threads do not exist.
    pub(crate) is_child: bool,
    /// The threads of a child, instead of the library's.
    pub(crate) pool: Mutex<Option<Arc<ThreadPool>>>,
    /// Whether a driver was loaded before the fork. It does not work in the child.
    pub(crate) inherits_driver: bool,
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
    // What rayon's threads take work from each other with is initialized under a lock, too.
    drop(crossbeam_epoch::pin());
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

impl Process {
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

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
