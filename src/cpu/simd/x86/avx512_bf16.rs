//! The loops for AVX-512 with its instructions for bf16. These round as the element type does, but for subnormal
//! numbers, which they take for 0.

use std::arch::x86_64::*;

use super::stream::{self, streams};
use crate::cpu::simd::blocks::loops;
use crate::{Dtype, Element};

loops!("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,f16c", is_bf16);
streams!("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,f16c");

#[inline]
const fn is_bf16<T: Element>() -> bool {
    matches!(T::DTYPE, Dtype::Bf16)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn widen_some<T: Element>(halves: &[u16; 32], x: &mut [f32; 32]) {
    debug_assert!(is_bf16::<T>());
    for (halves, x) in halves.as_chunks::<16>().0.iter().zip(x.as_chunks_mut::<16>().0) {
        // SAFETY: these are 32 and 64 bytes.
        unsafe {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(halves.as_ptr().cast()));
            _mm512_storeu_ps(x.as_mut_ptr(), _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide)));
        }
    }
}

/// Rounds to nearest, ties to even. A NaN keeps its sign and the upper bits of its payload.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn round_some<T: Element>(x: &[f32; 32], halves: &mut [u16; 32]) {
    debug_assert!(is_bf16::<T>());
    // SAFETY: these are 128 and 64 bytes.
    unsafe {
        let (low, high) = (_mm512_loadu_ps(x.as_ptr()), _mm512_loadu_ps(x.as_ptr().add(16)));
        _mm512_storeu_si512(
            halves.as_mut_ptr().cast(),
            std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low)),
        );
    }
}
