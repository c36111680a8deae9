//! The CPU path as C functions, which Python can call on NumPy's arrays.

use std::ffi::c_void;
use std::slice::{from_raw_parts, from_raw_parts_mut};

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, HardSigmoid, cpu};

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
