//! Loops over slices, compiled for the vector instructions of the processor: AVX-512 or AVX2, which come with F16C to
//! convert f16, and streaming stores; or NEON, which converts f16. The only `unsafe` code of the crate.

#![allow(
    unsafe_code,
    reason = "measured in a core's cache: AVX2 is 2 times as fast (f16: 7 times, and F16C another 4 times), AVX-512 \
              another 1.4 to 1.7 times; streaming stores are 1.5 to 1.9 times as fast beyond the caches; \
              counted: with NEON's conversions of f16, 0.20 to 0.28 of the instructions are left"
)]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod blocks;
mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::{Dtype, Element};
pub(super) use plain::Pointwise;
use plain::{plain, plain_in_place};
#[cfg(target_arch = "x86_64")]
use x86::{avx2, avx512, avx512_bf16};

/// Calls the instance of a loop for the best instructions that the processor supports, or else the plain loop.
macro_rules! best {
    ($name:ident, $plain:expr, $rounds_bf16:expr, ($($argument:ident),*)) => {{
        #[cfg(target_arch = "x86_64")]
        if $rounds_bf16 && x86::has_avx512_bf16() {
            // SAFETY: the processor supports what the instance is compiled for.
            return unsafe { avx512_bf16::$name($($argument),*) };
        } else if x86::has_avx512() {
            // SAFETY: as above.
            return unsafe { avx512::$name($($argument),*) };
        } else if x86::has_avx2() {
            // SAFETY: as above.
            return unsafe { avx2::$name($($argument),*) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = $rounds_bf16;
        #[cfg(target_arch = "aarch64")]
        if aarch64::has_neon() {
            // SAFETY: as above.
            return unsafe { aarch64::$name($($argument),*) };
        }
        $plain($($argument),*)
    }};
}

/// Runs `work`, compiled for vector instructions. This affects only code that is inlined into `work`.
#[inline]
pub(super) fn with_best_simd<R>(work: impl FnOnce() -> R) -> R {
    best!(run, run, false, (work))
}

/// How results are written.
#[derive(Clone, Copy)]
pub(super) struct Stores {
    /// With streaming stores, which bypass the caches, where there are any. Not in place.
    pub(super) stream: bool,
    /// No result is subnormal, so that instructions may be used that take these for 0.
    pub(super) normal: bool,
}

impl Stores {
    /// Whether instructions can be used that round normal numbers to bf16.
    fn rounds_bf16<T: Element>(self) -> bool {
        self.normal && matches!(T::DTYPE, Dtype::Bf16)
    }
}

/// Writes `f` of each pair of elements to the target. The slices have the same length; both sources may be one.
pub(super) fn map<T: Element>(first: &[T], second: &[T], target: &mut [T], stores: Stores, f: impl Pointwise<T::Wide>) {
    if stores.stream {
        return best!(stream, plain, stores.rounds_bf16::<T>(), (first, second, target, f));
    }
    best!(map, plain, stores.rounds_bf16::<T>(), (first, second, target, f));
}

/// [`map`] with the target as the second source, or as both.
pub(super) fn map_in_place<T: Element>(
    first: Option<&[T]>,
    target: &mut [T],
    stores: Stores,
    f: impl Pointwise<T::Wide>,
) {
    best!(map_in_place, plain_in_place, stores.rounds_bf16::<T>(), (first, target, f));
}

fn run<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(test)]
mod tests;
