//! The derivatives of functions, and where they vanish.

use hard_sigmoid::HardSigmoid;
use kuva::render::render::TextAnchor;

use super::super::function::{name, number};
use super::curve::sigmoid;
use super::format::Format;
use super::functions::{Range, ramp, rounded};
use super::panel::Panel;
use super::pen::Pen;

pub(crate) fn panel(functions: &[HardSigmoid], range: Range, with_sigmoid: bool, format: Format) -> Panel {
    let slopes = || functions.iter().map(|f| f.alpha()).chain(with_sigmoid.then_some(0.25));
    let (least, greatest) = (slopes().fold(0.0, f64::min), slopes().fold(0.0, f64::max));
    let margin = if greatest > least { 0.15 * (greatest - least) } else { 1.0 };
    let y = Range { from: least - margin, to: greatest + margin };
    let mut panel = Panel::new(format, range, y, "Derivative of the hard sigmoid".into());
    panel.label("x", "y'");

    for (i, &f) in functions.iter().enumerate() {
        let pen = Pen::of(i, functions.len());
        let lines = pieces(f, range).into_iter().map(|piece| pen.line(piece)).collect();
        panel.curve(pen, lines, &label(f), |x| f.backward().eval(x, 1.0));
        edges(&mut panel, pen, f, range);
    }
    if with_sigmoid {
        let slope = |x| sigmoid(x) * sigmoid(-x);
        panel.smooth_curve(Pen::reference(functions.len()), "derivative of the logistic sigmoid", slope);
    }
    vanishing(&mut panel, functions, range, y.from + 0.62 * (y.to - y.from));
    panel
}

fn label(f: HardSigmoid) -> String {
    let name = name(f);
    let Some((lower, upper)) = ramp(f) else { return format!("{name}: 0") };
    let alpha = if f == HardSigmoid::PYTORCH { "1/6".into() } else { number(f.alpha()) };
    format!("{name}: {alpha} for {} < x < {}, else 0", rounded(lower), rounded(upper))
}

/// The straight pieces within the range: left of the ramp, on it, and right of it.
fn pieces(f: HardSigmoid, range: Range) -> Vec<[(f64, f64); 2]> {
    let piece = |from: f64, to: f64, slope: f64| {
        let (from, to) = (from.max(range.from), to.min(range.to));
        (from < to).then_some([(from, slope), (to, slope)])
    };
    let (lower, upper) = ramp(f).unwrap_or((range.to, range.to));
    let pieces = [piece(range.from, lower, 0.0), piece(lower, upper, f.alpha()), piece(upper, range.to, 0.0)];
    pieces.into_iter().flatten().collect()
}

/// Marks the jumps: at an edge, the derivative is 0 (a full circle) and not alpha (an empty one).
fn edges(panel: &mut Panel, pen: Pen, f: HardSigmoid, range: Range) {
    let Some((lower, upper)) = ramp(f) else { return };
    for x in [lower, upper].into_iter().filter(|&x| range.contains(x)) {
        panel.add(pen.jump([(x, 0.0), (x, f.alpha())]));
        panel.circle(pen, (x, 0.0), true);
        panel.circle(pen, (x, f.alpha()), false);
    }
}

/// Shades where the derivative of each function is 0, more so where several are, and writes it where all are.
fn vanishing(panel: &mut Panel, functions: &[HardSigmoid], range: Range, y: f64) {
    let outside = |f: HardSigmoid| {
        let (lower, upper) = ramp(f).unwrap_or((range.to, range.to));
        [(range.from, lower.clamp(range.from, range.to)), (upper.clamp(range.from, range.to), range.to)]
    };
    for (from, to) in functions.iter().flat_map(|&f| outside(f)) {
        panel.shade(from, to, 1.0 / functions.len() as f64);
    }
    let width = range.to - range.from;
    let all = functions.iter().map(|&f| outside(f)).reduce(|[left, right], [other_left, other_right]| {
        [(range.from, left.1.min(other_left.1)), (right.0.max(other_right.0), range.to)]
    });
    for (from, to) in all.into_iter().flatten().filter(|(from, to)| to - from > 0.15 * width) {
        panel.note(((from + to) / 2.0, y), (0.0, 0.0), TextAnchor::Middle, "gradient 0".into());
    }
}
