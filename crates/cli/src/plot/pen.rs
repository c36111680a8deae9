//! Colors and lines, which differ in more than color.

use kuva::plot::LinePlot;
use kuva::plot::line::LineStyle;

/// The colors of Okabe and Ito, which the color-blind can tell apart, with the dashes that tell the lines apart without
/// colors. Lines often coincide, so the first is solid and shows between the dashes of the others.
const LINES: [(&str, &str); 6] = [
    ("#0072B2", ""),
    ("#D55E00", "9 6"),
    ("#009E73", "3 5"),
    ("#CC79A7", "14 6 3 6"),
    ("#E69F00", "6 10"),
    ("#56B4E9", "20 8"),
];

const REFERENCE_LINE: (&str, &str) = (INK, "2 4");

/// The colors of bars.
pub(crate) const INSIDE: &str = "#0072B2";
pub(crate) const SATURATED: &str = "#D55E00";

/// Nearly black. A terminal is given its own color instead.
pub(crate) const INK: &str = "#010203";

/// What kuva writes for [`INK`].
pub(crate) const INK_ESCAPE: &str = "\x1b[38;2;1;2;3m";

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Pen {
    pub(crate) color: &'static str,
    /// The lengths of dashes and gaps; empty if the line is solid.
    pub(crate) dash: &'static str,
    /// The letter that marks the line in text, where all lines look alike.
    pub(crate) letter: char,
    /// Where the letter is written, as a share of a fifth of the range. The letters of the others are at other shares.
    pub(crate) share: f64,
}

impl Pen {
    /// For one of so many functions.
    pub(crate) fn of(index: usize, functions: usize) -> Self {
        let (color, dash) = LINES.iter().copied().cycle().nth(index).unwrap_or(REFERENCE_LINE);
        let letter = ('A'..='Z').cycle().nth(index).unwrap_or('A');
        Self { color, dash, letter, share: (index as f64 + 0.5) / (functions as f64 + 1.0) }
    }

    /// For what so many functions are compared with.
    pub(crate) fn reference(functions: usize) -> Self {
        let (color, dash) = REFERENCE_LINE;
        Self { color, dash, letter: 's', ..Self::of(functions, functions) }
    }

    pub(crate) fn line(self, points: impl IntoIterator<Item = (f64, f64)>) -> LinePlot {
        let line = LinePlot::new().with_data(points).with_color(self.color).with_stroke_width(2.5);
        if self.dash.is_empty() { line } else { line.with_line_style(LineStyle::Custom(self.dash.into())) }
    }

    /// A line that is no part of a curve.
    pub(crate) fn thin(self, points: impl IntoIterator<Item = (f64, f64)>) -> LinePlot {
        LinePlot::new().with_data(points).with_color(self.color).with_stroke_width(1.5)
    }

    /// Where a curve jumps.
    pub(crate) fn jump(self, points: impl IntoIterator<Item = (f64, f64)>) -> LinePlot {
        self.thin(points).with_dotted()
    }
}
