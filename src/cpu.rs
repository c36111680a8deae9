//! The CPU path: slices in, slices out, and the same bits as [`HardSigmoid::eval`] and [`Backward::eval`] for
//! each element.
//!
//! From [`PARALLEL_FROM`] elements on, each call shares the work with the current rayon thread pool, unless the system refuses
//! to start one.

mod simd;

use crate::hard_sigmoid::Line;
use crate::saturation::Tally;
use crate::threads::{self, share};
use crate::{Backward, Element, HardSigmoid, LengthMismatch, Saturation, Side};
use simd::{stream, widest};

/// From this many elements on, the work is shared with rayon's threads: below it, the calling thread is done before another
/// one has woken up.
pub const PARALLEL_FROM: usize = 1 << 19;

/// Elements per unit of parallel work: 128 KiB of f32, so that source and target stay in a core's own cache.
const CHUNK: usize = 1 << 15;

/// From this many bytes of a target on, it is written past the caches: measured to be 1.5 to 1.9 times as fast from 64 MiB on,
/// and no slower at 16 MiB, which few caches hold together with the source.
const STREAM_FROM: usize = 16 << 20;

/// Writes the function of each element of `source` to the same place in `target`.
///
/// # Errors
///
/// [`LengthMismatch`] if the slices differ in length; `target` is then left as it was.
pub fn apply<T: Element>(f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), LengthMismatch> {
    same_length(Side::Source, source, target)?;
    let line = f.line::<T>();
    let streams = size_of_val(target) >= STREAM_FROM;
    each_chunk(source.len(), source.chunks(CHUNK).zip(target.chunks_mut(CHUNK)), |(source, target)| {
        if streams {
            stream(source, source, target, |x, _| line.eval(x));
        } else {
            widest(|| map(line, source, target));
        }
    });
    Ok(())
}

/// Replaces each element of `data` by the function of it. Otherwise as [`apply`].
pub fn apply_in_place<T: Element>(f: HardSigmoid, data: &mut [T]) {
    let line = f.line::<T>();
    each_chunk(data.len(), data.chunks_mut(CHUNK), |data| widest(|| map_in_place(line, data)));
}

/// [`apply`], and how many of the results are 0, 1, between, and NaN, from the same reading of `source`.
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
    Ok(sum_of_chunks(source.len(), source.chunks(CHUNK).zip(target.chunks_mut(CHUNK)), |(source, target)| {
        widest(|| {
            map(line, source, target);
            tally(target.iter().copied())
        })
    }))
}

/// How many of the results for `source` are 0, 1, between, and NaN, without writing them anywhere.
#[must_use]
pub fn saturation<T: Element>(f: HardSigmoid, source: &[T]) -> Saturation {
    let line = f.line::<T>();
    sum_of_chunks(source.len(), source.chunks(CHUNK), |source| widest(|| tally(source.iter().map(|&x| line.eval(x)))))
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
    let streams = size_of_val(grad_x) >= STREAM_FROM;
    let sources = saved.chunks(CHUNK).zip(grad_y.chunks(CHUNK));
    each_chunk(saved.len(), sources.zip(grad_x.chunks_mut(CHUNK)), |((saved, grad_y), grad_x)| {
        if streams {
            stream(saved, grad_y, grad_x, |saved, grad| mask.eval(saved, grad));
        } else {
            widest(|| {
                for ((result, &saved), &grad) in grad_x.iter_mut().zip(saved).zip(grad_y) {
                    *result = mask.eval(saved, grad);
                }
            });
        }
    });
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
    each_chunk(saved.len(), saved.chunks(CHUNK).zip(grad.chunks_mut(CHUNK)), |(saved, grad)| {
        widest(|| {
            for (grad, &saved) in grad.iter_mut().zip(saved) {
                *grad = mask.eval(saved, *grad);
            }
        });
    });
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
pub(crate) fn tally<T: Element>(results: impl Iterator<Item = T>) -> Tally {
    let mut tally = Tally::default();
    for y in results {
        tally.add(y);
    }
    tally
}

/// Does `work` for each of the chunks of `len` elements, in parallel where that pays.
fn each_chunk<C: Send>(len: usize, chunks: impl Iterator<Item = C>, work: impl Fn(C) + Sync) {
    if len < PARALLEL_FROM || !threads::available() {
        chunks.for_each(work);
    } else {
        share(chunks, work, |(), ()| ());
    }
}

/// As [`each_chunk`], and what all chunks count.
fn sum_of_chunks<C: Send>(len: usize, chunks: impl Iterator<Item = C>, work: impl Fn(C) -> Tally + Sync) -> Saturation {
    let work = |chunk| Saturation::from(work(chunk));
    if len < PARALLEL_FROM || !threads::available() {
        chunks.map(work).fold(Saturation::default(), Saturation::and)
    } else {
        share(chunks, work, Saturation::and)
    }
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
        [0, 1, 2, 7, 8, 9, CHUNK + 1, PARALLEL_FROM - 1, PARALLEL_FROM, PARALLEL_FROM + 1, 9 * CHUNK, 9 * CHUNK + 5];

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

    /// Large enough to go past the caches, at an odd alignment, with the neighbours of the target untouched.
    #[test]
    fn large_targets_equal_small_ones() {
        let len = STREAM_FROM / 4 + 7;
        let f = HardSigmoid::new(-0.3, 0.1).unwrap();
        let x: Vec<f32> = (0..len).map(|i| f32::from_bits((i as u32).wrapping_mul(0x9e37_79b1))).collect();
        let bits = |data: &[f32]| data.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
        let mut target = vec![9.0; len + 2];
        let mut expected = target.clone();
        apply(f, &x, &mut target[1..=len]).unwrap();
        expected[1..=len].iter_mut().zip(&x).for_each(|(y, &x)| *y = f.eval(x));
        assert!(bits(&target) == bits(&expected));
        let mask = f.backward().mask::<f32>();
        let grad_y: Vec<f32> = x.iter().rev().copied().collect();
        backward(f.backward(), &x, &grad_y, &mut target[1..=len]).unwrap();
        let sources = x.iter().zip(&grad_y);
        expected[1..=len].iter_mut().zip(sources).for_each(|(y, (&x, &grad))| *y = mask.eval(x, grad));
        assert!(bits(&target) == bits(&expected));
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
