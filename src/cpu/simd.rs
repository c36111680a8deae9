//! Loops over slices, compiled for the vector instructions of the processor: AVX-512 or AVX2, which come with F16C to
//! convert f16, and streaming stores. The only `unsafe` code of the crate.

#![allow(
    unsafe_code,
    reason = "measured in a core's cache: AVX2 is 2 times as fast (f16: 20 times), AVX-512 another 1.4 to 1.7 times; \
              streaming stores are 1.5 to 1.9 times as fast beyond the caches"
)]

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::Element;

/// Elements per block: whole cache lines for every element type.
const BLOCK: usize = 32;

/// Bytes in a cache line.
const CACHE_LINE: usize = 64;

/// How far ahead a source is prefetched. With streaming stores, the processor itself does not prefetch far enough.
/// Distances of 16 cache lines or more perform alike.
const PREFETCH_BYTES: usize = 32 * CACHE_LINE;

/// What is computed of an element, or of one from each of two sources. It owns what it uses: a reference to
/// coefficients might alias the target, and the loops would not become vector code.
pub(super) trait Pointwise<W>: Fn(W, W) -> W + Copy {}

impl<W, F: Fn(W, W) -> W + Copy> Pointwise<W> for F {}

/// Calls the instance of a loop for the best instructions that the processor supports, or else the plain loop.
macro_rules! best {
    ($name:ident, $plain:expr, ($($argument:ident),*)) => {{
        #[cfg(target_arch = "x86_64")]
        if x86::has_avx512() {
            // SAFETY: the processor supports what the instance is compiled for.
            return unsafe { avx512::$name($($argument),*) };
        } else if x86::has_avx2() {
            // SAFETY: as above.
            return unsafe { avx2::$name($($argument),*) };
        }
        $plain($($argument),*)
    }};
}

/// Runs `work`, compiled for vector instructions. This affects only code that is inlined into `work`.
#[inline]
pub(super) fn with_best_simd<R>(work: impl FnOnce() -> R) -> R {
    best!(run, run, (work))
}

/// Writes `f` of each pair of elements to the target. The slices have the same length; both sources may be one.
pub(super) fn map<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
    best!(map, plain, (first, second, target, f));
}

/// [`map`] with the target as the second source, or as both.
pub(super) fn map_in_place<T: Element>(first: Option<&[T]>, target: &mut [T], f: impl Pointwise<T::Wide>) {
    best!(map_in_place, plain_in_place, (first, target, f));
}

/// [`map`] with streaming stores, which bypass the caches.
pub(super) fn stream<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
    #[cfg(target_arch = "x86_64")]
    if x86::has_avx2() {
        // SAFETY: the processor supports AVX2 and F16C.
        return unsafe { x86::stream(first, second, target, f) };
    }
    plain(first, second, target, f);
}

fn run<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[inline(always)]
fn plain<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
    for ((y, &a), &b) in target.iter_mut().zip(first).zip(second) {
        *y = T::round(f(a.widen(), b.widen()));
    }
}

#[inline(always)]
fn plain_in_place<T: Element>(first: Option<&[T]>, target: &mut [T], f: impl Pointwise<T::Wide>) {
    match first {
        Some(first) => {
            for (y, &a) in target.iter_mut().zip(first) {
                *y = T::round(f(a.widen(), y.widen()));
            }
        }
        None => {
            for y in target {
                *y = T::round(f(y.widen(), y.widen()));
            }
        }
    }
}

/// The loops that a processor's widest vectors make faster: those on data in its caches.
#[cfg(target_arch = "x86_64")]
macro_rules! loops {
    ($name:ident, $features:literal, $converts:ident) => {
        mod $name {
            use super::x86::{map_block, widen, $converts};
            use super::{BLOCK, Element, Pointwise, plain, plain_in_place};

            #[target_feature(enable = $features)]
            pub(super) fn run<R>(work: impl FnOnce() -> R) -> R {
                work()
            }

            // Streaming calls it for each block.
            #[inline]
            #[target_feature(enable = $features)]
            pub(super) fn map<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
                if !$converts::<T>() {
                    return plain(first, second, target, f);
                }
                let mut targets = target.chunks_exact_mut(BLOCK);
                let (mut firsts, mut seconds) = (first.chunks_exact(BLOCK), second.chunks_exact(BLOCK));
                for ((target, first), second) in (&mut targets).zip(&mut firsts).zip(&mut seconds) {
                    map_block(widen(first), widen(second), target, f);
                }
                plain(firsts.remainder(), seconds.remainder(), targets.into_remainder(), f);
            }

            #[target_feature(enable = $features)]
            pub(super) fn map_in_place<T: Element>(first: Option<&[T]>, target: &mut [T], f: impl Pointwise<T::Wide>) {
                if !$converts::<T>() {
                    return plain_in_place(first, target, f);
                }
                let mut targets = target.chunks_exact_mut(BLOCK);
                let mut firsts = first.map(|first| first.chunks_exact(BLOCK));
                for target in &mut targets {
                    let second = widen(target);
                    let first = firsts.as_mut().and_then(Iterator::next).map_or(second, |first| widen(first));
                    map_block(first, second, target, f);
                }
                plain_in_place(firsts.map(|firsts| firsts.remainder()), targets.into_remainder(), f);
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
loops!(avx2, "avx2,f16c", is_16_bit);
#[cfg(target_arch = "x86_64")]
loops!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c", is_f16);

#[cfg(test)]
mod tests;
