//! What a picture is: an SVG or PNG file, or text on stdout.

use std::io::IsTerminal;
use std::path::Path;

use hard_sigmoid_files::has_extension;

use super::super::console::Failure;

/// The size of a text plot where the size of the terminal is not known.
const TEXT_SIZE: (usize, usize) = (80, 24);

/// The least size in which the labels of a text plot do not overlap, and the greatest that is of use.
const TEXT_LIMITS: [(usize, usize); 2] = [(60, 200), (20, 60)];

#[derive(Clone, Copy)]
pub(crate) enum Format {
    Svg,
    Png,
    /// The size is in characters.
    Text {
        columns: usize,
        rows: usize,
        colors: bool,
    },
}

impl Format {
    /// The format follows from the extension of `path`.
    pub(crate) fn of(path: Option<&Path>) -> Result<Self, Failure> {
        match path {
            None => Ok(Self::text()),
            Some(path) if has_extension(path, "svg") => Ok(Self::Svg),
            Some(path) if has_extension(path, "png") => Ok(Self::Png),
            Some(path) => {
                let remedy = "choose one of these endings";
                Err(Failure::Usage(format!("{} is neither .svg nor .png: {remedy}", path.display())))
            }
        }
    }

    fn text() -> Self {
        let is_unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colors = std::io::stdout().is_terminal() && is_unset("NO_COLOR") && !is_dumb;
        let (columns, rows) = terminal_size().unwrap_or(TEXT_SIZE);
        let [(least_columns, most_columns), (least_rows, most_rows)] = TEXT_LIMITS;
        // The prompt takes a line.
        let rows = rows.saturating_sub(1).clamp(least_rows, most_rows);
        Self::Text { columns: columns.clamp(least_columns, most_columns), rows, colors }
    }

    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Text { .. })
    }
}

#[cfg(target_os = "linux")]
fn terminal_size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    // Terminals that do not know their size say 0.
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col.into(), size.ws_row.into()))
}

#[cfg(not(target_os = "linux"))]
fn terminal_size() -> Option<(usize, usize)> {
    None
}
