//! Signals that stop the command. The work looks for them between its pieces, so that a message can say what was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::console::Failure;

/// The signal that was received, or 0.
#[derive(Clone)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Handles SIGINT, SIGTERM and SIGHUP, unless the command was started to ignore them, as `nohup` does. A second
    /// signal ends the process at once. So does the first if the command `waits` for a pipe, which may take forever.
    pub(crate) fn on_signals(waits: bool) -> Self {
        let stop = Self(Arc::default());
        #[cfg(unix)]
        unix::handle(waits, &stop.0);
        let _ = waits;
        stop
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

#[cfg(unix)]
mod unix {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    use crate::output::remove_unfinished;

    pub(super) fn handle(waits: bool, received: &Arc<AtomicUsize>) {
        // A write beyond the limit on file sizes returns an error then.
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
        let handled: Vec<_> = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal)).collect();
        // Once this is set, a signal ends the process whatever the thread below does.
        let is_ending = Arc::new(AtomicBool::new(false));
        for &signal in &handled {
            let _ = signal_hook::flag::register_conditional_default(signal, is_ending.clone());
        }
        let Ok(mut signals) = Signals::new(&handled) else { return is_ending.store(true, Ordering::Relaxed) };
        let (ending, received) = (is_ending.clone(), received.clone());
        let thread = std::thread::Builder::new().spawn(move || {
            for signal in &mut signals {
                let before = received.swap(usize::try_from(signal).unwrap_or(1), Ordering::Relaxed);
                if waits || before != 0 {
                    // A disk that hangs may hold the thread up. The next signal need not wait for it.
                    ending.store(true, Ordering::Relaxed);
                    // Held to the end, so that no file is created any more.
                    let _held = remove_unfinished();
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        });
        // Without a thread, the handlers would do nothing.
        is_ending.fetch_or(thread.is_err(), Ordering::Relaxed);
    }

    #[allow(unsafe_code, reason = "no safe library says it")]
    fn is_ignored(signal: i32) -> bool {
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: nothing is changed, and the current action is written to `action`, of which zeros are a valid value.
        let (failed, action) =
            unsafe { (libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()), action.assume_init()) };
        failed == 0 && action.sa_sigaction == libc::SIG_IGN
    }
}
