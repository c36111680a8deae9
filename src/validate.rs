//! Checking results by another path: a GPU's against the CPU path, bit for bit, and both against an f64 evaluation of
//! the exact function.
//!
//! [`validate`](self::validate()) runs a GPU over given data or over a range of bit patterns, all 2³² f32 if you
//! like, and reports what it found. On a device of yours it is a self-test:
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
//!
//! [`judge_fn`] and [`judge`](self::judge()) say of any other implementation what is wrong with it.

mod causes;
mod inputs;
mod judge;
mod judgement;
mod oracle;
mod pass;
mod reference;
mod report;

pub use inputs::{Inputs, judge_inputs, samples};
pub use judge::{judge, judge_fn};
pub use judgement::{Cause, Finding, Judgement, Kind, Tolerance};
pub use pass::Pass;
pub use report::{Difference, Report};

#[cfg(feature = "wgpu")]
use crate::gpu::wait::CallMode;
use crate::job::Job;
use crate::{Element, HardSigmoid, Saturation, cpu};
use inputs::{CHUNK, weight};
use oracle::Oracle;
use reference::Reference;

/// Compares `gpu` with the CPU path over `inputs`. Calls `progress` with the number of elements checked so far.
///
/// Memory does not depend on how many inputs there are. See [`Gpu`](crate::Gpu) for who polls the device. Between two
/// pieces of 4 million elements the thread that polls the future compares results, which takes some 10 to 100 ms.
///
/// # Errors
///
/// As [`Gpu::apply`](crate::Gpu::apply). A difference is not an error: it is in the report.
#[cfg(feature = "wgpu")]
pub async fn validate<T: Element>(
    gpu: &crate::Gpu,
    pass: impl Into<Pass>,
    inputs: Inputs<'_, T>,
    progress: impl FnMut(u64),
) -> Result<Report<T>, crate::Error> {
    validate_on(gpu, pass.into(), inputs, progress, CallMode::Async).await
}

/// [`validate`](self::validate()), blocking.
///
/// # Errors
///
/// As `validate`.
#[cfg(all(feature = "wgpu", not(target_arch = "wasm32")))]
pub fn validate_blocking<T: Element>(
    gpu: &crate::Gpu,
    pass: impl Into<Pass>,
    inputs: Inputs<'_, T>,
    progress: impl FnMut(u64),
) -> Result<Report<T>, crate::Error> {
    pollster::block_on(validate_on(gpu, pass.into(), inputs, progress, CallMode::Blocking))
}

#[cfg(feature = "wgpu")]
async fn validate_on<T: Element>(
    gpu: &crate::Gpu,
    pass: Pass,
    inputs: Inputs<'_, T>,
    mut progress: impl FnMut(u64),
    mode: CallMode,
) -> Result<Report<T>, crate::Error> {
    let mut check = Check::new(pass, inputs);
    while check.next_piece() {
        let mut counts = Saturation::default();
        for mut job in check.jobs() {
            counts += gpu.execute(&mut job, mode).await?;
        }
        progress(check.compare(counts));
    }
    Ok(Report { adapter: Some(Box::new(gpu.device().adapter_info())), ..check.report })
}

/// As [`validate`](self::validate()), for the CPU path over slices: compares it with [`HardSigmoid::eval`] or
/// [`Backward::eval`](crate::Backward::eval) of each element.
pub fn validate_cpu<T: Element>(
    pass: impl Into<Pass>,
    inputs: Inputs<'_, T>,
    mut progress: impl FnMut(u64),
) -> Report<T> {
    let mut check = Check::new(pass.into(), inputs);
    while check.next_piece() {
        let counts = check.jobs().map(cpu::run).sum();
        progress(check.compare(counts));
    }
    check.report
}

/// The first element of `target` whose bits are not those that [`HardSigmoid::eval`] gives for `source`.
///
/// Compares as many elements as the shorter slice has.
#[must_use]
pub fn first_mismatch<T: Element>(f: HardSigmoid, source: &[T], target: &[T]) -> Option<Difference<T>> {
    let coefficients = f.coefficients::<T>();
    let agrees = |x: T, y: T| coefficients.eval(x).bits() == y.bits();
    first_difference(source, target, |x| coefficients.eval(x), agrees)
}

