//! The CPU path: slices in, slices out, and the same bits as [`HardSigmoid::eval`] for each element.

use rayon::prelude::*;

use crate::{Element, HardSigmoid, LengthMismatch, threads};

/// From this many elements on, the work is shared among rayon's threads: below it, one thread is done before a second
/// one has woken up.
pub const PARALLEL_FROM: usize = 1 << 17;

/// Elements per unit of parallel work: 256 KiB of f32, about what stays in a core's own cache.
const CHUNK: usize = 1 << 16;

/// Writes the function of each element of `source` to the same place in `target`.
///
/// From [`PARALLEL_FROM`] elements on it runs in the current rayon thread pool, unless the system refuses to start one.
///
/// # Errors
///
/// [`LengthMismatch`] if the slices differ in length; `target` is then left as it was.
pub fn apply<T: Element>(f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), LengthMismatch> {
    if source.len() != target.len() {
        return Err(LengthMismatch { source_len: source.len(), target_len: target.len() });
    }
    if source.len() < PARALLEL_FROM || !threads::available() {
        map(f, source, target);
    } else {
        source.par_chunks(CHUNK).zip(target.par_chunks_mut(CHUNK)).for_each(|(x, y)| map(f, x, y));
    }
    Ok(())
}

/// Replaces each element of `data` by the function of it. Otherwise as [`apply`].
pub fn apply_in_place<T: Element>(f: HardSigmoid, data: &mut [T]) {
    if data.len() < PARALLEL_FROM || !threads::available() {
        map_in_place(f, data);
    } else {
        data.par_chunks_mut(CHUNK).for_each(|chunk| map_in_place(f, chunk));
    }
}

/// How many threads the CPU path uses from [`PARALLEL_FROM`] elements on.
#[must_use]
pub fn threads() -> usize {
    if threads::available() { rayon::current_num_threads() } else { 1 }
}

fn map<T: Element>(f: HardSigmoid, source: &[T], target: &mut [T]) {
    let line = f.line::<T>();
    for (y, &x) in target.iter_mut().zip(source) {
        *y = line.eval(x);
    }
}

fn map_in_place<T: Element>(f: HardSigmoid, data: &mut [T]) {
    let line = f.line::<T>();
    for x in data {
        *x = line.eval(*x);
    }
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
    fn refuses_unequal_lengths_and_writes_nothing() {
        let mut target = [9.0; 3];
        let error = apply(HardSigmoid::ONNX, &[0.0; 2], &mut target).unwrap_err();
        assert_eq!(error, LengthMismatch { source_len: 2, target_len: 3 });
        assert_eq!(target, [9.0; 3]);
    }
}
