//! Checking results by another path: a GPU's against the CPU path, bit for bit, and both against an f64 evaluation of
//! the exact function.
//!
//! `validate` runs a GPU over given data or over any range of f32 bit patterns, all 2³² if you like, and reports what
//! it found. On an app's own device it is a self-test:
//!
//! ```no_run
//! # #[cfg(feature = "wgpu")] {
//! # fn app(device: wgpu::Device, queue: wgpu::Queue) -> Result<(), hard_sigmoid::Error> {
//! use hard_sigmoid::validate::{self, Inputs};
//! use hard_sigmoid::{Gpu, HardSigmoid};
//!
//! let f = HardSigmoid::PYTORCH;
//! let samples = validate::samples::<f32>(f);
//! let report = validate::validate_blocking(&Gpu::new(device, queue)?, f, Inputs::Data(&samples), |_| {})?;
//! assert_eq!((report.mismatches, report.max_ulp), (0, 1));
//! # Ok(())
//! # }
//! # }
//! ```

use std::ops::RangeInclusive;

use rayon::prelude::*;

use crate::element::Float;
use crate::hard_sigmoid::Line;
use crate::reference::{Reference, ulps};
use crate::{Element, HardSigmoid, cpu, threads};

/// Elements computed and compared at a time.
const PIECE: u64 = 1 << 22;

/// Elements that a thread compares at a time.
const CHUNK: usize = 1 << 14;

/// How many differences a report holds.
const FIRST: usize = 8;

/// What to run a check over.
#[derive(Clone, Debug)]
pub enum Inputs<'a, T> {
    /// These numbers.
    Data(&'a [T]),
    /// The numbers with these bit patterns: `0..=u32::MAX` is every f32 there is, and `0..=0xffff` every 16-bit number. An
    /// f64 has them as its low bits.
    Bits(RangeInclusive<u32>),
}

impl<T: Element> Inputs<'_, T> {
    /// How many elements there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Bits(bits) => (u64::from(*bits.end()) + 1).saturating_sub(u64::from(*bits.start())),
        }
    }

    /// Puts up to `PIECE` elements from the `done`-th on into `x`.
    fn piece(&self, done: u64, x: &mut Vec<T>) {
        let len = PIECE.min(self.count().saturating_sub(done)) as usize;
        x.clear();
        match self {
            Self::Data(data) => x.extend(data.iter().skip(done as usize).take(len)),
            Self::Bits(bits) => {
                let first = bits.start().wrapping_add(done as u32);
                x.extend((0..len as u32).map(|i| T::from_low_bits(first.wrapping_add(i))));
            }
        }
    }
}

/// An element that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference<T> {
    /// Where, counted from the first element checked.
    pub index: u64,
    /// The input.
    pub input: T,
    /// The result that was checked.
    pub got: T,
    /// What it is checked against.
    pub expected: T,
}

impl<T: Element> std::fmt::Display for Difference<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, input, got, expected } = self;
        write!(f, "element {index}: input {input:e} ({:#x}) gave {got:e} ", input.bits())?;
        write!(f, "({:#x}), expected {expected:e} ({:#x})", got.bits(), expected.bits())
    }
}

/// What a check found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report<T> {
    /// Elements compared, bit for bit, with [`HardSigmoid::eval`].
    pub checked: u64,
    /// Elements whose bits differ, other than by a flushed subnormal.
    pub mismatches: u64,
    /// Elements that differ only since the driver flushes subnormals to zero, as WGSL allows.
    pub flushed: u64,
    /// Elements whose input is NaN, which must keep its sign and payload.
    pub nan_checked: u64,
    /// The largest distance between a result and the number nearest to the exact function, counted in numbers of the
    /// type. `u32::MAX` for a result that is negative, -0 or NaN where it must not be. For f64, which has no wider type to
    /// check it by, this includes the error of the check.
    pub max_ulp: u32,
    /// The largest distance between a result and the exact function; infinite for a NaN where there must be none.
    pub max_abs_error: f64,
    /// The first differences, without flushed subnormals.
    pub first: Vec<Difference<T>>,
    /// The adapter; none for the CPU path.
    #[cfg(feature = "wgpu")]
    pub adapter: Option<Box<wgpu::AdapterInfo>>,
}

