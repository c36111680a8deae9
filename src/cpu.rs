//! The CPU path: slices in, slices out, and the same bits as [`HardSigmoid::eval`] and [`Backward::eval`] for
//! each element.
//!
//! From [`PARALLEL_FROM`] elements on, each call runs in the current rayon thread pool, unless the system refuses to start
//! one.

mod simd;

use rayon::prelude::*;

use crate::hard_sigmoid::Line;
use crate::saturation::Tally;
use crate::{Backward, Element, HardSigmoid, LengthMismatch, Saturation, Side, threads};
use simd::widest;

/// From this many elements on, the work is shared among rayon's threads: below it, one thread is done before a second
/// one has woken up.
pub const PARALLEL_FROM: usize = 1 << 17;

/// Elements per unit of parallel work: 256 KiB of f32, about what stays in a core's own cache.
const CHUNK: usize = 1 << 16;

/// Writes the function of each element of `source` to the same place in `target`.
///
/// # Errors
///
/// [`LengthMismatch`] if the slices differ in length; `target` is then left as it was.
pub fn apply<T: Element>(f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), LengthMismatch> {
    same_length(Side::Source, source, target)?;
    let line = f.line::<T>();
    let work = |(source, target): (&[T], &mut [T])| widest(|| map(line, source, target));
    if is_serial(source) {
        work((source, target));
    } else {
        source.par_chunks(CHUNK).zip(target.par_chunks_mut(CHUNK)).for_each(work);
    }
    Ok(())
}

/// Replaces each element of `data` by the function of it. Otherwise as [`apply`].
pub fn apply_in_place<T: Element>(f: HardSigmoid, data: &mut [T]) {
    let line = f.line::<T>();
    let work = |data: &mut [T]| widest(|| map_in_place(line, data));
    if is_serial(data) {
        work(data);
    } else {
        data.par_chunks_mut(CHUNK).for_each(work);
    }
}

/// [`apply`], and how many of the results are 0 and 1, from the same reading of `source`.
///
/// # Errors
///
/// As `apply`.
pub fn apply_with_saturation<T: Element>(
    f: HardSigmoid,
    source: &[T],
    target: &mut [T],
) -> Result<Saturation, LengthMismatch> {
    same_length(Side::Source, source, target)?;
    let line = f.line::<T>();
    // Counters of 32 bits do for a chunk.
    let work = |(source, target): (&[T], &mut [T])| {
        widest(|| {
            map(line, source, target);
            Saturation::from(tally(target.iter().copied()))
        })
    };
    Ok(if is_serial(source) {
        source.chunks(CHUNK).zip(target.chunks_mut(CHUNK)).map(work).fold(Saturation::default(), Saturation::and)
    } else {
        let chunks = source.par_chunks(CHUNK).zip(target.par_chunks_mut(CHUNK));
        chunks.map(work).reduce(Saturation::default, Saturation::and)
    })
}

/// How many of the results for `source` are 0 and 1, without writing them anywhere.
#[must_use]
pub fn saturation<T: Element>(f: HardSigmoid, source: &[T]) -> Saturation {
    let line = f.line::<T>();
    let work = |source: &[T]| widest(|| Saturation::from(tally(source.iter().map(|&x| line.eval(x)))));
    if is_serial(source) {
        source.chunks(CHUNK).map(work).fold(Saturation::default(), Saturation::and)
    } else {
        source.par_chunks(CHUNK).map(work).reduce(Saturation::default, Saturation::and)
    }
}

/// Writes the gradient with respect to x of each element, from what was saved of it (x or y, as `backward` says) and its
/// gradient with respect to y, to the same place in `grad_x`.
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
    same_length(Side::Source, saved, grad_x)?;
    same_length(Side::Gradient, grad_y, grad_x)?;
    let mask = backward.mask::<T>();
    let work = |((saved, grad_y), grad_x): ((&[T], &[T]), &mut [T])| {
        widest(|| {
            for ((result, &saved), &grad) in grad_x.iter_mut().zip(saved).zip(grad_y) {
                *result = mask.eval(saved, grad);
            }
        });
    };
    if is_serial(saved) {
        work(((saved, grad_y), grad_x));
    } else {
        let sources = saved.par_chunks(CHUNK).zip(grad_y.par_chunks(CHUNK));
        sources.zip(grad_x.par_chunks_mut(CHUNK)).for_each(work);
    }
    Ok(())
}

/// [`backward`], in place: replaces the gradient with respect to y in `grad` by that with respect to x.
///
/// # Errors
///
/// As `backward`.
pub fn backward_in_place<T: Element>(backward: Backward, saved: &[T], grad: &mut [T]) -> Result<(), LengthMismatch> {
    same_length(Side::Source, saved, grad)?;
    let mask = backward.mask::<T>();
    let work = |(saved, grad): (&[T], &mut [T])| {
        widest(|| {
            for (grad, &saved) in grad.iter_mut().zip(saved) {
                *grad = mask.eval(saved, *grad);
            }
        });
    };
    if is_serial(saved) {
        work((saved, grad));
    } else {
        saved.par_chunks(CHUNK).zip(grad.par_chunks_mut(CHUNK)).for_each(work);
    }
    Ok(())
}

