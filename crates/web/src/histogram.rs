//! How many elements are in each part of a range.

const BINS: usize = 64;

/// Elements beyond this are in the outermost bins, so that every difference that a plot computes is finite.
const LIMIT: f64 = 4e307;

/// The finite elements of a type, as f64.
fn finite<T: Copy + Into<f64>>(data: &[T]) -> impl Iterator<Item = f64> {
    data.iter().map(|&x| x.into()).filter(|x| x.is_finite())
}

/// The range of finite elements.
pub(crate) struct Range(f64, f64);

impl Range {
    pub(crate) const EMPTY: Self = Self(f64::MAX, f64::MIN);

    pub(crate) fn add<T: Copy + Into<f64>>(&mut self, data: &[T]) {
        for x in finite(data).map(|x| x.clamp(-LIMIT, LIMIT)) {
            *self = Self(self.0.min(x), self.1.max(x));
        }
    }

    pub(crate) fn histogram(self) -> Histogram {
        if self.0 <= self.1 { Histogram::new(self.0, self.1) } else { Histogram::new(0.0, 1.0) }
    }
}

pub(crate) struct Histogram {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) bins: Vec<f64>,
}

impl Histogram {
    pub(crate) fn new(from: f64, to: f64) -> Self {
        Self { from, to, bins: vec![0.0; BINS] }
    }

    pub(crate) fn add<T: Copy + Into<f64>>(&mut self, data: &[T]) {
        let (from, to) = (self.from, self.to);
        let width = (to - from).max(f64::MIN_POSITIVE);
        for x in finite(data) {
            let bin = ((x.clamp(from, to) - from) / width * BINS as f64) as usize;
            self.bins[bin.min(BINS - 1)] += 1.0;
        }
    }
}
