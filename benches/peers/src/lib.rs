//! The CPU path as a C function, which Python can call on the same arrays and in the same process as other libraries.

use hard_sigmoid::{HardSigmoid, cpu};

/// Applies the function to `len` f32.
///
/// # Safety
///
/// `x` and `y` must each point to `len` f32. These must not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hard_sigmoid_f32(x: *const f32, y: *mut f32, len: usize) -> i32 {
    let (x, y) = unsafe { (std::slice::from_raw_parts(x, len), std::slice::from_raw_parts_mut(y, len)) };
    cpu::apply(HardSigmoid::PYTORCH, x, y).is_err().into()
}

/// Copies `len` f32 with the same number of threads.
///
/// # Safety
///
/// As [`hard_sigmoid_f32`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy_f32(x: *const f32, y: *mut f32, len: usize) -> i32 {
    use rayon::prelude::*;
    let (x, y) = unsafe { (std::slice::from_raw_parts(x, len), std::slice::from_raw_parts_mut(y, len)) };
    if len < cpu::PARALLEL_MIN_ELEMENTS {
        y.copy_from_slice(x);
    } else {
        x.par_chunks(1 << 16).zip(y.par_chunks_mut(1 << 16)).for_each(|(x, y)| y.copy_from_slice(x));
    }
    0
}