/// How many threads the CPU path uses from [`PARALLEL_FROM`] elements on.
#[must_use]
pub fn threads() -> usize {
    if threads::available() { rayon::current_num_threads() } else { 1 }
}

// What follows is compiled for each vector width, which takes inlining.

#[inline(always)]
fn map<T: Element>(line: Line<T>, source: &[T], target: &mut [T]) {
    for (y, &x) in target.iter_mut().zip(source) {
        *y = line.eval(x);
    }
}

#[inline(always)]
fn map_in_place<T: Element>(line: Line<T>, data: &mut [T]) {
    for x in data {
        *x = line.eval(*x);
    }
}

#[inline(always)]
fn tally<T: Element>(results: impl Iterator<Item = T>) -> Tally {
    let mut tally = Tally::default();
    for y in results {
        tally.add(y);
    }
    tally
}

fn is_serial<T>(source: &[T]) -> bool {
    source.len() < PARALLEL_FROM || !threads::available()
}

pub(crate) fn same_length<T>(side: Side, source: &[T], target: &[T]) -> Result<(), LengthMismatch> {
    let (source_len, target_len) = (source.len(), target.len());
    if source_len == target_len { Ok(()) } else { Err(LengthMismatch { side, source_len, target_len }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths around every boundary of the path.
    const LENGTHS: [usize; 12] =
        [0, 1, 2, 7, 8, 9, 65_537, PARALLEL_FROM - 1, PARALLEL_FROM, PARALLEL_FROM + 1, 3 * CHUNK, 3 * CHUNK + 5];

    #[test]
    fn slices_equal_eval_element_by_element() {
        for f in [HardSigmoid::ONNX, HardSigmoid::new(-0.3, 0.1).unwrap(), HardSigmoid::new(0.0, 0.4).unwrap()] {
            for len in LENGTHS {
                // A stride through all bit patterns, NaN and subnormals included.
                let source: Vec<f32> = (0..len).map(|i| f32::from_bits((i as u32).wrapping_mul(0x9e37_79b1))).collect();
                let expected: Vec<u32> = source.iter().map(|&x| f.eval(x).to_bits()).collect();
                let mut target = vec![-1.0; len];
                apply(f, &source, &mut target).unwrap();
                assert_eq!(target.iter().map(|y| y.to_bits()).collect::<Vec<_>>(), expected, "{len}");
                let mut data = source;
                apply_in_place(f, &mut data);
                assert_eq!(data.iter().map(|y| y.to_bits()).collect::<Vec<_>>(), expected, "{len} in place");
            }
        }
    }

    #[test]
    fn counts_and_gradients_equal_those_element_by_element() {
        let f = HardSigmoid::new(0.3, 0.6).unwrap();
        for len in LENGTHS {
            let x: Vec<f32> = (0..len).map(|i| f32::from_bits((i as u32).wrapping_mul(0x9e37_79b1))).collect();
            let grad: Vec<f32> = (0..len).map(|i| f32::from_bits((i as u32).wrapping_mul(0x85eb_ca6b))).collect();
            let y: Vec<f32> = x.iter().map(|&x| f.eval(x)).collect();
            let count = |is: fn(&f32) -> bool| y.iter().filter(|y| is(y)).count() as u64;
            let (zero, one, nan) = (count(|&y| y == 0.0), count(|&y| y == 1.0), count(|y| y.is_nan()));
            let expected = Saturation { zero, one, inside: len as u64 - zero - one - nan, nan };
            assert_eq!(saturation(f, &x), expected, "{len}");
            assert_eq!(expected.total(), len as u64);
            let mut target = vec![-1.0; len];
            assert_eq!(apply_with_saturation(f, &x, &mut target).unwrap(), expected, "{len}");
            let bits = |data: &[f32]| data.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&target), bits(&y), "{len}");

            let expected: Vec<f32> = x.iter().zip(&grad).map(|(&x, &g)| f.backward().eval(x, g)).collect();
            backward(f.backward(), &x, &grad, &mut target).unwrap();
            assert_eq!(bits(&target), bits(&expected), "{len}");
            target.copy_from_slice(&grad);
            backward_in_place(f.backward(), &x, &mut target).unwrap();
            assert_eq!(bits(&target), bits(&expected), "{len} in place");
        }
    }

    #[test]
    fn refuses_unequal_lengths_and_writes_nothing() {
        let mut target = [9.0; 3];
        let error = apply(HardSigmoid::ONNX, &[0.0; 2], &mut target).unwrap_err();
        assert_eq!(error, LengthMismatch { side: Side::Source, source_len: 2, target_len: 3 });
        apply_with_saturation(HardSigmoid::ONNX, &[0.0; 2], &mut target).unwrap_err();
        let b = HardSigmoid::ONNX.backward();
        let error = backward(b, &[0.0; 3], &[0.0; 2], &mut target).unwrap_err();
        assert_eq!(error, LengthMismatch { side: Side::Gradient, source_len: 2, target_len: 3 });
        backward(b, &[0.0; 2], &[0.0; 2], &mut target).unwrap_err();
        backward_in_place(b, &[0.0; 2], &mut target).unwrap_err();
        assert_eq!(target, [9.0; 3]);
    }
}
