//! The loops for aarch64: conversion of f16 by vector instructions.

use std::arch::aarch64::*;
use std::arch::asm;

use super::blocks::loops;
use crate::{Dtype, Element};

loops!("neon", is_f16);

/// There are no streaming stores as on x86-64.
pub(super) use map as stream;

/// Every target with `std` has NEON, so that this costs nothing. In big-endian order, the elements of a vector would
/// lie the other way round.
#[inline]
pub(super) fn has_neon() -> bool {
    cfg!(target_endian = "little") && std::arch::is_aarch64_feature_detected!("neon")
}

/// Whether blocks are converted before and after they are computed. The compiler itself makes vector code of the
/// conversions of bf16. Those of f16 take integers, and 3.6 to 5 times as many instructions in all.
#[inline]
const fn is_f16<T: Element>() -> bool {
    matches!(T::DTYPE, Dtype::F16)
}

// Inline instructions, because the intrinsics for them need Rust 1.94. Both give the same code. They change the
// cumulative flags of exceptions, so that `preserves_flags` would be wrong.

/// Widens eight f16, and makes NaNs quiet.
#[inline]
#[target_feature(enable = "neon")]
fn widen_some<T: Element>(halves: &[u16; 8], x: &mut [f32; 8]) {
    debug_assert!(is_f16::<T>());
    let (low, high): (float32x4_t, float32x4_t);
    // SAFETY: these are 16 and 32 bytes, and the instructions write to nothing but their outputs.
    unsafe {
        let halves = vld1q_u16(halves.as_ptr());
        asm!("fcvtl {:v}.4s, {:v}.4h", lateout(vreg) low, in(vreg) halves, options(pure, nomem, nostack));
        asm!("fcvtl2 {:v}.4s, {:v}.8h", lateout(vreg) high, in(vreg) halves, options(pure, nomem, nostack));
        vst1q_f32(x.as_mut_ptr(), low);
        vst1q_f32(x.as_mut_ptr().add(4), high);
    }
}

/// Rounds eight f32 to nearest, ties to even. A NaN keeps its sign and the upper bits of its payload.
#[inline]
#[target_feature(enable = "neon")]
fn round_some<T: Element>(x: &[f32; 8], halves: &mut [u16; 8]) {
    debug_assert!(is_f16::<T>());
    let mut rounded: uint16x8_t;
    // SAFETY: these are 32 and 16 bytes, and the instructions write to nothing but their outputs.
    unsafe {
        let (low, high) = (vld1q_f32(x.as_ptr()), vld1q_f32(x.as_ptr().add(4)));
        asm!("fcvtn {:v}.4h, {:v}.4s", lateout(vreg) rounded, in(vreg) low, options(pure, nomem, nostack));
        asm!("fcvtn2 {:v}.8h, {:v}.4s", inout(vreg) rounded, in(vreg) high, options(pure, nomem, nostack));
        vst1q_u16(halves.as_mut_ptr(), rounded);
    }
}
