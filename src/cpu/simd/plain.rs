//! Loops in plain Rust, which become vector code where they are inlined.

use crate::Element;

/// What is computed of an element, or of one from each of two sources. It owns what it uses: a reference to
/// coefficients might alias the target, and the loops would not become vector code.
pub(in crate::cpu) trait Pointwise<W>: Fn(W, W) -> W + Copy {}

impl<W, F: Fn(W, W) -> W + Copy> Pointwise<W> for F {}

#[inline(always)]
pub(super) fn plain<T: Element>(first: &[T], second: &[T], target: &mut [T], f: impl Pointwise<T::Wide>) {
    for ((y, &a), &b) in target.iter_mut().zip(first).zip(second) {
        *y = T::round(f(a.widen(), b.widen()));
    }
}

#[inline(always)]
pub(super) fn plain_in_place<T: Element>(first: Option<&[T]>, target: &mut [T], f: impl Pointwise<T::Wide>) {
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
