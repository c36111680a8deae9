//! Signals that stop the command. They are checked between pieces of work, so that a partial output can be removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::console::Failure;

/// The signal that was received, or 0.
#[derive(Clone)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Handles SIGINT, SIGTERM and SIGHUP. A second signal ends the process immediately.
    pub(crate) fn on_signals() -> Self {
        let stop = Self::by_default();
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            let second = Arc::new(std::sync::atomic::AtomicBool::new(false));
            // Without a handler the signal keeps its default action, which ends the process.
            let _ = signal_hook::flag::register_conditional_default(signal, second.clone());
            let _ = signal_hook::flag::register(signal, second);
            let _ = signal_hook::flag::register_usize(signal, stop.0.clone(), usize::try_from(signal).unwrap_or(1));
        }
        stop
    }

    /// Leaves these signals their default action, which ends the process even while it waits for a pipe.
    pub(crate) fn by_default() -> Self {
        // A write beyond the limit on file sizes returns an error then.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
        Self(Arc::default())
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_requested() { Err(self.failure("nothing was written")) } else { Ok(()) }
    }

    /// Ends the command as the signal would, after a message that says what was `done`.
    pub(crate) fn failure(&self, done: &str) -> Failure {
        Failure::Signal(self.0.load(Ordering::Relaxed), format!("stopped by a signal: {done}"))
    }
}
