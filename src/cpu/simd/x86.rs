//! The loops for x86-64: AVX-512 and AVX2, conversion of 16-bit types by vector instructions, and streaming stores.

use std::arch::x86_64::*;

use super::blocks::{BLOCK, loops};
use super::plain::{Pointwise, plain};
use crate::element::has_16_bits;
use crate::{Dtype, Element};

/// Bytes in a cache line.
const CACHE_LINE: usize = 64;

/// How far ahead a source is prefetched. With streaming stores, the processor itself does not prefetch far enough.
/// Distances of 16 cache lines or more perform alike.
const PREFETCH_BYTES: usize = 32 * CACHE_LINE;

loops!(avx2, crate::cpu::simd::x86, "avx2,f16c", has_16_bits);
loops!(avx512, crate::cpu::simd::x86, "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c", is_f16);

/// Every processor with AVX2 has F16C, too.
#[inline]
pub(super) fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("f16c")
}

#[inline]
pub(super) fn has_avx512() -> bool {
    has_avx2()
        && std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512dq")
        && std::is_x86_feature_detected!("avx512vl")
}

/// F16C converts f16. Integers take several times as long.
#[inline]
const fn is_f16<T: Element>() -> bool {
    matches!(T::DTYPE, Dtype::F16)
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn widen<T: Element>(halves: &[u16; 8], x: &mut [f32; 8]) {
    match T::DTYPE {
        Dtype::F16 => widen_f16(halves, x),
        Dtype::Bf16 => widen_bf16(halves, x),
        Dtype::F32 | Dtype::F64 => {}
    }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn round<T: Element>(x: &[f32; 8], halves: &mut [u16; 8]) {
    match T::DTYPE {
        Dtype::F16 => round_f16(x, halves),
        Dtype::Bf16 => round_bf16(x, halves),
        Dtype::F32 | Dtype::F64 => {}
    }
}

/// Widens eight f16, and makes NaNs quiet.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn widen_f16(halves: &[u16; 8], x: &mut [f32; 8]) {
    store(_mm256_cvtph_ps(load_halves(halves)), x);
}

/// Rounds eight f32 to nearest, ties to even. A NaN keeps its sign and the upper bits of its payload.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn round_f16(x: &[f32; 8], halves: &mut [u16; 8]) {
    store_halves(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(load(x)), halves);
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn widen_bf16(halves: &[u16; 8], x: &mut [f32; 8]) {
    let bits = _mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(load_halves(halves)));
    store(_mm256_castsi256_ps(bits), x);
}

/// As the rounding of an element.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn round_bf16(x: &[f32; 8], halves: &mut [u16; 8]) {
    let bits = _mm256_castps_si256(load(x));
    let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
    let sum = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    let high = _mm256_srli_epi32::<16>(sum);
    let packed = _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256::<1>(high));
    store_halves(packed, halves);
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn load(x: &[f32; 8]) -> __m256 {
    // SAFETY: these are 32 bytes.
    unsafe { _mm256_loadu_ps(x.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn store(y: __m256, x: &mut [f32; 8]) {
    // SAFETY: these are 32 bytes.
    unsafe { _mm256_storeu_ps(x.as_mut_ptr(), y) }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn load_halves(halves: &[u16; 8]) -> __m128i {
    // SAFETY: these are 16 bytes.
    unsafe { _mm_loadu_si128(halves.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
fn store_halves(y: __m128i, halves: &mut [u16; 8]) {
    // SAFETY: these are 16 bytes.
    unsafe { _mm_storeu_si128(halves.as_mut_ptr().cast(), y) }
}

#[target_feature(enable = "avx2,f16c")]
pub(super) fn stream<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
    let head = target.as_ptr().align_offset(CACHE_LINE).min(target.len()).min(first.len()).min(second.len());
    let (target_head, target) = target.split_at_mut(head);
    let ((first_head, first), (second_head, second)) = (first.split_at(head), second.split_at(head));
    plain(first_head, second_head, target_head, f);

    // Orders the streaming stores before later accesses to the target, even if `f` panics.
    struct Fence;
    impl Drop for Fence {
        fn drop(&mut self) {
            #[allow(unused_unsafe, reason = "safe since a later version than the oldest supported")]
            // SAFETY: every x86-64 processor has SSE.
            unsafe {
                _mm_sfence();
            };
        }
    }
    let fence = Fence;
    let mut targets = target.chunks_exact_mut(BLOCK);
    let (mut firsts, mut seconds) = (first.chunks_exact(BLOCK), second.chunks_exact(BLOCK));
    let is_one = std::ptr::eq(first, second);
    for ((target, first), second) in (&mut targets).zip(&mut firsts).zip(&mut seconds) {
        fetch(first);
        if !is_one {
            fetch(second);
        }
        let mut block = [T::zeroed(); BLOCK];
        avx2::map(first, second, &mut block, f);
        put(&block, target);
    }
    drop(fence);
    plain(firsts.remainder(), seconds.remainder(), targets.into_remainder(), f);
}

/// Prefetches the data that lies `PREFETCH_BYTES` after a block.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn fetch<T>(block: &[T]) {
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
fn put<T: Element>(block: &[T; BLOCK], target: &mut [T]) {
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
