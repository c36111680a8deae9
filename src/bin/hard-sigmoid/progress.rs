//! The progress bar: on stderr, for long work, and for people only.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// From this many elements on there is one: a second's work or so.
const LONG: u64 = 1 << 27;

/// A bar for `elements` elements, hidden where nobody would look at it.
pub(crate) fn bar(elements: u64, quiet: bool) -> ProgressBar {
    if quiet || elements < LONG || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent:>3}% {pos}/{len} elements, {eta} left");
    ProgressBar::new(elements).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
