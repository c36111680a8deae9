//! Loops over blocks, whose elements are converted by vector instructions before and after they are computed.

use super::plain::{Pointwise, plain, plain_in_place};
use crate::Element;

/// Bytes in a cache line.
pub(super) const CACHE_LINE: usize = 64;

/// Elements per block: whole cache lines for every element type. The backward pass of blocks of 8 or 16 does not become
/// vector code, neither on x86-64 nor on aarch64.
pub(super) const BLOCK: usize = 32;

/// With fewer elements, those in front of a cache line would take longer than they save.
pub(super) const ALIGN_MIN_ELEMENTS: usize = 1 << 12;

/// The loops for a set of vector instructions: those on data in the caches. Functions `widen_some` and `round_some`
/// beside them convert a block, or a part of one, of the types that `$converts` selects. Wide elements may lie in
/// another order, since each is computed by itself.
macro_rules! loops {
    ($features:literal, $converts:ident) => {
        use $crate::cpu::simd::blocks::{ALIGN_MIN_ELEMENTS, BLOCK, head, head_in_place};
        use $crate::cpu::simd::plain::{Pointwise, plain, plain_in_place};

        #[target_feature(enable = $features)]
        pub(in crate::cpu::simd) fn run<R>(work: impl FnOnce() -> R) -> R {
            work()
        }

        #[target_feature(enable = $features)]
        pub(in crate::cpu::simd) fn map<T: Element>(
            mut first: &[T],
            mut second: &[T],
            mut target: &mut [T],
            f: impl Pointwise<T::Wide>,
        ) {
            if target.len() >= ALIGN_MIN_ELEMENTS {
                (first, second, target) = head(first, second, target, f);
            }
            map_blocks(first, second, target, f);
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn map_blocks<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
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
        pub(in crate::cpu::simd) fn map_in_place<T: Element>(
            mut first: Option<&[T]>,
            mut target: &mut [T],
            f: impl Pointwise<T::Wide>,
        ) {
            if target.len() >= ALIGN_MIN_ELEMENTS {
                (first, target) = head_in_place(first, target, f);
            }
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

        #[inline]
        #[target_feature(enable = $features)]
        fn map_block<T: Element>(
            mut first: [T::Wide; BLOCK],
            second: [T::Wide; BLOCK],
            target: &mut [T],
            f: impl Pointwise<T::Wide>,
        ) {
            // Without the reference, the backward pass does not become vector code on aarch64.
            for (a, b) in first.iter_mut().zip(&second) {
                *a = f(*a, *b);
            }
            round(&first, target);
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(in crate::cpu::simd) fn widen<T: Element>(source: &[T]) -> [T::Wide; BLOCK] {
            let mut wide = [bytemuck::Zeroable::zeroed(); BLOCK];
            for (x, halves) in bytemuck::cast_slice_mut(&mut wide).iter_mut().zip(bytemuck::cast_slice(source)) {
                widen_some::<T>(halves, x);
            }
            wide
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(in crate::cpu::simd) fn round<T: Element>(wide: &[T::Wide; BLOCK], target: &mut [T]) {
            for (x, halves) in bytemuck::cast_slice(wide).iter().zip(bytemuck::cast_slice_mut(target)) {
                round_some::<T>(x, halves);
            }
        }
    };
}

pub(super) use loops;

/// [`plain`] up to the first cache line of the target, behind which vectors are stored faster. Returns the rest.
#[inline(always)]
pub(super) fn head<'a, 'b, 'c, T: Element>(
    first: &'a [T],
    second: &'b [T],
    target: &'c mut [T],
    f: impl Pointwise<T::Wide>,
) -> (&'a [T], &'b [T], &'c mut [T]) {
    let len = before_line(target).min(first.len()).min(second.len());
    let (target_head, target) = target.split_at_mut(len);
    let ((first_head, first), (second_head, second)) = (first.split_at(len), second.split_at(len));
    plain(first_head, second_head, target_head, f);
    (first, second, target)
}

/// [`head`] for [`plain_in_place`].
#[inline(always)]
pub(super) fn head_in_place<'a, 'b, T: Element>(
    first: Option<&'a [T]>,
    target: &'b mut [T],
    f: impl Pointwise<T::Wide>,
) -> (Option<&'a [T]>, &'b mut [T]) {
    let len = before_line(target).min(first.map_or(usize::MAX, <[T]>::len));
    let (target_head, target) = target.split_at_mut(len);
    let (first_head, first) = first.map(|first| first.split_at(len)).unzip();
    plain_in_place(first_head, target_head, f);
    (first, target)
}

fn before_line<T>(target: &[T]) -> usize {
    target.as_ptr().align_offset(CACHE_LINE).min(target.len())
}
