//! Functions, beside the logistic sigmoid.

use hard_sigmoid::HardSigmoid;
use kuva::render::render::TextAnchor;

use super::super::function::name;
use super::format::Format;
use super::functions::{Range, ramp, rounded};
use super::panel::Panel;
use super::pen::Pen;

/// Room below 0 and above 1.
const Y: Range = Range { from: -0.08, to: 1.08 };

pub(crate) fn panel(functions: &[HardSigmoid], range: Range, with_sigmoid: bool, format: Format) -> Panel {
    let title = if with_sigmoid { "Hard sigmoid and logistic sigmoid" } else { "Hard sigmoid" };
    let mut panel = Panel::new(format, range, Y, title.into());
    panel.label("x", "y");
    for (i, &f) in functions.iter().enumerate() {
        let pen = Pen::of(i, functions.len());
        let gap = with_sigmoid.then(|| largest_gap(f, range, i));
        let label =
            gap.map_or(String::new(), |gap| format!(": largest gap {} at x = {}", rounded(gap.size()), rounded(gap.x)));
        panel.curve(pen, vec![pen.line(corners(f, range))], &format!("{}{label}", name(f)), |x| f.eval(x));
        if let Some(gap) = gap {
            mark(&mut panel, pen, gap, range);
        }
    }
    if with_sigmoid {
        panel.smooth_curve(Pen::reference(functions.len()), "logistic sigmoid, 1/(1 + e^-x)", sigmoid);
    }
    panel
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The points between which a function is straight.
fn corners(f: HardSigmoid, range: Range) -> Vec<(f64, f64)> {
    let (lower, upper) = ramp(f).unwrap_or((range.from, range.to));
    let inner = [lower, upper].into_iter().filter(|&x| range.from < x && x < range.to);
    let all = [range.from].into_iter().chain(inner).chain([range.to]);
    all.map(|x| (x, f.eval(x))).collect()
}

/// The difference between a function and the sigmoid at x.
#[derive(Clone, Copy)]
struct Gap {
    x: f64,
    y: f64,
    sigmoid: f64,
}

impl Gap {
    fn at(f: HardSigmoid, x: f64) -> Self {
        Self { x, y: f.eval(x), sigmoid: sigmoid(x) }
    }

    fn size(self) -> f64 {
        (self.y - self.sigmoid).abs()
    }
}

/// The largest gap is at an end of the range, at an edge of the ramp, or where the slopes are equal. Of two that are
/// as large, the functions take turns in showing the right and the left one, so that the marks do not overlap.
fn largest_gap(f: HardSigmoid, range: Range, index: usize) -> Gap {
    let (lower, upper) = ramp(f).unwrap_or((range.from, range.to));
    // The slope of the sigmoid is s(1 - s).
    let root = (1.0 - 4.0 * f.alpha()).sqrt();
    let [left, right] = [(1.0 - root) / 2.0, (1.0 + root) / 2.0].map(|s| (s / (1.0 - s)).ln());
    let mut places = [range.from, lower, left, right, upper, range.to];
    if index.is_multiple_of(2) {
        places.reverse();
    }
    let gaps = places.into_iter().filter(|&x| range.contains(x)).map(|x| Gap::at(f, x));
    let larger = |best: Gap, gap: Gap| if gap.size() > best.size() + 1e-12 { gap } else { best };
    gaps.reduce(larger).unwrap_or(Gap::at(f, range.from))
}

/// Draws the gap, and writes its size below it on the right, or above it on the left, where an ascending function
/// leaves room for it.
fn mark(panel: &mut Panel, pen: Pen, gap: Gap, range: Range) {
    let width = range.to - range.from;
    let cap = |side: f64| (gap.x + side * 0.008 * width).clamp(range.from, range.to);
    panel.add(pen.thin([(gap.x, gap.y), (gap.x, gap.sigmoid)]));
    for y in [gap.y, gap.sigmoid] {
        panel.add(pen.thin([(cap(-1.0), y), (cap(1.0), y)]));
    }
    let is_right = gap.x > range.from + width / 2.0;
    let (y, down) = match gap.size() {
        // Beside a large gap, there is room.
        0.2.. => ((gap.y + gap.sigmoid) / 2.0, 0.0),
        _ if is_right => (gap.y.min(gap.sigmoid), 17.0),
        _ => (gap.y.max(gap.sigmoid), -17.0),
    };
    // Next to an end of the range, there is room on the other side only.
    let (shift, anchor) = if gap.x > range.to - 0.2 * width || (!is_right && gap.x > range.from + 0.2 * width) {
        (-8.0, TextAnchor::End)
    } else {
        (8.0, TextAnchor::Start)
    };
    panel.backed_note((gap.x, y), (shift, down), anchor, format!("gap {}", rounded(gap.size())));
}
