//! The CPU path: slices in, slices out, with the same bits as [`HardSigmoid::eval`] and [`Backward::eval`] give for
//! each element.
//!
//! Calls that read and write at least [`PARALLEL_MIN_BYTES`] may share the work with other threads: those of the rayon
//! pool that the caller is in, or else the crate's own, unless the system refuses to start them. [`serial`] keeps them
//! to the calling thread.

mod cache;
pub(crate) mod parallel;
mod simd;
mod thresholds;

pub use crate::error::LengthMismatch;
#[cfg(not(target_arch = "wasm32"))]
pub use parallel::default_threads;
pub use parallel::{PARALLEL_MIN_BYTES, serial, threads};

use crate::job::{Job, Work};
use crate::saturation::Tally;
use crate::{Backward, Element, HardSigmoid, Saturation};
use simd::{Pointwise, Stores, with_best_simd};
use thresholds::{Thresholds, compare_min_elements};

/// Elements per unit of parallel work: 128 KiB of f32, so that source and target stay in a core's own cache.
const CHUNK: usize = 1 << 15;

// Counters of 16-bit elements have 16 bits.
const _: () = assert!(CHUNK < 1 << 16);

/// Writes the function of each element of `source` to the same place in `target`.
///
/// # Errors
///
/// [`LengthMismatch`] if the slices differ in length; `target` is then left as it was.
pub fn apply<T: Element>(f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), LengthMismatch> {
    run(Job::apply(f, source, target)?);
    Ok(())
}

/// Replaces each element of `data` by the function of it.
pub fn apply_in_place<T: Element>(f: HardSigmoid, data: &mut [T]) {
    run(Job::apply_in_place(f, data));
}

/// [`apply`], which also counts how many of the results are 0, 1, between them, and NaN. It reads `source` once.
///
/// # Errors
///
/// As `apply`.
pub fn apply_with_saturation<T: Element>(
    f: HardSigmoid,
    source: &[T],
    target: &mut [T],
) -> Result<Saturation, LengthMismatch> {
    Ok(run(Job::apply_with_saturation(f, source, target)?))
}

/// Counts how many of the results for `source` are 0, 1, between them, and NaN, without writing them anywhere.
#[must_use]
pub fn saturation<T: Element>(f: HardSigmoid, source: &[T]) -> Saturation {
    run(Job::saturation(f, source))
}

/// Writes the gradient with respect to x of each element to `grad_x`, from its gradient with respect to y in `grad_y`
/// and from `saved`, which holds x or y, as `backward` says.
///
/// # Errors
///
/// [`LengthMismatch`] if the slices differ in length; `grad_x` is then left as it was.
pub fn backward<T: Element>(
    backward: Backward,
    saved: &[T],
    grad_y: &[T],
    grad_x: &mut [T],
) -> Result<(), LengthMismatch> {
    run(Job::backward(backward, saved, grad_y, grad_x)?);
    Ok(())
}

/// [`backward`], in place: the gradient with respect to x replaces the one with respect to y in `grad`.
///
/// # Errors
///
/// As `backward`.
pub fn backward_in_place<T: Element>(backward: Backward, saved: &[T], grad: &mut [T]) -> Result<(), LengthMismatch> {
    run(Job::backward_in_place(backward, saved, grad)?);
    Ok(())
}