/// The first element of `target` that is further from the exact function of `source` than [`HardSigmoid`] allows, or
/// that does not keep a NaN.
///
/// Compares as many elements as the shorter slice has.
#[must_use]
pub fn first_out_of_bound<T: Element>(f: HardSigmoid, source: &[T], target: &[T]) -> Option<Difference<T>> {
    let reference = Reference::new(f);
    first_difference(source, target, |x| T::from_f64(reference.exact(x)), |x, y| reference.allows(x, y))
}

fn first_difference<T: Element>(
    source: &[T],
    target: &[T],
    expected: impl Fn(T) -> T,
    agrees: impl Fn(T, T) -> bool + Sync,
) -> Option<Difference<T>> {
    let chunks = (0..).step_by(CHUNK).zip(source.chunks(CHUNK).zip(target.chunks(CHUNK)));
    let find = |(start, (x, y)): (usize, (&[T], &[T]))| {
        x.iter().zip(y).position(|(&x, &y)| !agrees(x, y)).map(|index| start + index)
    };
    let min = |a: Option<usize>, b: Option<usize>| a.into_iter().chain(b).min();
    let index = cpu::parallel::fold(weight(source), chunks, find, min)?;
    let (&input, &got) = (source.get(index)?, target.get(index)?);
    Some(Difference { index: index as u64, input, grad_y: None, got, expected: expected(input) })
}

/// A check in progress.
struct Check<'a, T: Element> {
    pass: Pass,
    oracle: Oracle<T>,
    inputs: Inputs<'a, T>,
    x: Vec<T>,
    /// For the backward pass.
    grad_y: Vec<T>,
    y: Vec<T>,
    report: Report<T>,
}

impl<'a, T: Element> Check<'a, T> {
    fn new(pass: Pass, inputs: Inputs<'a, T>) -> Self {
        let (x, grad_y, y) = (Vec::new(), Vec::new(), Vec::new());
        Self { pass, oracle: Oracle::new(pass), inputs, x, grad_y, y, report: Report::default() }
    }

    /// Prepares the next piece of the inputs; false when all are done.
    fn next_piece(&mut self) -> bool {
        let done = self.report.checked;
        self.inputs.piece(done, &mut self.x);
        self.grad_y.clear();
        if self.pass.has_gradient() {
            self.grad_y.extend((0..self.x.len() as u64).map(|i| inputs::gradient::<T>(done + i)));
        }
        // A result that nobody writes must not pass for one.
        self.y.clear();
        self.y.resize(self.x.len(), T::from_f64(-1.0));
        !self.x.is_empty()
    }

    fn jobs(&mut self) -> impl Iterator<Item = Job<'_, T>> {
        self.pass.jobs(&self.x, &self.grad_y, &mut self.y)
    }

    /// Compares the results of the piece, and what was counted. Returns how many elements are checked by now.
    fn compare(&mut self, counts: Saturation) -> u64 {
        let (oracle, grad_y) = (&self.oracle, &self.grad_y[..]);
        let chunks = (0..).step_by(CHUNK).zip(self.x.chunks(CHUNK).zip(self.y.chunks(CHUNK)));
        let compare = |(start, (x, y)): (usize, (&[T], &[T]))| {
            oracle.compare(x, grad_y.get(start..).unwrap_or_default(), y, start as u64)
        };
        let piece = cpu::parallel::fold(weight(&self.x), chunks, compare, Report::add);
        if self.pass.counts() {
            self.compare_counts(counts);
        }
        self.report = std::mem::take(&mut self.report).merge(piece);
        self.report.checked
    }

    fn compare_counts(&mut self, counts: Saturation) {
        let results = self.y.chunks(CHUNK).map(|y| Saturation::from(cpu::tally(y.iter().copied())));
        self.report.miscounted += results.sum::<Saturation>().distance(counts);
    }
}

#[cfg(test)]
mod tests;
