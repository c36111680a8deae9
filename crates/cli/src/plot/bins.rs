//! Counts of numbers that are read once, in memory that does not grow with them.

use hard_sigmoid::{Element, HardSigmoid, Saturation, cpu};

/// The bits of an f32 that do not decide its bin: all but sign, exponent and 7 bits of the mantissa.
const LOW_BITS: u32 = 16;

/// The bins of results between 0 and 1.
pub(crate) const RESULT_BINS: u32 = 40;

/// What was counted of the elements of a file and of the results for them.
pub(crate) struct Counts {
    /// Of elements, by the high bits of their f32. NaN is not counted.
    elements: Vec<u64>,
    /// Of results strictly between 0 and 1, in bins of the same width.
    pub(crate) results: Vec<u64>,
    pub(crate) saturation: Saturation,
}

/// The counts of elements in bins of the same width.
pub(crate) struct Bins {
    pub(crate) edges: Vec<f64>,
    pub(crate) counts: Vec<f64>,
    /// The elements left and right of all bins, infinities included.
    pub(crate) outside: [f64; 2],
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
    ) -> Result<(), hard_sigmoid::LengthMismatch> {
        let saturation = cpu::apply_with_saturation(f, x, y)?;
        self.saturation = [self.saturation, saturation].into_iter().sum();
        for (&x, &y) in x.iter().zip(&*y) {
            let (x, y): (f64, f64) = (x.into(), y.into());
            if x.is_nan() {
                continue;
            }
            count(&mut self.elements, (x as f32).to_bits() >> LOW_BITS);
            if y > 0.0 && y < 1.0 {
                count(&mut self.results, (y * f64::from(RESULT_BINS)) as u32);
            }
        }
        Ok(())
    }

    /// The bins of finite elements in ascending order, each with its ends and its count.
    fn finite(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let bins = || (0_u32..).zip(self.elements.iter().copied()).filter(|&(_, n)| n > 0);
        // The ends of the bin of positive numbers with these high bits.
        let ends = |high: u32| {
            let end = |high: u32| f64::from(f32::from_bits(high << LOW_BITS).min(f32::MAX));
            (end(high), end(high.saturating_add(1)))
        };
        let sign = 1_u32 << (u32::BITS - LOW_BITS - 1);
        let is_finite = |&(low, high, _): &(f64, f64, u64)| low < high;
        let negative: Vec<_> = bins().filter(|&(high, _)| high >= sign).collect();
        let negative = negative.into_iter().rev().map(move |(high, n)| {
            let (low, high) = ends(high & !sign);
            (-high, -low, n)
        });
        let positive = bins().take_while(move |&(high, _)| high < sign).map(move |(high, n)| {
            let (low, high) = ends(high);
            (low, high, n)
        });
        negative.chain(positive).filter(is_finite)
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

    /// Counts the elements again in `n` bins. What lies across an edge is divided in proportion.
    pub(crate) fn bins(&self, from: f64, width: f64, n: u32) -> Bins {
        let edges: Vec<_> = (0..=n).map(|i| from + width * f64::from(i)).collect();
        let to = from + width * f64::from(n);
        let mut counts = vec![0.0; n as usize];
        let mut outside = [self.infinities(true), self.infinities(false)].map(|n| n as f64);
        for (low, high, count) in self.finite() {
            let share = |from: f64, to: f64| ((high.min(to) - low.max(from)) / (high - low)).max(0.0) * count as f64;
            let [left, right] = &mut outside;
            *left += share(f64::NEG_INFINITY, from);
            *right += share(to, f64::INFINITY);
            // The first bin that it can be in. A negative number becomes 0.
            let first = ((low - from) / width).floor() as usize;
            let inside = counts.iter_mut().zip(&edges).zip(edges.get(1..).unwrap_or_default()).skip(first);
            for ((bin, &from), &to) in inside.take_while(|((_, from), _)| **from < high) {
                *bin += share(from, to);
            }
        }
        Bins { edges, counts, outside }
    }

    fn infinities(&self, is_negative: bool) -> u64 {
        let infinity = if is_negative { f32::NEG_INFINITY } else { f32::INFINITY };
        self.elements.get((infinity.to_bits() >> LOW_BITS) as usize).copied().unwrap_or(0)
    }
}

fn count(bins: &mut [u64], index: u32) {
    if let Some(bin) = bins.get_mut(index as usize) {
        *bin = bin.saturating_add(1);
    }
}