/// Runs a job, or a part of one. The counts are zeros if it does not count.
pub fn run<T: Element>(job: Job<'_, T>) -> Saturation {
    let stream = cache::overflows(job.call_bytes);
    match job.work {
        Work::Apply(f) => {
            let coefficients = f.coefficients::<T>();
            let stores = Stores { stream, normal: !coefficients.may_be_subnormal() };
            each_chunk(job, |job| map(job, stores, move |x: T::Wide, _| coefficients.eval(x)))
        }
        Work::Count(f) => {
            let coefficients = f.coefficients::<T>();
            let thresholds = (job.len() >= compare_min_elements::<T>()).then(|| Thresholds::<T>::new(f));
            each_chunk(job, |job| {
                let source = job.input.unwrap_or(job.target);
                with_best_simd(move || match thresholds {
                    Some(thresholds) => thresholds.count(source),
                    None => tally(source.iter().map(move |&x| coefficients.eval(x))).into(),
                })
            })
        }
        Work::ApplyAndCount(f) => {
            let (coefficients, thresholds) = (f.coefficients::<T>(), Thresholds::<T>::of_results());
            let stores = Stores { stream: false, normal: !coefficients.may_be_subnormal() };
            each_chunk(job, |mut job| {
                map(job.part(0..usize::MAX), stores, move |x: T::Wide, _| coefficients.eval(x));
                with_best_simd(move || thresholds.count(job.target))
            })
        }
        Work::Backward(backward) => {
            let coefficients = backward.coefficients::<T>();
            let stores = Stores { stream, normal: false };
            each_chunk(job, |job| map(job, stores, move |saved: T::Wide, grad| coefficients.eval(saved, grad)))
        }
    }
}

/// Does `work` for each chunk of a job, in parallel where that pays, and adds up what it counts.
fn each_chunk<T: Element>(job: Job<'_, T>, work: impl Fn(Job<'_, T>) -> Saturation + Sync) -> Saturation {
    parallel::fold(job.bytes(), job.chunks(CHUNK), work, |a, b| a + b)
}

/// Maps the input of a job and, if the job has one, what was saved. The 16-bit types are evaluated as f32 and then
/// rounded. That serves for NaNs, too: evaluation makes them quiet, and rounding keeps them.
fn map<T: Element>(job: Job<'_, T>, stores: Stores, f: impl Pointwise<T::Wide>) -> Saturation {
    let saved = job.work.has_saved().then_some(job.saved);
    match job.input {
        Some(input) => simd::map(saved.unwrap_or(input), input, job.target, stores, f),
        None => simd::map_in_place(saved, job.target, stores, f),
    }
    Saturation::default()
}

#[inline(always)]
pub(crate) fn tally<T: Element>(results: impl Iterator<Item = T>) -> Tally {
    let mut tally = Tally::default();
    for y in results {
        tally.add(y);
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is finished is not computed again: 0 would become 0.5 there.
    #[test]
    fn a_part_of_a_job_leaves_the_rest_alone() {
        let f = HardSigmoid::ONNX;
        let mut data = [0.0, 0.0, 0.0, 9.0];
        run(Job::apply_in_place(f, &mut data).part(2..usize::MAX));
        assert_eq!(data, [0.0, 0.0, 0.5, 1.0]);
        let mut target = [7.0; 4];
        run(Job::apply(f, &[0.0; 4], &mut target).unwrap().part(2..usize::MAX));
        assert_eq!(target, [7.0, 7.0, 0.5, 0.5]);
        run(Job::backward(f.backward(), &[0.0; 4], &[10.0; 4], &mut target).unwrap().part(3..usize::MAX));
        assert_eq!(target, [7.0, 7.0, 0.5, 2.0]);
        run(Job::backward_in_place(f.backward(), &[9.0; 4], &mut target).unwrap().part(1..3));
        assert_eq!(target, [7.0, 0.0, 0.0, 2.0]);
        assert_eq!(run(Job::saturation(f, &[9.0, 0.0, 0.0]).part(1..usize::MAX)).inside, 2);
        assert_eq!(run(Job::saturation(f, &[9.0]).part(5..usize::MAX)), Saturation::default());
        let parts = Job::apply(f, &[0.0; 4], &mut target).unwrap().chunks(3);
        assert_eq!(
            parts.map(|mut part| (part.call_bytes, part.part(0..1).call_bytes)).collect::<Vec<_>>(),
            [(64, 64); 2]
        );
        let error = Job::apply(f, &[0.0; 3], &mut target).unwrap_err();
        assert_eq!((error.source_len, error.target_len), (3, 4));
    }
}
