//! The progress bar.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that ends sooner has no progress bar.
const DELAY: Duration = Duration::from_secs(1);

/// A progress bar on stderr. It is hidden if stderr is not a terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// When the bar appears. None if it never does or already has.
    appears: Option<Instant>,
}

impl Progress {
    /// One that never appears.
    pub(crate) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), appears: None }
    }

    pub(crate) fn bytes(total: u64, quiet: bool) -> Self {
        Self::new(total, "{bar:40} {percent:>3} % of {total_bytes}, {bytes_per_sec}, {eta} left", quiet)
    }

    pub(crate) fn numbers(total: u64) -> Self {
        Self::new(total, "{bar:40} {percent:>3} % of {len} numbers, {per_sec}, {eta} left", false)
    }

    fn new(total: u64, template: &str, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_style(style);
        Self { bar, appears: Instant::now().checked_add(DELAY) }
    }

    pub(crate) fn add(&mut self, done: u64) {
        self.set(self.bar.position().saturating_add(done));
    }

    pub(crate) fn set(&mut self, done: u64) {
        self.bar.set_position(done);
        if self.appears.is_some_and(|at| Instant::now() > at) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.appears = None;
        }
    }

    /// Writes something above the bar.
    pub(crate) fn above(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
