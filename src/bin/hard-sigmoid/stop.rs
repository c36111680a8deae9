//! Signals that stop the command. They are checked between pieces of work, so that a partial output can be removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::console::Failure;

/// Whether a signal has been received.
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Handles SIGINT, SIGTERM and SIGHUP. A second signal ends the process immediately.
    pub(crate) fn on_signals() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            // Without a handler the signal keeps its default action, which ends the process.
            let _ = signal_hook::flag::register_conditional_default(signal, flag.clone());
            let _ = signal_hook::flag::register(signal, flag.clone());
        }
        // A write beyond the limit on file sizes then returns an error.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
        Self(flag)
    }

    /// Leaves signals their default action, which ends the process even while it waits for a pipe.
    pub(crate) fn by_default() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_requested() {
            return Err(Failure::Runtime("stopped by a signal: nothing was written".into()));
        }
        Ok(())
    }
}
