//! The loops for AVX2 with F16C.

use std::arch::x86_64::*;

use super::stream::{self, streams};
use crate::cpu::simd::blocks::loops;
use crate::element::has_16_bits;
use crate::{Dtype, Element};

// The compiler does not turn conversions of 16-bit types into vector code in one loop with what is computed.
loops!("avx2,f16c", has_16_bits);
streams!("avx2,f16c");

/// Widens 16 elements. Of bf16, those in even places come first. NaNs of f16 become quiet.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn widen_some<T: Element>(halves: &[u16; 16], x: &mut [f32; 16]) {
    let ([a, b], [x, y]) = (halves.as_chunks().0, x.as_chunks_mut().0) else { return };
    let (a, b) = (load_halves(a), load_halves(b));
    match T::DTYPE {
        Dtype::F16 => {
            store(_mm256_cvtph_ps(a), x);
            store(_mm256_cvtph_ps(b), y);
        }
        Dtype::Bf16 => {
            let both = _mm256_set_m128i(b, a);
            store(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(both)), x);
            store(_mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32(!0xffff))), y);
        }
        Dtype::F32 | Dtype::F64 => {}
    }
}

/// Rounds 16 f32 in the order of [`widen_some`] to nearest, ties to even. A NaN keeps its sign and the upper bits of
/// its payload.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn round_some<T: Element>(x: &[f32; 16], halves: &mut [u16; 16]) {
    let ([x, y], [a, b]) = (x.as_chunks().0, halves.as_chunks_mut().0) else { return };
    let (x, y) = (load(x), load(y));
    let (low, high) = match T::DTYPE {
        Dtype::F16 => {
            const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT;
            (_mm256_cvtps_ph::<NEAREST>(x), _mm256_cvtps_ph::<NEAREST>(y))
        }
        Dtype::Bf16 => {
            let even = _mm256_srli_epi32::<16>(rounded(_mm256_castps_si256(x)));
            let both = _mm256_blend_epi16::<0b1010_1010>(even, rounded(_mm256_castps_si256(y)));
            (_mm256_castsi256_si128(both), _mm256_extracti128_si256::<1>(both))
        }
        Dtype::F32 | Dtype::F64 => return,
    };
    store_halves(low, a);
    store_halves(high, b);
}

/// The upper halves are bf16 afterwards, rounded as the element type does it.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn rounded(bits: __m256i) -> __m256i {
    let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
    _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)))
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
