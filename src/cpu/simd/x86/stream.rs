//! Streaming stores, which bypass the caches.

use std::arch::x86_64::*;

use crate::Element;
use crate::cpu::simd::blocks::{BLOCK, CACHE_LINE};

/// How far ahead a single source is prefetched. With streaming stores, the processor itself does not prefetch far
/// enough. It does with two sources, where this took 1.2 to 1.5 times as long in f32 and f64 on an AMD EPYC.
/// Distances of 16 cache lines or more perform alike.
const PREFETCH_BYTES: usize = 32 * CACHE_LINE;

/// The streaming loop for a set of vector instructions, beside a `map` for them.
macro_rules! streams {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        pub(in crate::cpu::simd) fn stream<T: Element>(
            first: &[T],
            second: &[T],
            target: &mut [T],
            f: impl Pointwise<T::Wide>,
        ) {
            let (first, second, target) = head(first, second, target, f);
            let fence = stream::Fence;
            let mut targets = target.chunks_exact_mut(BLOCK);
            let (mut firsts, mut seconds) = (first.chunks_exact(BLOCK), second.chunks_exact(BLOCK));
            let is_one = std::ptr::eq(first, second);
            for ((target, first), second) in (&mut targets).zip(&mut firsts).zip(&mut seconds) {
                if is_one {
                    stream::fetch(first);
                }
                let mut block = [T::zeroed(); BLOCK];
                map_blocks(first, second, &mut block, f);
                stream::put(&block, target);
            }
            drop(fence);
            plain(firsts.remainder(), seconds.remainder(), targets.into_remainder(), f);
        }
    };
}
pub(super) use streams;

/// Orders streaming stores before later accesses to the target when it is dropped, even if `f` panics.
pub(super) struct Fence;

impl Drop for Fence {
    fn drop(&mut self) {
        #[allow(unused_unsafe, reason = "safe since a later version than the oldest supported")]
        // SAFETY: every x86-64 processor has SSE.
        unsafe {
            _mm_sfence();
        };
    }
}

/// Prefetches the data that lies `PREFETCH_BYTES` after a block.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn fetch<T>(block: &[T]) {
    for line in 0..size_of_val(block).div_ceil(CACHE_LINE) {
        let address = block.as_ptr().cast::<i8>().wrapping_add(PREFETCH_BYTES + line * CACHE_LINE);
        // SAFETY: a prefetch of any address is allowed.
        #[allow(unused_unsafe, reason = "safe since a later version than the oldest supported")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(address);
        };
    }
}

/// Copies a block to a target that begins at a cache line.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn put<T: Element>(block: &[T; BLOCK], target: &mut [T]) {
    if cfg!(plain_stores) {
        return target.copy_from_slice(block);
    }
    let bytes = size_of_val(block).min(size_of_val(target));
    let (from, to) = (block.as_ptr().cast::<__m256i>(), target.as_mut_ptr().cast::<__m256i>());
    debug_assert!(to.is_aligned());
    for i in 0..bytes / size_of::<__m256i>() {
        // SAFETY: both slices contain the i-th 32 bytes. The target is aligned to 32 bytes, because the caller
        // aligns it to a cache line. Any bits are valid for T. The caller issues a fence.
        unsafe { _mm256_stream_si256(to.add(i), _mm256_loadu_si256(from.add(i))) };
    }
}
