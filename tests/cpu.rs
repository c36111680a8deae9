//! The CPU path where it differs from the GPU path. What both have in common is in the suite.

#![allow(clippy::unwrap_used, reason = "tests")]

use hard_sigmoid::cpu::{apply, apply_in_place, apply_with_saturation, backward, backward_in_place};
use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::plan::{Limits, Operand, Recipe};
use hard_sigmoid::{Element, HardSigmoid, Params, WGSL, cpu::LengthMismatch, plan::BufferRole};

/// Any bits, at an odd alignment, with the neighbours of the target untouched.
fn slices_equal_single_elements<T: Element>(len: usize, f: HardSigmoid, number: fn(u64) -> T) {
    let x: Vec<T> = (0..len as u64).map(|i| number(i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(20))).collect();
    let grad_y: Vec<T> = x.iter().rev().copied().collect();
    let around = T::from_f64(9.0);
    let mut target = vec![around; len + 2];
    let equals = |target: &[T], expected: &dyn Fn(usize) -> T| {
        let expected: Vec<T> = [around].into_iter().chain((0..len).map(expected)).chain([around]).collect();
        assert!(bytemuck::cast_slice::<T, u8>(target) == bytemuck::cast_slice(&expected), "{} {f:?}", T::NAME);
    };
    apply(f, &x, &mut target[1..=len]).unwrap();
    equals(&target, &|i| f.eval(x[i]));
    backward(f.backward(), &x, &grad_y, &mut target[1..=len]).unwrap();
    equals(&target, &|i| f.backward().eval(x[i], grad_y[i]));
    target[1..=len].copy_from_slice(&x);
    apply_in_place(f, &mut target[1..=len]);
    equals(&target, &|i| f.eval(x[i]));
    target[1..=len].copy_from_slice(&grad_y);
    backward_in_place(f.backward(), &x, &mut target[1..=len]).unwrap();
    equals(&target, &|i| f.backward().eval(x[i], grad_y[i]));
}

#[test]
fn slices_of_every_type_equal_single_elements() {
    // Some results are subnormal with the last but one.
    for (alpha, beta) in [(0.2, 0.5), (-0.3, 0.1), (1e-30, 0.0), (-1e-5, 1e-33)] {
        let f = HardSigmoid::new(alpha, beta).unwrap();
        slices_equal_single_elements(1 << 17, f, |i| f32::from_bits(i as u32));
        slices_equal_single_elements(1 << 17, f, |i| f16::from_bits(i as u16));
        slices_equal_single_elements(1 << 17, f, |i| bf16::from_bits(i as u16));
        slices_equal_single_elements(1 << 17, f, f64::from_bits);
    }
}

/// Large enough to go past the caches of most processors; two threads at once, one of which has the crate's threads.
#[test]
fn large_slices_equal_single_elements() {
    let check = || slices_equal_single_elements((16 << 20) / 4 + 7, HardSigmoid::ONNX, |i| f32::from_bits(i as u32));
    std::thread::scope(|scope| {
        scope.spawn(check);
        check();
    });
}

#[test]
fn refuses_unequal_lengths_and_writes_nothing() {
    let mut target = [9.0; 3];
    let error = apply(HardSigmoid::ONNX, &[0.0; 2], &mut target).unwrap_err();
    assert_lengths(error, BufferRole::Source);
    apply_with_saturation(HardSigmoid::ONNX, &[0.0; 2], &mut target).unwrap_err();
    let b = HardSigmoid::ONNX.backward();
    let error = backward(b, &[0.0; 3], &[0.0; 2], &mut target).unwrap_err();
    assert_lengths(error, BufferRole::Gradient);
    backward(b, &[0.0; 2], &[0.0; 2], &mut target).unwrap_err();
    backward_in_place(b, &[0.0; 2], &mut target).unwrap_err();
    assert_eq!(target, [9.0; 3]);
}

/// What an app without wgpu has besides.
#[test]
fn plans_and_shaders_need_no_wgpu() {
    let whole = |buffer| Operand { buffer, buffer_bytes: 1 << 30, elements: (0..1 << 28).into() };
    assert_eq!(Recipe::forward::<f32>(&whole('x'), &whole('y'), Limits::default()).unwrap().steps().count(), 8);
    assert!(WGSL.contains("fn hard_sigmoid(x: f32, f: HardSigmoid) -> f32"));
    assert_eq!(size_of::<Params>(), 16);
}

fn assert_lengths(error: LengthMismatch, role: BufferRole) {
    assert_eq!((error.role, error.source_len, error.target_len), (role, 2, 3));
}
