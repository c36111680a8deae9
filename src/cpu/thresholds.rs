//! Counting results without computing them. The function is monotone, so its results are 0 up to some x and 1 from
//! another x on, or the reverse.

use crate::element::has_16_bits;
use crate::{Element, HardSigmoid, Saturation};

/// With fewer elements, finding the thresholds takes a good part of the time, and the results are computed. There are
/// fewer 16-bit numbers to search, and their evaluation takes longer.
pub(super) const fn compare_min_elements<T: Element>() -> usize {
    if has_16_bits::<T>() { 1 << 9 } else { 1 << 12 }
}

/// The numbers between which results are neither 0 nor 1.
#[derive(Clone, Copy)]
pub(super) struct Thresholds<T: Element> {
    /// The last number of the lower end.
    low: T::Key,
    /// The first number of the upper end.
    high: T::Key,
    /// Whether the results are 0 at the lower end and 1 at the upper.
    rising: bool,
}

impl<T: Element> Thresholds<T> {
    /// Finds the thresholds by bisection with the function itself.
    pub(super) fn new(f: HardSigmoid) -> Self {
        let coefficients = f.coefficients::<T>();
        // All numbers in ascending order, from -inf to +inf. NaNs surround them.
        let infinity = T::from_f64(f64::INFINITY).bits();
        let sign = 1 << (8 * size_of::<T>() as u64 - 1);
        let (first, last) = (sign - 1 - infinity, sign + infinity);
        let number = |i| T::from_low_bits(if i < sign { sign + (sign - 1 - i) } else { i - sign });
        let result = |i| coefficients.eval(number(i));
        let is_saturated = |y| y == T::from_f64(0.0) || y == T::from_f64(1.0);
        let (lowest, highest) = (result(first), result(last));
        let low_end =
            if is_saturated(lowest) { partition_point(first..last + 1, |i| result(i) == lowest) } else { first };
        // The results of a constant function are one end.
        let has_high_end = is_saturated(highest) && lowest != highest;
        let high = if has_high_end { partition_point(first..last + 1, |i| result(i) != highest) } else { last + 1 };
        Self { low: number(low_end - 1).key(), high: number(high).key(), rising: lowest == T::from_f64(0.0) }
    }

    /// For elements that are results themselves.
    pub(super) fn of_results() -> Self {
        Self { low: T::from_f64(0.0).key(), high: T::from_f64(1.0).key(), rising: true }
    }

    /// Counts the results for fewer than 2^16 elements.
    #[inline(always)]
    pub(super) fn count(self, source: &[T]) -> Saturation {
        let [low, high, nan] = T::count(source, self.low, self.high);
        let (zero, one) = if self.rising { (low, high) } else { (high, low) };
        Saturation { zero, one, inside: source.len() as u64 - zero - one - nan, nan }
    }
}

/// The first number of a range for which a predicate is false, if it is false for all that follow.
fn partition_point(range: std::ops::Range<u64>, is_before: impl Fn(u64) -> bool) -> u64 {
    let (mut start, mut end) = (range.start, range.end);
    while start < end {
        let middle = start.midpoint(end);
        if is_before(middle) { start = middle + 1 } else { end = middle }
    }
    start
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::cpu::tally;

    fn functions() -> Vec<HardSigmoid> {
        let pairs = [
            (-0.2, 0.5),
            (0.0, 0.25),
            (0.0, 0.0),
            (0.0, 1.0),
            (0.0, -3.0),
            (1.0, -0.25),
            (40.0, -3.0),
            (-40.0, 3.0),
            (0.29, 1.0),
            (0.5, 0.0),
            (-0.5, 0.0),
            (-0.5, 1.0),
            (1e-30, 0.3),
            (1e30, -1e20),
            (2e-38, 1.0),
            (-2e-38, 0.0),
            (3e38, 10.0),
        ];
        let mut all = vec![HardSigmoid::ONNX, HardSigmoid::PYTORCH];
        all.extend(pairs.map(|(alpha, beta)| HardSigmoid::new(alpha, beta).unwrap()));
        all
    }

    fn counts_are_those_of_the_results<T: Element>(x: impl Iterator<Item = T>) {
        let x: Vec<T> = x.collect();
        for f in functions() {
            let thresholds = Thresholds::<T>::new(f);
            for part in x.chunks(1 << 15).chain(x.chunks(1)) {
                let expected: Saturation = tally(part.iter().map(|&x| f.eval(x))).into();
                assert_eq!(thresholds.count(part), expected, "{} {f:?}", T::NAME);
                let results: Vec<T> = part.iter().map(|&x| f.eval(x)).collect();
                assert_eq!(Thresholds::of_results().count(&results), expected, "{} {f:?}", T::NAME);
            }
        }
    }

    #[test]
    fn counts_of_16_bits() {
        counts_are_those_of_the_results((0..=u16::MAX).map(f16::from_bits));
        counts_are_those_of_the_results((0..=u16::MAX).map(bf16::from_bits));
    }

    #[test]
    fn counts_of_32_and_64_bits() {
        let bits = (0..100_000_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        counts_are_those_of_the_results(bits.clone().map(|bits| f32::from_bits((bits >> 32) as u32)));
        counts_are_those_of_the_results(bits.map(f64::from_bits));
        counts_are_those_of_the_results((-50_000..50_000).map(|i| f64::from(i) * 1e-3));
    }

    /// At and next to the thresholds of the presets, and at the ends of the numbers.
    #[test]
    fn every_number_next_to_a_threshold() {
        for f in functions() {
            let thresholds = Thresholds::<f32>::new(f);
            for at in [thresholds.low, thresholds.high, f32::NEG_INFINITY, f32::INFINITY, f32::MAX, f32::MIN, 0.0] {
                for x in (-300..300).map(|i| f32::from_bits(at.to_bits().wrapping_add_signed(i))) {
                    let expected: Saturation = tally([f.eval(x)].into_iter()).into();
                    assert_eq!(thresholds.count(&[x]), expected, "{f:?} {x:e}");
                }
            }
        }
    }
}
