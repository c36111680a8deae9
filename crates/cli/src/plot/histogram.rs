//! A file before and after a function.

use std::path::Path;

use hard_sigmoid::{Element, HardSigmoid, with_type};
use hard_sigmoid_files::{Data, Section, Selection};
use kuva::plot::Histogram;
use kuva::render::render::TextAnchor;

use super::super::console::{Failure, escape};
use super::super::function::name;
use super::super::pieces;
use super::bins::{Counts, RESULT_BINS};
use super::format::Format;
use super::functions::{Range, ramp, rounded};
use super::panel::Panel;
use super::pen::{INSIDE, SATURATED};

/// The share of the elements that may lie outside the range on each side.
const OUTSIDE: f64 = 0.001;

/// The bins of elements, about.
const ELEMENT_BINS: f64 = 60.0;

/// The most characters of a file name that the title has room for.
const NAME_CHARS: usize = 40;

/// The counts of elements with results of 0, between 0 and 1, and of 1, from left to right.
type Parts = [(&'static str, u64); 3];

/// Reads a file once and returns two panels.
pub(crate) fn panels(
    f: HardSigmoid,
    path: &Path,
    selection: &Selection,
    format: Format,
) -> Result<Vec<Panel>, Failure> {
    let (mut input, header) = hard_sigmoid_files::open(path)?;
    let layout = input.layout(&header, selection)?;
    if layout.elements() == 0 {
        return Err(input.failure("has no elements to count: choose another file or tensor").into());
    }
    let mut counts = Counts::new();
    input.each_computed(
        &layout,
        |dtype, section, data| with_type!(dtype, T => count::<T>(f, data, section, &mut counts)),
    )?;
    let name = short_name(path);
    Ok(vec![before(f, &counts, &name, layout.elements(), format), after(f, &counts, format)])
}

fn count<T: Element + Into<f64>>(
    f: HardSigmoid,
    data: &mut Data<'_>,
    section: &Section<'_>,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let mut y = Vec::<T>::new();
    pieces::each(pieces::CPU_ELEMENTS, [section], [data], |data, [x]| {
        y.resize(x.len(), T::zeroed());
        counts.add(f, x, &mut y).map_err(|error| data.failure(error).into())
    })
}

fn before(f: HardSigmoid, counts: &Counts, file: &str, elements: u64, format: Format) -> Panel {
    let ramp = ramp(f);
    let edges = edges(counts.range(OUTSIDE), ramp);
    let (from, to) = edges.first().copied().zip(edges.last().copied()).unwrap_or_default();
    let (inside, outside) = counts.between(&edges);
    let [left, right] = outside.map(|n| rounded(counts.percent(n)));
    let s = counts.saturation;
    let nan = share(s.nan, counts);
    let mut parts = [("becomes 0", s.zero), ("between", s.inside), ("becomes 1", s.one)];
    if f.alpha() < 0.0 {
        parts.reverse();
    }
    let bars = Bars {
        title: format!("x = {file}, {elements} elements"),
        label: format!("x (not shown: {left} % below, {right} % above; NaN: {nan})"),
        range: Range { from, to },
        edges,
        heights: inside.into_iter().map(|n| counts.percent(n)).collect(),
        inside: ramp,
        parts,
    };
    bars.panel(counts, format)
}

fn after(f: HardSigmoid, counts: &Counts, format: Format) -> Panel {
    let width = 1.0 / f64::from(RESULT_BINS);
    let s = counts.saturation;
    // The results of exactly 0 and of exactly 1 have bins of their own.
    let all = [s.zero].into_iter().chain(counts.results.iter().copied()).chain([s.one]);
    let bars = Bars {
        title: format!("y = {}", name(f)),
        label: "y (outside the lines: exactly 0 and exactly 1)".into(),
        range: Range { from: -2.0 * width, to: 1.0 + 2.0 * width },
        edges: (0..=RESULT_BINS.saturating_add(2)).map(|i| (f64::from(i) - 1.0) * width).collect(),
        heights: all.map(|n| counts.percent(n as f64)).collect(),
        inside: Some((0.0, 1.0)),
        parts: [("exactly 0", s.zero), ("between", s.inside), ("exactly 1", s.one)],
    };
    bars.panel(counts, format)
}

/// The edges of bins for a range of elements and for the ramp, whose ends are among them unless it is too narrow.
fn edges(elements: Option<(f64, f64)>, ramp: Option<(f64, f64)>) -> Vec<f64> {
    let both = [elements, ramp];
    let all = both.iter().flatten().copied();
    let (from, to) = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((-1.0, 1.0));
    // A single value would have no width.
    let least = 0.01 * from.abs().max(to.abs()).max(1.0);
    let (from, to) = if to - from < least { (from - least, to + least) } else { (from, to) };
    let width = (to - from) / ELEMENT_BINS;
    let aligned = ramp.map(|(lower, upper)| (lower, (upper - lower) / width)).filter(|&(_, bins)| bins >= 1.0);
    let (from, width, bins) = match aligned {
        Some((lower, bins)) => {
            let width = width * bins / bins.round();
            let from = lower - width * ((lower - from) / width - 1e-9).ceil();
            (from, width, ((to - from) / width - 1e-9).ceil())
        }
        None => (from, width, ELEMENT_BINS),
    };
    (0..=bins as u32).map(|i| from + width * f64::from(i)).collect()
}

/// What a panel shows.
struct Bars {
    title: String,
    /// Of the horizontal axis.
    label: String,
    range: Range,
    edges: Vec<f64>,
    heights: Vec<f64>,
    /// Where results are not saturated. None if that is everywhere, or nowhere.
    inside: Option<(f64, f64)>,
    parts: Parts,
}

impl Bars {
    fn panel(self, counts: &Counts, format: Format) -> Panel {
        let Self { title, label, range, edges, heights, inside, parts } = self;
        let highest = heights.iter().copied().fold(0.0, f64::max);
        // Some room above the bars.
        let percentages = Range { from: 0.0, to: if highest > 0.0 { highest * 1.1 } else { 1.0 } };
        let mut panel = Panel::new(format, range, percentages, title);
        panel.label(&label, "share in %");
        if let Some((lower, upper)) = inside {
            panel.shade(range.from, lower, 1.0);
            panel.shade(upper, range.to, 1.0);
            panel.edge(lower);
            panel.edge(upper);
        }
        let centers = edges.windows(2).map(|edges| edges.iter().sum::<f64>() / 2.0);
        let is_inside = |center: f64| inside.is_none_or(|(lower, upper)| lower < center && center < upper);
        let bars: Vec<_> = heights.into_iter().zip(centers.map(is_inside)).collect();
        for (color, inside) in [(INSIDE, true), (SATURATED, false)] {
            let heights = bars.iter().map(|&(height, is_inside)| if is_inside == inside { height } else { 0.0 });
            panel.add(Histogram::from_bins(edges.clone(), heights.collect()).with_color(color));
        }
        // The shares are above the plot: left, in the middle, and right. Text has no room for the counts.
        panel.reserve_line();
        let middle = (range.from + range.to) / 2.0;
        let anchors = [TextAnchor::Start, TextAnchor::Middle, TextAnchor::End];
        for (((label, n), anchor), x) in parts.into_iter().zip(anchors).zip([range.from, middle, range.to]) {
            let share = if format.is_text() { percent(n, counts) } else { share(n, counts) };
            panel.note((x, panel.top()), (0.0, -11.0), anchor, format!("{label}: {share}"));
        }
        panel
    }
}

fn share(n: u64, counts: &Counts) -> String {
    format!("{n} ({})", percent(n, counts))
}

fn percent(n: u64, counts: &Counts) -> String {
    let percent = counts.percent(n as f64);
    if n > 0 && percent < 0.005 { "< 0.01 %".into() } else { format!("{percent:.2} %") }
}

/// The name of the file, shortened if it is long.
fn short_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let name = escape(&name);
    let start: String = name.chars().take(NAME_CHARS).collect();
    if start == name { name } else { format!("{start}…") }
}
