//! A plot with axes and notes, and what all plots look like.

use std::sync::Arc;

use kuva::plot::annotations::{ReferenceLine, ShadedRegion};
use kuva::plot::legend::{LegendEntry, LegendPosition, LegendShape};
use kuva::plot::{LinePlot, ScatterPlot};
use kuva::render::color::Color;
use kuva::render::layout::{ComputedLayout, Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Primitive, Scene, TextAnchor, render_multiple};
use kuva::render::theme::Theme;

use super::format::Format;
use super::functions::{Range, rounded};
use super::pen::{INK, Pen};

/// The distance of the dots of a dotted curve.
const DOTS: f64 = 6.0;

/// How many parts a smooth curve is drawn in.
const PARTS: u32 = 2000;

/// The shade of regions without a gradient.
const SHADE: &str = "#BBBBBB";

/// The size of a panel of a picture, without its legend.
const SIZE: (f64, f64) = (760.0, 400.0);

/// The size of a character in the units of a scene.
const CELL: (f64, f64) = (8.0, 17.0);

const FONT_SIZE: u32 = 13;

/// The width of a character of DejaVu Sans, about, as a share of the font size.
const CHAR_WIDTH: f64 = 0.63;

const LEGEND_LINE: f64 = 20.0;

/// A plot with axes, and notes on it.
pub(crate) struct Panel {
    layout: Layout,
    plots: Vec<Plot>,
    notes: Vec<Note>,
    legend: Vec<LegendEntry>,
    format: Format,
}

struct Note {
    at: (f64, f64),
    /// In units of the scene.
    shift: (f64, f64),
    anchor: TextAnchor,
    text: String,
    /// Whether lines behind it are covered.
    is_backed: bool,
}

impl Note {
    fn draw(&self, computed: &ComputedLayout, scene: &mut Scene) {
        let (x, y) = (computed.map_x(self.at.0) + self.shift.0, computed.map_y(self.at.1) + self.shift.1);
        let (content, size) = (plain(&self.text), f64::from(FONT_SIZE));
        if self.is_backed {
            let (width, height) = (CHAR_WIDTH * size * content.chars().count() as f64, 1.3 * size);
            let left = match self.anchor {
                TextAnchor::Start => x - 2.0,
                TextAnchor::Middle => x - width / 2.0,
                TextAnchor::End => x - width + 2.0,
            };
            let (fill, opacity) = (Color::Rgb(255, 255, 255), Some(0.8));
            let (x, y, stroke, stroke_width) = (left, y - height / 2.0, None, None);
            scene.add(Primitive::Rect { x, y, width, height, fill, stroke, stroke_width, opacity });
        }
        // Text stands on its baseline.
        let y = y + 0.36 * size;
        let (size, anchor, rotate, bold, color) = (FONT_SIZE, self.anchor, None, false, None);
        scene.add(Primitive::Text { x, y, content, size, anchor, rotate, bold, color });
    }
}

impl Panel {
    pub(crate) fn new(format: Format, x: Range, y: Range, title: String) -> Self {
        let layout = Layout::new((x.from, x.to), (y.from, y.to))
            .with_x_axis_min(x.from)
            .with_x_axis_max(x.to)
            .with_y_axis_min(y.from)
            .with_y_axis_max(y.to)
            .with_tick_format(TickFormat::Custom(Arc::new(rounded)))
            .with_title(plain(&title))
            .with_title_size(FONT_SIZE.saturating_add(2))
            .with_label_size(FONT_SIZE)
            .with_tick_size(FONT_SIZE)
            .with_body_size(FONT_SIZE);
        let layout = match format {
            Format::Svg | Format::Png => layout.with_width(SIZE.0).with_ticks(7).with_theme(picture_theme()),
            Format::Text { columns, .. } => layout
                .with_width(columns as f64 * CELL.0)
                .with_theme(terminal_theme())
                .with_ticks(4)
                // Otherwise, the labels of the x axis could be in the row of the axis itself.
                .with_tick_length(0.6 * CELL.1)
                .with_show_grid(false),
        };
        Self { layout, plots: Vec::new(), notes: Vec::new(), legend: Vec::new(), format }
    }

    pub(crate) fn label(&mut self, x: &str, y: &str) {
        self.layout.x_label = Some(plain(x));
        self.layout.y_label = Some(plain(y));
    }

    /// Shades a range of x. Text has no shades.
    pub(crate) fn shade(&mut self, from: f64, to: f64, opacity: f64) {
        if from < to && !self.format.is_text() {
            let region = ShadedRegion::vertical(from, to).with_color(SHADE).with_opacity(0.5 * opacity);
            self.layout.shaded_regions.push(region);
        }
    }

    /// Draws a vertical line.
    pub(crate) fn edge(&mut self, x: f64) {
        self.layout.reference_lines.push(ReferenceLine::vertical(x).with_color(INK).with_dasharray("4 3"));
    }

    pub(crate) fn add(&mut self, plot: impl Into<Plot>) {
        self.plots.push(plot.into());
    }

    /// Adds the lines of a curve with an entry in the legend, and its letter in several places if the plot is text.
    pub(crate) fn curve(&mut self, pen: Pen, lines: Vec<LinePlot>, label: &str, curve: impl Fn(f64) -> f64) {
        self.plots.extend(lines.into_iter().map(Plot::from));
        let is_text = self.format.is_text();
        let label = if is_text { format!("{} {label}", pen.letter) } else { plain(label) };
        let dasharray = (!pen.dash.is_empty()).then(|| pen.dash.to_owned());
        let color = pen.color.to_owned();
        self.legend.push(LegendEntry { label, color, shape: LegendShape::Line, dasharray });
        if is_text {
            let (from, to) = self.layout.x_range;
            for x in (0..5).map(|i| from + (to - from) * (f64::from(i) + pen.share) / 5.0) {
                self.note((x, curve(x)), (0.0, 0.0), TextAnchor::Start, pen.letter.to_string());
            }
        }
    }

