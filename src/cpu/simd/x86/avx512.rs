//! The loops for AVX-512.

use std::arch::x86_64::*;

use super::stream::{self, streams};
use crate::cpu::simd::blocks::loops;
use crate::element::has_16_bits;
use crate::{Dtype, Element};

loops!("avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c", has_16_bits);
streams!("avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c");

/// Widens 32 elements. Of bf16, those in even places come first. NaNs of f16 become quiet.
#[inline]
#[target_feature(enable = "avx512f")]
fn widen_some<T: Element>(halves: &[u16; 32], x: &mut [f32; 32]) {
    // SAFETY: these are 64 bytes.
    let both = unsafe { _mm512_loadu_si512(halves.as_ptr().cast()) };
    let (low, high) = match T::DTYPE {
        Dtype::F16 => {
            let (low, high) = (_mm512_castsi512_si256(both), _mm512_extracti64x4_epi64::<1>(both));
            (_mm512_cvtph_ps(low), _mm512_cvtph_ps(high))
        }
        Dtype::Bf16 => {
            let odd = _mm512_and_si512(both, _mm512_set1_epi32(!0xffff));
            (_mm512_castsi512_ps(_mm512_slli_epi32::<16>(both)), _mm512_castsi512_ps(odd))
        }
        Dtype::F32 | Dtype::F64 => return,
    };
    // SAFETY: these are 128 bytes.
    unsafe {
        _mm512_storeu_ps(x.as_mut_ptr(), low);
        _mm512_storeu_ps(x.as_mut_ptr().add(16), high);
    }
}

/// Rounds 32 f32 in the order of [`widen_some`] to nearest, ties to even. A NaN keeps its sign and the upper bits of
/// its payload.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn round_some<T: Element>(x: &[f32; 32], halves: &mut [u16; 32]) {
    // SAFETY: these are 128 bytes.
    let (low, high) = unsafe { (_mm512_loadu_ps(x.as_ptr()), _mm512_loadu_ps(x.as_ptr().add(16))) };
    let both = match T::DTYPE {
        Dtype::F16 => {
            const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT;
            let (low, high) = (_mm512_cvtps_ph::<NEAREST>(low), _mm512_cvtps_ph::<NEAREST>(high));
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
        }
        Dtype::Bf16 => {
            let even = _mm512_srli_epi32::<16>(rounded(_mm512_castps_si512(low)));
            _mm512_mask_blend_epi16(0xaaaa_aaaa, even, rounded(_mm512_castps_si512(high)))
        }
        Dtype::F32 | Dtype::F64 => return,
    };
    // SAFETY: these are 64 bytes.
    unsafe { _mm512_storeu_si512(halves.as_mut_ptr().cast(), both) }
}

/// The upper halves are bf16 afterwards, rounded as the element type does it.
#[inline]
#[target_feature(enable = "avx512f")]
fn rounded(bits: __m512i) -> __m512i {
    let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
    _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)))
}
