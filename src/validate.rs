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

mod inputs;

use rayon::prelude::*;

pub use inputs::{Inputs, samples};

use crate::element::Float;
use crate::hard_sigmoid::Line;
use crate::reference::{Reference, ulps};
use crate::{Element, HardSigmoid, cpu, threads};

/// Elements that a thread compares at a time.
const CHUNK: usize = 1 << 14;

/// How many differences a report holds.
const FIRST: usize = 8;

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
mod tests;
