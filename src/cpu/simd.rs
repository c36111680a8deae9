//! Loops over slices, compiled for the vector instructions of the processor: AVX2, with conversion of f16 by F16C, and
//! streaming stores. The only `unsafe` code of the crate.

#![allow(
    unsafe_code,
    reason = "measured: AVX2 is 2 times as fast in the caches (f16 with F16C: REPLACE times), streaming stores 1.5 to 1.9 times"
)]

use crate::Element;

/// Elements per block: whole cache lines for every element type.
const BLOCK: usize = 32;

/// Bytes in a cache line.
const CACHE_LINE: usize = 64;

/// How far ahead a source is prefetched. With streaming stores, the processor itself does not prefetch far enough.
/// Distances of 16 cache lines or more perform alike.
const PREFETCH_BYTES: usize = 32 * CACHE_LINE;

/// What is computed of an element, or of one from each of two sources. It owns what it uses: a reference to coefficients
/// might alias the target, and the loops would not become vector code.
pub(super) trait Pointwise<W>: Fn(W, W) -> W + Copy {}

impl<W, F: Fn(W, W) -> W + Copy> Pointwise<W> for F {}

/// Runs `work`, compiled for AVX2 if the processor supports it. This affects only code that is inlined into `work`.
#[inline]
pub(super) fn with_best_simd<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if with_avx2::is_supported() {
        // SAFETY: the processor supports AVX2 and F16C.
        return unsafe { with_avx2::run(work) };
    }
    work()
}

/// Writes `f` of each pair of elements to the target. The slices have the same length; both sources may be one.
pub(super) fn map<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
    #[cfg(target_arch = "x86_64")]
    if with_avx2::is_supported() {
        // SAFETY: the processor supports AVX2 and F16C.
        return unsafe { with_avx2::map(first, second, target, f) };
    }
    plain(first, second, target, f);
}

/// [`map`] with the target as the second source, or as both.
pub(super) fn map_in_place<T: Element>(first: Option<&[T]>, target: &mut [T], f: impl Pointwise<T::Wide>) {
    #[cfg(target_arch = "x86_64")]
    if with_avx2::is_supported() {
        // SAFETY: the processor supports AVX2 and F16C.
        return unsafe { with_avx2::map_in_place(first, target, f) };
    }
    plain_in_place(first, target, f);
}

/// [`map`] with streaming stores, which bypass the caches.
pub(super) fn stream<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
    #[cfg(target_arch = "x86_64")]
    if with_avx2::is_supported() {
        // SAFETY: the processor supports AVX2 and F16C.
        return unsafe { with_avx2::stream(first, second, target, f) };
    }
    plain(first, second, target, f);
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

#[cfg(target_arch = "x86_64")]
mod with_avx2 {
    use std::arch::x86_64::*;

    use super::{BLOCK, CACHE_LINE, Element, PREFETCH_BYTES, Pointwise, plain, plain_in_place};

    /// Every processor with AVX2 has F16C, too.
    #[inline]
    pub(super) fn is_supported() -> bool {
        std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("f16c")
    }

