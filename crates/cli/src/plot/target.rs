//! Writes a picture.

use anstyle::{RgbColor, Style};
use kuva::backend::svg::SvgBackend;
use kuva::render::color::Color;
use kuva::{PngBackend, TerminalBackend};

use super::super::console::{self, Failure};
use super::super::output::Output;
use super::format::Format;
use super::panel::{self, Panel};
use super::pen::{INK, INK_ESCAPE};

/// Draws panels one above the other. Text goes to stdout, and has no `output`.
pub(crate) fn write(panels: Vec<Panel>, format: Format, output: Option<Output>) -> Result<(), Failure> {
    let bytes = match format {
        Format::Svg => {
            for_dark_pages(&SvgBackend::new().with_pretty(true).render_scene(&panel::stack(panels))).into_bytes()
        }
        Format::Png => PngBackend::new().render_scene(&panel::stack(panels)).map_err(Failure::Runtime)?,
        Format::Text { columns, colors, .. } => {
            let text: String = panels.into_iter().map(|panel| text(panel, columns, colors)).collect();
            return console::print(&text);
        }
    };
    let Some(mut output) = output else { return Ok(()) };
    output.write(&bytes)?;
    output.finish()
}

/// Where pages are dark, so is the picture: light and dark change places, and colors stay. The class keeps the style
/// from other pictures of a page that the picture is part of.
fn for_dark_pages(svg: &str) -> String {
    const STYLE: &str = "<style>@media (prefers-color-scheme: dark) { svg.hard-sigmoid { filter: invert(1) \
                         hue-rotate(180deg); } }</style>";
    let svg = svg.replacen("<svg ", "<svg class=\"hard-sigmoid\" ", 1);
    svg.replacen(">\n", &format!(">\n  {STYLE}\n"), 1)
}

fn text(panel: Panel, columns: usize, colors: bool) -> String {
    let (legend, rows) = (panel.legend(), panel.rows());
    let text = TerminalBackend::new(columns, rows).render_scene(&panel.scene());
    let mut lines = String::new();
    // The last escape sequence would be a line of its own.
    for line in text.strip_suffix("\x1b[0m").unwrap_or(&text).lines() {
        let line = match colors {
            // The text of a terminal in its own color is readable on light and dark backgrounds.
            true => line.replace(INK_ESCAPE, "\x1b[39m"),
            false => anstream::adapter::strip_str(line).to_string(),
        };
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    for (color, label) in legend {
        let style = match Color::from(&color) {
            Color::Rgb(red, green, blue) if colors && color != INK => RgbColor(red, green, blue).on_default(),
            _ => Style::new(),
        };
        lines.push_str(&format!("  {style}{label}{style:#}\n"));
    }
    lines
}
