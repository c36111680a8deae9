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

mod backward;
mod inputs;
mod judge;

use rayon::prelude::*;

pub use backward::validate_backward_cpu;
#[cfg(feature = "wgpu")]
pub use backward::{validate_backward, validate_backward_blocking};
pub use inputs::{Inputs, samples};

use crate::reference::Reference;
use crate::{Element, HardSigmoid, Saturation, cpu, threads};
use judge::Judge;

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
    /// The input: x, or what the backward pass has saved.
    pub input: T,
    /// In the backward pass, the gradient with respect to y.
    pub grad_y: Option<T>,
    /// The result that was checked.
    pub got: T,
    /// What it is checked against.
    pub expected: T,
}

impl<T: Element> std::fmt::Display for Difference<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, input, grad_y, got, expected } = self;
        write!(f, "element {index}: input {input:e} ({:#x}) ", input.bits())?;
        if let Some(grad) = grad_y {
            write!(f, "and gradient {grad:e} ({:#x}) ", grad.bits())?;
        }
        write!(f, "gave {got:e} ")?;
        write!(f, "({:#x}), expected {expected:e} ({:#x})", got.bits(), expected.bits())
    }
}

/// What a check found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report<T> {
    /// Elements compared, bit for bit, with [`HardSigmoid::eval`] or [`Backward::eval`](crate::Backward::eval).
    pub checked: u64,
    /// Elements whose bits differ, other than by a flushed subnormal.
    pub mismatches: u64,
    /// Elements that differ only since the driver flushes subnormals to zero, as WGSL allows.
    pub flushed: u64,
    /// Elements further from the exact function than the contract allows, without flushed subnormals.
    pub out_of_bound: u64,
    /// Results that are counted as another of the kinds in [`Saturation`] than they are. Forward pass only.
    pub miscounted: u64,
    /// Elements whose input is NaN, which must keep its sign and payload.
    pub nan_checked: u64,
    /// The largest distance between a result and the number nearest to the exact function, counted in numbers of the
    /// type, flushed subnormals left out. `u32::MAX` for a result that is negative, -0 or NaN where it must not be. For f64,
    /// which has no wider type to check it by, this includes the error of the check.
    pub max_ulp: u32,
    /// The largest distance between a result and the exact function; infinite for a NaN where there must be none.
    pub max_abs_error: f64,
    /// The first differences, without flushed subnormals.
    pub first: Vec<Difference<T>>,
    /// The adapter; none for the CPU path.
    #[cfg(feature = "wgpu")]
    pub adapter: Option<Box<wgpu::AdapterInfo>>,
}

/// Compares `gpu` with the CPU path over `inputs`, and what it counts with its own results, calling `progress` with the number of elements checked so far.
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
    let mut check = Check::new(Judge::forward(f), inputs);
    while let Some((x, _, y)) = check.next_piece() {
        gpu.apply(f, x, y).await?;
        let counts = gpu.saturation(f, x).await?;
        check.compare_counts(counts);
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
    let mut check = Check::new(Judge::forward(f), inputs);
    while let Some((x, _, y)) = check.next_piece() {
        gpu.apply_blocking(f, x, y)?;
        let counts = gpu.saturation_blocking(f, x)?;
        check.compare_counts(counts);
        progress(check.compare());
    }
    Ok(Report { adapter: Some(Box::new(gpu.device().adapter_info())), ..check.report })
}

/// As `validate`, for the CPU path over slices: against [`HardSigmoid::eval`], element by element.
pub fn validate_cpu<T: Element>(f: HardSigmoid, inputs: Inputs<'_, T>, mut progress: impl FnMut(u64)) -> Report<T> {
    let mut check = Check::new(Judge::forward(f), inputs);
    while let Some((x, _, y)) = check.next_piece() {
        // The lengths are equal.
        let _ = cpu::apply(f, x, y);
        let counts = cpu::saturation(f, x);
        check.compare_counts(counts);
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
    Some(Difference { index: index as u64, input, grad_y: None, got, expected: expected(input) })
}

/// A check under way.
struct Check<'a, T: Element> {
    judge: Judge<T>,
    inputs: Inputs<'a, T>,
    x: Vec<T>,
    /// For the backward pass.
    grad_y: Vec<T>,
    y: Vec<T>,
    report: Report<T>,
}

impl<'a, T: Element> Check<'a, T> {
    fn new(judge: Judge<T>, inputs: Inputs<'a, T>) -> Self {
        Self { judge, inputs, x: Vec::new(), grad_y: Vec::new(), y: Vec::new(), report: Report::default() }
    }

    /// The next inputs, their gradients, and where their results go; none when all are done.
    fn next_piece(&mut self) -> Option<(&[T], &[T], &mut [T])> {
        let done = self.report.checked;
        self.inputs.piece(done, &mut self.x);
        self.grad_y.clear();
        if self.judge.is_backward() {
            let all = (0..self.x.len() as u64).map(|i| inputs::gradient::<T>(done + i));
            self.grad_y.extend(all);
        }
        // A result that nobody writes must not pass for one.
        self.y.clear();
        self.y.resize(self.x.len(), T::nearest(-1.0));
        if self.x.is_empty() { None } else { Some((&self.x, &self.grad_y, &mut self.y)) }
    }

    /// Compares counts of the piece with its results.
    fn compare_counts(&mut self, counts: Saturation) {
        let results = self.y.chunks(CHUNK).map(|y| Saturation::from(cpu::tally(y.iter().copied())));
        self.report.miscounted += results.fold(Saturation::default(), Saturation::and).unlike(counts);
    }

    /// Compares the piece, and returns how many elements are checked by now.
    fn compare(&mut self) -> u64 {
        let (judge, grad_y, done) = (&self.judge, &self.grad_y[..], self.report.checked);
        let part = |(i, (x, y)): (usize, (&[T], &[T]))| {
            let first = i * CHUNK;
            judge.compare(x, grad_y.get(first..).unwrap_or_default(), y, done + first as u64)
        };
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
            out_of_bound: 0,
            miscounted: 0,
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
        self.out_of_bound += later.out_of_bound;
        self.miscounted += later.miscounted;
        self.nan_checked += later.nan_checked;
        self.max_ulp = self.max_ulp.max(later.max_ulp);
        self.max_abs_error = self.max_abs_error.max(later.max_abs_error);
        self.first.append(&mut later.first);
        self.first.truncate(FIRST);
        self
    }
}

#[cfg(test)]
mod tests;
