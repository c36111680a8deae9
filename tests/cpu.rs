//! The CPU path where it differs from the GPU path. What both have in common is in the suite.

#![allow(clippy::unwrap_used, reason = "tests")]

use hard_sigmoid::cpu::{apply, apply_with_saturation, backward, backward_in_place};
use hard_sigmoid::plan::{Limits, Operand, Recipe};
use hard_sigmoid::{HardSigmoid, Params, WGSL, cpu::LengthMismatch, plan::BufferRole};

/// Large enough to go past the caches, at an odd alignment, with the neighbours of the target untouched.
#[test]
fn large_targets_equal_small_ones() {
    let len = (16 << 20) / 4 + 7;
    let f = HardSigmoid::new(-0.3, 0.1).unwrap();
    let x: Vec<f32> = (0..len).map(|i| f32::from_bits((i as u32).wrapping_mul(0x9e37_79b1))).collect();
    let bits = |data: &[f32]| data.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
    let mut target = vec![9.0; len + 2];
    let mut expected = target.clone();
    apply(f, &x, &mut target[1..=len]).unwrap();
    expected[1..=len].iter_mut().zip(&x).for_each(|(y, &x)| *y = f.eval(x));
    assert!(bits(&target) == bits(&expected));
    let grad_y: Vec<f32> = x.iter().rev().copied().collect();
    backward(f.backward(), &x, &grad_y, &mut target[1..=len]).unwrap();
    let sources = x.iter().zip(&grad_y);
    expected[1..=len].iter_mut().zip(sources).for_each(|(y, (&x, &grad))| *y = f.backward().eval(x, grad));
    assert!(bits(&target) == bits(&expected));
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
    let whole = |buffer| Operand { buffer, buffer_bytes: 1 << 30, elements: 0..1 << 28 };
    assert_eq!(Recipe::forward::<f32>(&whole('x'), &whole('y'), Limits::default()).unwrap().steps().count(), 8);
    assert!(WGSL.contains("fn hard_sigmoid(x: f32, f: HardSigmoid) -> f32"));
    assert_eq!(size_of::<Params>(), 16);
}

fn assert_lengths(error: LengthMismatch, role: BufferRole) {
    assert_eq!((error.role, error.source_len, error.target_len), (role, 2, 3));
}