/// Compares `gpu` with the CPU path over `inputs`, calling `progress` with the number of elements checked so far.
///
/// Memory does not depend on how many inputs there are. See [`Gpu`](crate::Gpu) for who polls.
///
/// # Errors
///
/// As [`Gpu::apply`](crate::Gpu::apply). A difference is no error: the report has it.
#[cfg(feature = "wgpu")]
pub async fn validate<T: Element>(
    gpu: &crate::Gpu,
    f: HardSigmoid,
    inputs: Inputs<'_, T>,
    mut progress: impl FnMut(u64),
) -> Result<Report<T>, crate::Error> {
    let mut check = Check::new(f, inputs);
    while let Some((x, y)) = check.next_piece() {
        gpu.apply(f, x, y).await?;
        progress(check.compare());
    }
    Ok(Report { adapter: Some(Box::new(gpu.device().adapter_info())), ..check.report })
}

/// [`validate`], blocking.
///
/// # Errors
///
/// As `validate`.
#[cfg(feature = "wgpu")]
pub fn validate_blocking<T: Element>(
    gpu: &crate::Gpu,
    f: HardSigmoid,
    inputs: Inputs<'_, T>,
    mut progress: impl FnMut(u64),
) -> Result<Report<T>, crate::Error> {
    let mut check = Check::new(f, inputs);
    while let Some((x, y)) = check.next_piece() {
        gpu.apply_blocking(f, x, y)?;
        progress(check.compare());
    }
    Ok(Report { adapter: Some(Box::new(gpu.device().adapter_info())), ..check.report })
}

/// As `validate`, for the CPU path over slices: against [`HardSigmoid::eval`], element by element.
pub fn validate_cpu<T: Element>(f: HardSigmoid, inputs: Inputs<'_, T>, mut progress: impl FnMut(u64)) -> Report<T> {
    let mut check = Check::new(f, inputs);
    while let Some((x, y)) = check.next_piece() {
        // The lengths are equal.
        let _ = cpu::apply(f, x, y);
        progress(check.compare());
    }
    check.report
}

/// Numbers that are worth a look. Of the 16-bit types, all. Otherwise some millions: the neighbours of all zeros, edges,
/// powers of two and limits of f32, NaN of all kinds, and an even selection of all bit patterns.
#[must_use]
pub fn samples<T: Element>(f: HardSigmoid) -> Vec<T> {
    /// Neighbours on each side.
    const NEAR: u32 = 1 << 14;
    /// Odd, so that low bits vary as well.
    const STRIDE: usize = 251;
    if size_of::<T>() == 2 {
        return (0..=0xffff).map(T::from_low_bits).collect();
    }
    let edges = [-f.beta() / f.alpha(), (1.0 - f.beta()) / f.alpha(), 0.0, f64::MIN_POSITIVE, f64::MAX];
    let mut bits = Vec::new();
    for edge in edges.into_iter().flat_map(|edge| [edge as f32, -edge as f32]) {
        bits.extend((0..=2 * NEAR).map(|i| edge.to_bits().wrapping_sub(NEAR).wrapping_add(i)));
    }
    for sign in [0, 1 << 31] {
        for exponent in 0..=0xff_u32 {
            let power = sign | exponent << 23;
            bits.extend((0..64).map(|i| power.wrapping_sub(32).wrapping_add(i)));
            bits.extend((0..23).map(|i| power | 1 << i));
        }
    }
    bits.extend((0..=u32::MAX).step_by(STRIDE));
    let f32s = bits.into_iter();
    if size_of::<T>() == size_of::<f32>() {
        return f32s.map(T::from_low_bits).collect();
    }
    f32s.map(|bits| T::nearest(f32::from_bits(bits).into())).collect()
}

/// The first element of `target` whose bits are not those that [`HardSigmoid::eval`] gives for `source`.
///
/// Compares as many elements as the shorter slice has.
#[must_use]
pub fn first_unlike_eval<T: Element>(f: HardSigmoid, source: &[T], target: &[T]) -> Option<Difference<T>> {
    let line = f.line::<T>();
    first(source, target, |x| line.eval(x), |x, y| line.eval(x).bits() == y.bits())
}

/// The first element of `target` that is further from the exact function of `source` than [`HardSigmoid`] allows, or
/// that does not keep a NaN.
///
/// Compares as many elements as the shorter slice has.
#[must_use]
pub fn first_out_of_bound<T: Element>(f: HardSigmoid, source: &[T], target: &[T]) -> Option<Difference<T>> {
    let reference = Reference::new(f);
    first(source, target, |x| T::nearest(reference.exact(x)), |x, y| reference.allows(x, y))
}

fn first<T: Element>(
    source: &[T],
    target: &[T],
    expected: impl Fn(T) -> T,
    agrees: impl Fn(T, T) -> bool + Sync,
) -> Option<Difference<T>> {
    let differs = |(&x, &y): (&T, &T)| !agrees(x, y);
    let index = if threads::available() {
        source.par_iter().zip(target).position_first(differs)
    } else {
        source.iter().zip(target).position(differs)
    }?;
    let (&input, &got) = (source.get(index)?, target.get(index)?);
    Some(Difference { index: index as u64, input, got, expected: expected(input) })
}

