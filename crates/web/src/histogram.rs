//! How many elements are in each part of a range.

const BINS: usize = 64;

/// Elements beyond this are in the outermost bins, so that every difference that a plot computes is finite.
const LIMIT: f64 = 4e307;

pub(crate) struct Histogram {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) bins: Vec<u32>,
}

impl Histogram {
    /// Over the range of the finite elements.
    pub(crate) fn over_all<T: Copy + Into<f64>>(data: &[T]) -> Self {
        let finite = data.iter().map(|&x| x.into()).filter(|x| x.is_finite()).map(|x| x.clamp(-LIMIT, LIMIT));
        let (from, to) = finite.fold((f64::MAX, f64::MIN), |(from, to), x: f64| (from.min(x), to.max(x)));
        if from <= to { Self::over(from, to, data) } else { Self::over(0.0, 1.0, data) }
    }

    pub(crate) fn over<T: Copy + Into<f64>>(from: f64, to: f64, data: &[T]) -> Self {
        let mut bins = vec![0; BINS];
        let width = (to - from).max(f64::MIN_POSITIVE);
        for x in data.iter().map(|&x| x.into()).filter(|x: &f64| x.is_finite()) {
            let bin = ((x.clamp(from, to) - from) / width * BINS as f64) as usize;
            bins[bin.min(BINS - 1)] += 1;
        }
        Self { from, to, bins }
    }
}