    /// Draws a full or an empty circle, for which text is too coarse.
    pub(crate) fn circle(&mut self, pen: Pen, at: (f64, f64), is_full: bool) {
        if self.format.is_text() {
            return;
        }
        self.add(ScatterPlot::new().with_data([at]).with_color(pen.color).with_size(5.0));
        if !is_full {
            self.add(ScatterPlot::new().with_data([at]).with_color("#FFFFFF").with_size(2.8));
        }
    }

    /// Writes text with its middle at the height of a point, `shift` away from it.
    pub(crate) fn note(&mut self, at: (f64, f64), shift: (f64, f64), anchor: TextAnchor, text: String) {
        self.notes.push(Note { at, shift, anchor, text, is_backed: false });
    }

    /// [`note`](Self::note), readable where there may be lines.
    pub(crate) fn backed_note(&mut self, at: (f64, f64), shift: (f64, f64), anchor: TextAnchor, text: String) {
        self.notes.push(Note { at, shift, anchor, text, is_backed: !self.format.is_text() });
    }

    /// Leaves room for notes between the title and the plot.
    pub(crate) fn reserve_line(&mut self) {
        self.layout.subtitle = Some(" ".into());
    }

    /// Adds a smooth curve, which is dotted. The dashes of a line of many pieces would start anew with each piece in a
    /// PNG file.
    pub(crate) fn smooth_curve(&mut self, pen: Pen, label: &str, curve: impl Fn(f64) -> f64) {
        let (from, to) = self.layout.x_range;
        let x = |i| from + (to - from) * f64::from(i) / f64::from(PARTS);
        let points = (0..=PARTS).map(|i| (x(i), curve(x(i))));
        let line = if self.format.is_text() {
            // A piece of less than a character would become horizontal or vertical.
            pen.line(points.step_by(25))
        } else {
            self.dots(pen, points);
            pen.line([])
        };
        self.curve(pen, vec![line], label, &curve);
    }

    fn dots(&mut self, pen: Pen, points: impl Iterator<Item = (f64, f64)>) {
        let (x, y) = (self.layout.x_range, self.layout.y_range);
        // The plot is somewhat smaller than the panel.
        let (x_scale, y_scale) = (0.9 * SIZE.0 / (x.1 - x.0), 0.7 * SIZE.1 / (y.1 - y.0));
        let mut last: Option<(f64, f64)> = None;
        let is_dot = |&(x, y): &(f64, f64)| {
            let distance = last.map(|last| (x_scale * (x - last.0)).hypot(y_scale * (y - last.1)));
            let is_dot = distance.is_none_or(|distance| distance >= DOTS);
            last = if is_dot { Some((x, y)) } else { last };
            is_dot
        };
        self.add(ScatterPlot::new().with_data(points.filter(is_dot)).with_color(pen.color).with_size(1.4));
    }

    /// The greatest y.
    pub(crate) const fn top(&self) -> f64 {
        self.layout.y_range.1
    }

    /// The colors and labels of the curves, for text.
    pub(crate) fn legend(&self) -> Vec<(String, String)> {
        self.legend.iter().map(|entry| (entry.color.clone(), entry.label.clone())).collect()
    }

    /// The height of a text plot in lines, without its legend.
    pub(crate) fn rows(&self) -> usize {
        if let Format::Text { rows, .. } = self.format { rows.saturating_sub(self.legend.len()) } else { 0 }
    }

    pub(crate) fn scene(mut self) -> Scene {
        let rows = self.rows();
        if self.format.is_text() {
            let layout = self.layout.with_height(rows as f64 * CELL.1);
            self.layout = layout.with_term_rows(u32::try_from(rows).unwrap_or(u32::MAX));
        } else {
            self.layout = self.layout.with_height(SIZE.1 + self.legend.len() as f64 * LEGEND_LINE);
            // A legend of text would be cut at the edge of the terminal.
            if !self.legend.is_empty() {
                let layout = self.layout.with_legend_entries(self.legend).with_legend_box(false);
                self.layout = layout.with_legend_position(LegendPosition::OutsideBottomLeft);
            }
        }
        let computed = ComputedLayout::from_layout(&self.layout);
        let mut scene = render_multiple(self.plots, self.layout);
        self.notes.iter().for_each(|note| note.draw(&computed, &mut scene));
        scene
    }
}

/// Puts panels below each other.
pub(crate) fn stack(panels: Vec<Panel>) -> Scene {
    let scenes: Vec<_> = panels.into_iter().map(Panel::scene).collect();
    let height = scenes.iter().map(|scene| scene.height).sum();
    let mut all = Scene::new(SIZE.0, height);
    let mut top = 0.0;
    for scene in scenes {
        let transform = Some(format!("translate(0,{top})"));
        all.add(Primitive::GroupStart { transform, title: None, extra_attrs: None });
        top += scene.height;
        (all.font_family, all.text_color) = (scene.font_family, scene.text_color);
        all.background_color = scene.background_color;
        all.elements.extend(scene.elements);
        all.add(Primitive::GroupEnd);
    }
    all
}

/// An opaque background, because text in between would be hard to read on both light and dark pages.
fn picture_theme() -> Theme {
    Theme { text_color: INK.into(), grid_color: "#E6E6E6".into(), ..Theme::light() }
}

fn terminal_theme() -> Theme {
    Theme { text_color: INK.into(), axis_color: INK.into(), tick_color: INK.into(), ..Theme::dark() }
}

/// kuva would read text between dollar signs as a formula.
fn plain(text: &str) -> String {
    text.replace('$', "\\$")
}
