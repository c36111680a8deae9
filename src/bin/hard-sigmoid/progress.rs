//! The progress bar.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// The fewest elements that are worth a progress bar. They take about a second.
const MIN_ELEMENTS: u64 = 1 << 27;

/// A progress bar on stderr. It is hidden if stderr is not a terminal.
pub(crate) fn bar(elements: u64, quiet: bool) -> ProgressBar {
    if quiet || elements < MIN_ELEMENTS || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent:>3}% {pos}/{len} elements, {eta} left");
    ProgressBar::new(elements).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
