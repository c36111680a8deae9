//! The CPU path as C functions, which Python can call on NumPy's arrays.

use std::ffi::c_void;
use std::slice::{from_raw_parts, from_raw_parts_mut};

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, HardSigmoid, cpu};
use rayon::prelude::*;

/// A function of `len` elements at `x` and, for the backward pass, `grad_y`, which writes `y`.
type Function = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void, usize) -> i32;

unsafe extern "C" fn forward<T: Element>(x: *const c_void, _: *const c_void, y: *mut c_void, len: usize) -> i32 {
    let (x, y) = unsafe { (from_raw_parts(x.cast::<T>(), len), from_raw_parts_mut(y.cast::<T>(), len)) };
    cpu::apply(HardSigmoid::PYTORCH, x, y).is_err().into()
}

unsafe extern "C" fn backward<T: Element>(x: *const c_void, g: *const c_void, y: *mut c_void, len: usize) -> i32 {
    let (x, y) = unsafe { (from_raw_parts(x.cast::<T>(), len), from_raw_parts_mut(y.cast::<T>(), len)) };
    let g = unsafe { from_raw_parts(g.cast::<T>(), len) };
    cpu::backward(HardSigmoid::PYTORCH.backward(), x, g, y).is_err().into()
}

/// The function for an element type, by the number of its place in f32, f16, bf16, f64. None for other numbers.
#[unsafe(no_mangle)]
pub extern "C" fn hard_sigmoid_function(element: u32, is_backward: bool) -> Option<Function> {
    Some(match (element, is_backward) {
        (0, false) => forward::<f32>,
        (1, false) => forward::<f16>,
        (2, false) => forward::<bf16>,
        (3, false) => forward::<f64>,
        (0, true) => backward::<f32>,
        (1, true) => backward::<f16>,
        (2, true) => backward::<bf16>,
        (3, true) => backward::<f64>,
        _ => return None,
    })
}

/// Copies bytes on all threads if there are many, and past the caches if `streams`.
///
/// # Safety
///
/// `from` and `to` are as many bytes, which do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn copy(from: *const u8, to: *mut u8, bytes: usize, streams: bool) {
    let (from, to) = unsafe { (from_raw_parts(from, bytes), from_raw_parts_mut(to, bytes)) };
    let copy = if streams { streamed } else { <[u8]>::copy_from_slice };
    if bytes < 1 << 19 || rayon::current_num_threads() == 1 {
        return copy(to, from);
    }
    let part = bytes.div_ceil(rayon::current_num_threads()).next_multiple_of(64);
    from.par_chunks(part).zip(to.par_chunks_mut(part)).for_each(|(from, to)| copy(to, from));
}

fn streamed(to: &mut [u8], from: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx") {
        use std::arch::x86_64::{__m256i, _mm_sfence, _mm256_loadu_si256, _mm256_stream_si256};
        let (head, lines, tail) = unsafe { to.align_to_mut::<__m256i>() };
        let (from_head, from) = from.split_at(head.len());
        let (from, from_tail) = from.split_at(size_of_val(lines));
        head.copy_from_slice(from_head);
        tail.copy_from_slice(from_tail);
        #[target_feature(enable = "avx")]
        fn stream(to: &mut [__m256i], from: &[u8]) {
            for (to, from) in to.iter_mut().zip(from.as_chunks::<32>().0) {
                unsafe { _mm256_stream_si256(to, _mm256_loadu_si256(from.as_ptr().cast())) };
            }
        }
        unsafe {
            stream(lines, from);
            _mm_sfence();
        }
        return;
    }
    to.copy_from_slice(from);
}