/// A check under way.
struct Check<'a, T> {
    f: HardSigmoid,
    inputs: Inputs<'a, T>,
    x: Vec<T>,
    y: Vec<T>,
    report: Report<T>,
}

impl<'a, T: Element> Check<'a, T> {
    fn new(f: HardSigmoid, inputs: Inputs<'a, T>) -> Self {
        Self { f, inputs, x: Vec::new(), y: Vec::new(), report: Report::default() }
    }

    /// The next inputs, and where their results go; none when all are done.
    fn next_piece(&mut self) -> Option<(&[T], &mut [T])> {
        self.inputs.piece(self.report.checked, &mut self.x);
        // A result that nobody writes must not pass for one.
        self.y.clear();
        self.y.resize(self.x.len(), T::nearest(-1.0));
        if self.x.is_empty() { None } else { Some((&self.x, &mut self.y)) }
    }

    /// Compares the piece, and returns how many elements are checked by now.
    fn compare(&mut self) -> u64 {
        let (line, reference, done) = (self.f.line::<T>(), Reference::new(self.f), self.report.checked);
        let part = |(i, (x, y)): (usize, (&[T], &[T]))| compare(line, &reference, x, y, done + (i * CHUNK) as u64);
        let piece = if threads::available() {
            let pairs = self.x.par_chunks(CHUNK).zip(self.y.par_chunks(CHUNK));
            pairs.enumerate().map(part).reduce(Report::default, Report::and)
        } else {
            let pairs = self.x.chunks(CHUNK).zip(self.y.chunks(CHUNK));
            pairs.enumerate().map(part).fold(Report::default(), Report::and)
        };
        self.report = std::mem::take(&mut self.report).and(piece);
        self.report.checked
    }
}

impl<T> Default for Report<T> {
    fn default() -> Self {
        Self {
            checked: 0,
            mismatches: 0,
            flushed: 0,
            nan_checked: 0,
            max_ulp: 0,
            max_abs_error: 0.0,
            first: Vec::new(),
            #[cfg(feature = "wgpu")]
            adapter: None,
        }
    }
}

impl<T> Report<T> {
    fn and(mut self, mut later: Self) -> Self {
        self.checked += later.checked;
        self.mismatches += later.mismatches;
        self.flushed += later.flushed;
        self.nan_checked += later.nan_checked;
        self.max_ulp = self.max_ulp.max(later.max_ulp);
        self.max_abs_error = self.max_abs_error.max(later.max_abs_error);
        self.first.append(&mut later.first);
        self.first.truncate(FIRST);
        self
    }
}

fn compare<T: Element>(line: Line<T>, reference: &Reference, x: &[T], y: &[T], index: u64) -> Report<T> {
    let mut report = Report { checked: x.len() as u64, ..Report::default() };
    for (i, (&input, &got)) in x.iter().zip(y).enumerate() {
        let expected = line.eval(input);
        if input.quieted().is_some() {
            report.nan_checked += 1;
        } else {
            let exact = reference.exact(input);
            let error = (got.to_exact() - exact).abs();
            report.max_ulp = report.max_ulp.max(ulps(got, exact));
            report.max_abs_error = report.max_abs_error.max(if error.is_nan() { f64::INFINITY } else { error });
        }
        if got.bits() != expected.bits() {
            if is_flushed(line, input, got) {
                report.flushed += 1;
            } else {
                report.mismatches += 1;
                if report.first.len() < FIRST {
                    report.first.push(Difference { index: index + i as u64, input, got, expected });
                }
            }
        }
    }
    report
}

