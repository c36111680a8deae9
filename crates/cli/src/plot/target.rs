//! Where a picture goes: an SVG or PNG file, or text on stdout.

use std::io::IsTerminal;
use std::path::Path;

use hard_sigmoid_files::has_extension;
use kuva::backend::svg::SvgBackend;
use kuva::{PngBackend, TerminalBackend};

use super::super::console::{self, Failure};
use super::super::output::Output;
use super::panel::{self, Panel};
use super::pen::{INK, INK_ESCAPE};
use super::style::Style;

/// The size of a text plot where the size of the terminal is not known.
const TEXT_SIZE: (usize, usize) = (80, 24);

/// The least size in which the labels of a text plot do not overlap, and the greatest that is of use.
const TEXT_LIMITS: [(usize, usize); 2] = [(60, 200), (20, 60)];

#[derive(Clone, Copy)]
enum Format {
    Svg,
    Png,
    Text { columns: usize, rows: usize, colors: bool },
}

pub(crate) struct Target<'a> {
    path: Option<&'a Path>,
    format: Format,
    force: bool,
}

/// A target that can be written.
pub(crate) struct Open {
    format: Format,
    output: Option<Output>,
}

impl<'a> Target<'a> {
    /// The format follows from the extension of `path`.
    pub(crate) fn new(path: Option<&'a Path>, force: bool) -> Result<Self, Failure> {
        let format = match path {
            None => text_format(),
            Some(path) if has_extension(path, "svg") => Format::Svg,
            Some(path) if has_extension(path, "png") => Format::Png,
            Some(path) => {
                let message = format!("{} is neither .svg nor .png: choose one of these endings", path.display());
                return Err(Failure::Usage(message));
            }
        };
        Ok(Self { path, format, force })
    }

    pub(crate) const fn style(&self) -> Style {
        match self.format {
            Format::Svg | Format::Png => Style::Picture,
            Format::Text { columns, rows, .. } => Style::Text { columns, rows },
        }
    }

    /// Checks that the file may be written, before the work begins.
    pub(crate) fn open(&self, inputs: &[&Path]) -> Result<Open, Failure> {
        let extension = if matches!(self.format, Format::Png) { "png" } else { "svg" };
        let output = self.path.map(|path| Output::create(path, extension, inputs, self.force)).transpose()?;
        Ok(Open { format: self.format, output })
    }
}

impl Open {
    /// Draws panels one above the other.
    pub(crate) fn write(self, panels: Vec<Panel>) -> Result<(), Failure> {
        let bytes = match self.format {
            Format::Svg => {
                for_dark_pages(&SvgBackend::new().with_pretty(true).render_scene(&panel::stack(panels))).into_bytes()
            }
            Format::Png => PngBackend::new().render_scene(&panel::stack(panels)).map_err(Failure::Runtime)?,
            Format::Text { columns, colors, .. } => {
                let text: String = panels.into_iter().map(|panel| text(panel, columns, colors)).collect();
                return console::print(&text);
            }
        };
        let Some(mut output) = self.output else { return Ok(()) };
        output.write(&bytes)?;
        output.finish()
    }
}

/// Where pages are dark, so is the picture: light and dark change places, and colors stay. The class keeps the style
/// from other pictures of a page that the picture is part of.
fn for_dark_pages(svg: &str) -> String {
    const STYLE: &str = "<style>@media (prefers-color-scheme: dark) { svg.hard-sigmoid { filter: invert(1) \
                         hue-rotate(180deg); } }</style>";
    let svg = svg.replacen("<svg ", "<svg class=\"hard-sigmoid\" ", 1);
    svg.replacen(">\n", &format!(">\n  {STYLE}\n"), 1)
}

fn text_format() -> Format {
    let stdout = std::io::stdout();
    let is_unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let colors = stdout.is_terminal() && is_unset("NO_COLOR") && !is_dumb;
    let (columns, rows) = terminal_size().unwrap_or(TEXT_SIZE);
    let [(least_columns, most_columns), (least_rows, most_rows)] = TEXT_LIMITS;
    // The prompt takes a line.
    let rows = rows.saturating_sub(1).clamp(least_rows, most_rows);
    Format::Text { columns: columns.clamp(least_columns, most_columns), rows, colors }
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

fn text(panel: Panel, columns: usize, colors: bool) -> String {
    let (legend, rows) = (panel.legend(), panel.rows());
    let text = TerminalBackend::new(columns, rows).render_scene(&panel.scene());
    let mut lines = String::new();
    // The last escape sequence would be a line of its own.
    for line in text.strip_suffix("\x1b[0m").unwrap_or(&text).lines() {
        // The text of a terminal in its own color is readable on light and dark backgrounds.
        let line = if colors { line.replace(INK_ESCAPE, "\x1b[39m") } else { without_escapes(line) };
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    for (color, label) in legend {
        let color = u32::from_str_radix(color.trim_start_matches('#'), 16).ok().filter(|_| colors && color != INK);
        match color.map(u32::to_be_bytes) {
            Some([_, red, green, blue]) => {
                lines.push_str(&format!("  \x1b[38;2;{red};{green};{blue}m{label}\x1b[0m\n"));
            }
            None => lines.push_str(&format!("  {label}\n")),
        }
    }
    lines
}

/// Removes the colors, which are the only escape sequences that kuva writes.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once('m').map_or("", |(_, text)| text));
    std::iter::once(first).chain(rest).collect()
}
