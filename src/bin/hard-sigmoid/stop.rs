//! Signals that end the command: noticed between two pieces of work, so that an output under way can be removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Failure;

/// Whether a signal has asked to stop.
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Has INT, TERM and HUP noticed from now on; a second one ends the process at once. XFSZ, which the limit for a
    /// file's size sends, becomes an error of the write.
    pub(crate) fn on_signals() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            // If a handler cannot be set, the signal ends the process as it always does.
            let _ = signal_hook::flag::register_conditional_default(signal, flag.clone());
            let _ = signal_hook::flag::register(signal, flag.clone());
        }
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
        Self(flag)
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Failure("stopped by a signal: nothing was written".into()));
        }
        Ok(())
    }
}