    #[target_feature(enable = "avx2,f16c")]
    pub(super) fn run<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    #[target_feature(enable = "avx2,f16c")]
    pub(super) fn map<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
        if !converts::<T>() {
            return plain(first, second, target, f);
        }
        let mut targets = target.chunks_exact_mut(BLOCK);
        let (mut firsts, mut seconds) = (first.chunks_exact(BLOCK), second.chunks_exact(BLOCK));
        for ((target, first), second) in (&mut targets).zip(&mut firsts).zip(&mut seconds) {
            map_block(widen(first), widen(second), target, f);
        }
        plain(firsts.remainder(), seconds.remainder(), targets.into_remainder(), f);
    }

    #[target_feature(enable = "avx2,f16c")]
    pub(super) fn map_in_place<T: Element>(first: Option<&[T]>, target: &mut [T], f: impl Pointwise<T::Wide>) {
        if !converts::<T>() {
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

    /// Whether blocks are converted before and after they are computed: those of the 16-bit types. In one loop, the
    /// compiler does not turn the conversions into vector code.
    #[inline]
    const fn converts<T: Element>() -> bool {
        size_of::<T>() == 2
    }

    /// F16C converts f16. Integers take several times as long.
    #[inline]
    const fn is_f16<T: Element>() -> bool {
        matches!(T::NAME.as_bytes(), b"f16")
    }

    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn map_block<T: Element>(
        mut first: [T::Wide; BLOCK],
        second: [T::Wide; BLOCK],
        target: &mut [T],
        f: impl Pointwise<T::Wide>,
    ) {
        for (a, b) in first.iter_mut().zip(second) {
            *a = f(*a, b);
        }
        for (x, target) in first.chunks_exact(8).zip(target.chunks_exact_mut(8)) {
            let (x, halves) = (bytemuck::cast_slice(x), bytemuck::cast_slice_mut(target));
            if is_f16::<T>() { round_f16(x, halves) } else { round_bf16(x, halves) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn widen<T: Element>(source: &[T]) -> [T::Wide; BLOCK] {
        let mut wide = [bytemuck::Zeroable::zeroed(); BLOCK];
        for (x, source) in wide.chunks_exact_mut(8).zip(source.chunks_exact(8)) {
            let (halves, x) = (bytemuck::cast_slice(source), bytemuck::cast_slice_mut(x));
            if is_f16::<T>() { widen_f16(halves, x) } else { widen_bf16(halves, x) }
        }
        wide
    }

    /// Widens eight f16, and makes NaNs quiet.
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn widen_f16(halves: &[u16], x: &mut [f32]) {
        store(_mm256_cvtph_ps(load_halves(halves)), x);
    }

    /// Rounds eight f32 to nearest, ties to even. A NaN keeps its sign and the upper bits of its payload.
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    pub(super) fn round_f16(x: &[f32], halves: &mut [u16]) {
        store_halves(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(load(x)), halves);
    }

    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn widen_bf16(halves: &[u16], x: &mut [f32]) {
        let bits = _mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(load_halves(halves)));
        store(_mm256_castsi256_ps(bits), x);
    }

    /// As the rounding of an element.
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn round_bf16(x: &[f32], halves: &mut [u16]) {
        let bits = _mm256_castps_si256(load(x));
        let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let sum = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        let high = _mm256_srli_epi32::<16>(sum);
        let packed = _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256::<1>(high));
        store_halves(packed, halves);
    }

    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn load(x: &[f32]) -> __m256 {
        debug_assert_eq!(x.len(), 8);
        // SAFETY: every caller passes eight elements.
        unsafe { _mm256_loadu_ps(x.as_ptr()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn store(y: __m256, x: &mut [f32]) {
        debug_assert_eq!(x.len(), 8);
        // SAFETY: as above.
        unsafe { _mm256_storeu_ps(x.as_mut_ptr(), y) }
    }

    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn load_halves(halves: &[u16]) -> __m128i {
        debug_assert_eq!(halves.len(), 8);
        // SAFETY: as above.
        unsafe { _mm_loadu_si128(halves.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    fn store_halves(y: __m128i, halves: &mut [u16]) {
        debug_assert_eq!(halves.len(), 8);
        // SAFETY: as above.
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
            map(first, second, &mut block, f);
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
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    #[test]
    fn wide_is_the_same_as_narrow() {
        let work = |x: &[f32]| x.iter().map(|x| (x + 3.0) * 0.3).collect::<Vec<_>>();
        let x: Vec<f32> = (0..1003).map(|i| i as f32).collect();
        assert_eq!(with_best_simd(|| work(&x)), work(&x));
    }

    fn bits<T: Element>(elements: &[T]) -> Vec<u64> {
        elements.iter().map(|x| x.bits()).collect()
    }

    /// Every 16-bit pattern, in slices that end with a part of a block.
    fn loops_are_the_same_as_plain<T: Element>(f: fn(T::Wide, T::Wide) -> T::Wide) {
        let a: Vec<T> = (0..1 << 16).map(T::from_low_bits).collect();
        let b: Vec<T> = (0..1 << 16).map(|i| T::from_low_bits(i * 40_503)).collect();
        for len in [1 << 16, 200, 64, 63, 1, 0] {
            let (a, b) = (&a[..len], &b[..len]);
            let mut expected = a.to_vec();
            plain(a, b, &mut expected, f);
            let mut target = a.to_vec();
            map(a, b, &mut target, f);
            assert_eq!(bits(&target), bits(&expected), "{} {len}", T::NAME);
            target.copy_from_slice(b);
            map_in_place(Some(a), &mut target, f);
            assert_eq!(bits(&target), bits(&expected), "{} {len} over the second", T::NAME);
            plain(a, a, &mut expected, f);
            target.copy_from_slice(a);
            map_in_place(None, &mut target, f);
            assert_eq!(bits(&target), bits(&expected), "{} {len} in place", T::NAME);
        }
    }

    #[test]
    fn loops_of_every_type() {
        use crate::HardSigmoid;
        // Evaluation makes NaNs quiet, which rounding asks for.
        loops_are_the_same_as_plain::<f16>(|a, b| HardSigmoid::ONNX.eval(if a > b { a } else { b }));
        loops_are_the_same_as_plain::<f16>(|a, _| HardSigmoid::ONNX.eval(a));
        loops_are_the_same_as_plain::<f16>(|a, b| HardSigmoid::ONNX.backward().eval(a, b));
        loops_are_the_same_as_plain::<bf16>(|a, b| HardSigmoid::ONNX.backward().eval(a, b));
        loops_are_the_same_as_plain::<f64>(|a, b| HardSigmoid::ONNX.backward().eval(a, b));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn f16c_rounds_as_integers_do() {
        if !with_avx2::is_supported() {
            return;
        }
        let near = (0..=u32::from(u16::MAX)).flat_map(|high| {
            [0, 0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001].map(|low| high << 16 | low)
        });
        let x: Vec<f32> =
            (0..=u32::MAX).step_by(1009).chain(near).map(f32::from_bits).filter(|x| !x.is_nan()).collect();
        for x in x.chunks_exact(8) {
            let mut halves = [0; 8];
            // SAFETY: the processor supports AVX2 and F16C.
            unsafe { with_avx2::round_f16(x, &mut halves) };
            for (x, half) in x.iter().zip(halves) {
                assert_eq!(half, <f16 as crate::element::sealed::Sealed>::round(*x).to_bits(), "{x:e}");
            }
        }
    }

    /// Lengths and alignments around the size of a block. The elements around the target must stay unchanged.
    fn streamed_is_the_same_as_plain<T: Element>(f: fn(T::Wide, T::Wide) -> T::Wide) {
        let a: Vec<T> = (0..400).map(|i| T::nearest(f64::from(i))).collect();
        let b: Vec<T> = (0..400).map(|i| T::nearest(f64::from(i + 1000))).collect();
        let old = T::nearest(7777.0);
        for start in 0..40 {
            for len in (0..200).chain([300]) {
                let (a, b) = (&a[start / 2..][..len], &b[start / 3..][..len]);
                let mut expected = vec![old; 400];
                let mut target = expected.clone();
                plain(a, b, &mut expected[start..start + len], f);
                stream(a, b, &mut target[start..start + len], f);
                assert_eq!(target, expected, "{start} {len}");
                plain(a, a, &mut expected[start..start + len], f);
                stream(a, a, &mut target[start..start + len], f);
                assert_eq!(target, expected, "{start} {len} from one source");
            }
        }
    }

    /// The allocation ends with the target, so that valgrind detects a write beyond the end.
    #[test]
    fn nothing_is_written_behind_the_target() {
        for len in 0..200 {
            let source: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let mut target = vec![-1.0; len];
            stream(&source, &source, &mut target, |a, _| a);
            assert_eq!(target, source);
        }
    }

    #[test]
    fn streaming_changes_nothing() {
        streamed_is_the_same_as_plain::<f32>(|a, b| a * 3.0 + b);
        streamed_is_the_same_as_plain::<f64>(|a, b| a * 3.0 + b);
        streamed_is_the_same_as_plain::<f16>(|a, b| a * 0.5 + b);
        streamed_is_the_same_as_plain::<bf16>(|a, b| a * 0.5 + b);
    }
}