/// Whether `got` is what the definition gives if subnormals are flushed to zero at some of its steps.
fn is_flushed<T: Element>(line: Line<T>, x: T, got: T) -> bool {
    let (zero, least) = (T::Wide::of(0.0), T::Wide::of(f32::MIN_POSITIVE.into()));
    let is_subnormal = |value: T::Wide| value < least && value + least > zero;
    let flush = |value: T::Wide, really: bool| if really && is_subnormal(value) { zero } else { value };
    x.quieted().is_none()
        && (0..16).any(|steps| {
            let at = |step: u32| steps & 1 << step != 0;
            let sum = flush(flush(x.widen(), at(0)) + line.shift, at(1));
            let z = flush(sum * line.slope, at(2));
            let z = if z > line.lo { z } else { line.lo };
            let y = if z < line.hi { z } else { line.hi };
            T::round(flush(y, at(3)) + zero).bits() == got.bits()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_eval_and_nothing_a_little_off() {
        let source: Vec<f32> = (0..1 << 16).map(|i| (i - (1 << 15)) as f32 * 2e-4).collect();
        for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH, HardSigmoid::new(-0.3, 0.7).unwrap()] {
            let mut target: Vec<f32> = source.iter().map(|&x| f.eval(x)).collect();
            assert_eq!(first_unlike_eval(f, &source, &target), None);
            assert_eq!(first_out_of_bound(f, &source, &target), None);
            let (index, right) = (34_567, target[34_567]);
            target[index] = right.next_up();
            let difference = first_unlike_eval(f, &source, &target).unwrap();
            assert_eq!((difference.index, difference.got, difference.expected), (34_567, right.next_up(), right));
            target[index] = right + 3e-7;
            assert_eq!(first_out_of_bound(f, &source, &target).unwrap().index, 34_567);
        }
    }

    #[test]
    fn notices_a_lost_nan_and_a_minus_zero() {
        let f = HardSigmoid::PYTORCH;
        let nan = f32::from_bits(0xff81_2345);
        assert_eq!(first_out_of_bound(f, &[nan], &[f.eval(nan)]), None);
        assert!(first_out_of_bound(f, &[nan], &[f32::NAN]).is_some());
        assert!(first_out_of_bound(f, &[nan], &[1.0]).is_some());
        for (x, y) in [(-7.0, -0.0), (-7.0, -1e-45), (7.0, 1.0_f32.next_up()), (0.0, f32::NAN)] {
            assert!(first_out_of_bound(f, &[x], &[y]).is_some(), "{x} {y}");
        }
        assert!(first_unlike_eval(f, &[-7.0], &[-0.0]).is_some());
    }

    #[test]
    fn counts_what_differs_and_sets_flushed_subnormals_apart() {
        let f = HardSigmoid::new(1.0, 0.0).unwrap();
        let x = [1e-40, 1e-40, 0.5, f32::NAN, 2.0, -1.0];
        let y = [1e-40, 0.0, 0.75, f32::NAN, 1.0, -0.0];
        let report = compare(f.line::<f32>(), &Reference::new(f), &x, &y, 100);
        assert_eq!((report.checked, report.mismatches, report.flushed, report.nan_checked), (6, 2, 1, 1));
        assert_eq!(report.first.iter().map(|d| d.index).collect::<Vec<_>>(), [102, 105]);
        assert_eq!((report.max_ulp, report.max_abs_error), (u32::MAX, 0.25));
        let report = compare(f.line::<f32>(), &Reference::new(f), &[0.5], &[f32::NAN], 0);
        assert_eq!((report.mismatches, report.max_abs_error), (1, f64::INFINITY));
    }

    #[test]
    fn a_report_has_the_first_differences_of_all_pieces() {
        let f = HardSigmoid::ONNX;
        let mut check = Check::new(f, Inputs::<f32>::Bits(0x4000_0000..=0x4000_0000 + PIECE as u32 + 99));
        let wrong = [[3, CHUNK, 5 * CHUNK + 7], [0, 1, 2]];
        for wrong in wrong {
            let (x, y) = check.next_piece().unwrap();
            cpu::apply(f, x, y).unwrap();
            wrong.into_iter().for_each(|i| y[i] = 7.0);
            check.compare();
        }
        assert!(check.next_piece().is_none());
        let expected = wrong[0].map(|i| i as u64).into_iter().chain(PIECE..PIECE + 3);
        assert!(check.report.first.iter().map(|d| d.index).eq(expected), "{:?}", check.report.first);
        assert_eq!((check.report.checked, check.report.mismatches), (PIECE + 100, 6));
    }

    #[test]
    fn every_bit_pattern_of_a_range_is_an_input_once() {
        for (bits, count) in [(0..=u32::MAX, 1 << 32), (5..=5, 1), (u32::MAX - 2..=u32::MAX, 3)] {
            assert_eq!(Inputs::<f32>::Bits(bits).count(), count);
        }
        let inputs = Inputs::<f32>::Bits(7..=PIECE as u32 + 9);
        let mut all = Vec::new();
        let mut x = Vec::new();
        for done in [0, PIECE] {
            inputs.piece(done, &mut x);
            all.extend(x.iter().map(|x| x.to_bits()));
        }
        assert!(all.iter().copied().eq(7..=PIECE as u32 + 9));
        let report = validate_cpu(HardSigmoid::PYTORCH, inputs, |_| {});
        assert_eq!((report.checked, report.mismatches, report.max_ulp), (PIECE + 3, 0, 0));
    }
}
