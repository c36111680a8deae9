//! The loops for x86-64, and whether the processor has the instructions for them.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod avx512_bf16;
mod stream;

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

#[inline]
pub(super) fn has_avx512_bf16() -> bool {
    has_avx512() && std::is_x86_feature_detected!("avx512bf16")
}
