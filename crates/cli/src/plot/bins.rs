//! Counts of numbers that are read once, in memory that does not grow with them.

use hard_sigmoid::{Element, HardSigmoid, Saturation, cpu};

/// The bits of an f32 that do not decide its bin: all but sign, exponent and 7 bits of the mantissa.
const LOW_BITS: u32 = 16;

/// The bin of the smallest positive numbers and 0. Those of negative numbers are before it.
const FIRST_POSITIVE: u32 = 1 << (u32::BITS - LOW_BITS - 1);

/// The bins of results between 0 and 1.
pub(crate) const RESULT_BINS: u32 = 40;

/// What was counted of the elements of a file and of the results for them.
pub(crate) struct Counts {
    /// Of elements, by the high bits of their f32, in ascending order. NaN is not counted.
    elements: Vec<u64>,
    /// Of results strictly between 0 and 1, in bins of the same width.
    pub(crate) results: Vec<u64>,
    pub(crate) saturation: Saturation,
}

impl Counts {
    pub(crate) fn new() -> Self {
        let elements = vec![0; 1 << (u32::BITS - LOW_BITS)];
        Self { elements, results: vec![0; RESULT_BINS as usize], saturation: Saturation::default() }
    }

    /// Counts the elements `x` and the results for them, which are written to `y`.
    pub(crate) fn add<T: Element + Into<f64>>(
        &mut self,
        f: HardSigmoid,
        x: &[T],
        y: &mut [T],
    ) -> Result<(), cpu::LengthMismatch> {
        let saturation = cpu::apply_with_saturation(f, x, y)?;
        self.saturation = [self.saturation, saturation].into_iter().sum();
        for (&x, &y) in x.iter().zip(&*y) {
            let (x, y): (f64, f64) = (x.into(), y.into());
            if x.is_nan() {
                continue;
            }
            count(&mut self.elements, bin(x as f32));
            if y > 0.0 && y < 1.0 {
                count(&mut self.results, (y * f64::from(RESULT_BINS)) as u32);
            }
        }
        Ok(())
    }

    /// The bins of finite elements in ascending order, each with its ends and its count.
    fn finite(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let bins = (0_u32..).zip(self.elements.iter().copied()).filter(|&(_, n)| n > 0);
        let bins = bins.map(|(bin, n)| (start(bin), start(bin.saturating_add(1)), n));
        bins.filter(|(low, high, _)| low < high)
    }

    /// `n` elements or results, as a percentage of all.
    pub(crate) fn percent(&self, n: f64) -> f64 {
        100.0 * n / self.saturation.total().max(1) as f64
    }

    /// A range that holds all finite elements but a `share` of them on each side. None if there are none.
    pub(crate) fn range(&self, share: f64) -> Option<(f64, f64)> {
        let total: u64 = self.finite().map(|(.., n)| n).sum();
        let limit = total as f64 * share;
        let mut seen = 0.0;
        let mut range = None;
        for (low, high, n) in self.finite() {
            let before = seen;
            seen += n as f64;
            if seen > limit && before <= total as f64 - limit {
                range = Some((range.map_or(low, |(low, _)| low), high));
            }
        }
        range
    }

    /// Counts the elements again between these edges, and those left and right of all, infinities included. What lies
    /// across an edge is divided in proportion.
    pub(crate) fn between(&self, edges: &[f64]) -> (Vec<f64>, [f64; 2]) {
        let &[from, .., to] = edges else { return Default::default() };
        let mut counts = vec![0.0; edges.len().saturating_sub(1)];
        let mut outside = [f32::NEG_INFINITY, f32::INFINITY].map(|infinity| self.equal_to(infinity));
        for (low, high, count) in self.finite() {
            let share = |from: f64, to: f64| ((high.min(to) - low.max(from)) / (high - low)).max(0.0) * count as f64;
            let [left, right] = &mut outside;
            *left += share(f64::NEG_INFINITY, from);
            *right += share(to, f64::INFINITY);
            // The first bin that it can be in.
            let first = edges.partition_point(|&edge| edge <= low).saturating_sub(1);
            let inside = counts.iter_mut().zip(edges).zip(edges.get(1..).unwrap_or_default()).skip(first);
            for ((bin, &from), &to) in inside.take_while(|((_, from), _)| **from < high) {
                *bin += share(from, to);
            }
        }
        (counts, outside)
    }

    fn equal_to(&self, infinity: f32) -> f64 {
        self.elements.get(bin(infinity) as usize).copied().unwrap_or(0) as f64
    }
}

/// The bin of a number among all in ascending order.
const fn bin(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_sign_negative() { !bits >> LOW_BITS } else { bits >> LOW_BITS | FIRST_POSITIVE }
}

/// Where a bin of finite numbers begins. All that are not finite begin at the greatest or at the least number.
fn start(bin: u32) -> f64 {
    let magnitude = f64::from(f32::from_bits(bin.abs_diff(FIRST_POSITIVE) << LOW_BITS).min(f32::MAX));
    if bin < FIRST_POSITIVE { -magnitude } else { magnitude }
}

fn count(bins: &mut [u64], index: u32) {
    if let Some(bin) = bins.get_mut(index as usize) {
        *bin = bin.saturating_add(1);
    }
}
