//! Host slices on the CPU path and on the GPU path.

use std::pin::pin;
use std::task::{Context, Waker};

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{BindError, Error, Gpu, HardSigmoid, plan::PlanError};

use crate::numbers::{Number, assert_bits, expected, functions, numbers};
use crate::rig::wait;
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[
    ("slices_of_every_length_f32", every_length::<f32>),
    ("slices_of_every_length_f16", every_length::<f16>),
    ("slices_through_every_function_f32", every_function::<f32>),
    ("slices_through_every_function_f16", every_function::<f16>),
    ("slices_through_every_function_bf16", every_function::<bf16>),
    ("slices_in_place_f32", in_place::<f32>),
    ("slices_in_place_bf16", in_place::<bf16>),
    ("slices_from_eight_threads", eight_threads),
    ("slices_of_unequal_length_are_refused", unequal_lengths),
];

pub(crate) const GPU_TESTS: &[Test] = &[
    ("slices_async", through_futures),
    ("slices_many_small_calls_at_once", small_calls),
    ("slices_on_a_destroyed_device_are_an_error", destroyed_device),
    ("slices_on_an_app_device", app_device),
    ("slices_of_f64_are_an_error", f64_slices),
];

/// Lengths around 0, a vector, a workgroup, the CPU path's chunks and its thresholds for threads and streaming, and the
/// windows of the GPU path.
const LENGTHS: [usize; 28] = [
    0, 1, 2, 3, 4, 5, 7, 8, 255, 256, 257, 4095, 4096, 4097, 4100, 8191, 8193, 32_769, 294_912, 294_917, 524_287,
    524_288, 524_289, 1_048_575, 1_048_576, 1_048_577, 3_145_729, 4_194_305,
];

fn every_length<T: Number>(subject: &Subject) {
    let source = numbers::<T>(*LENGTHS.iter().max().unwrap());
    let whole = expected(HardSigmoid::PYTORCH, &source);
    for len in LENGTHS {
        assert_bits(&subject.apply(HardSigmoid::PYTORCH, &source[..len]), &whole[..len], &len);
    }
}

fn every_function<T: Number>(subject: &Subject) {
    let source = numbers::<T>(100_001);
    for f in functions() {
        assert_bits(&subject.apply(f, &source), &expected(f, &source), &f);
    }
}

fn in_place<T: Number>(subject: &Subject) {
    for len in [0, 1, 6, 4099, 32_769, 524_287, 524_289, 1_048_579] {
        let source = numbers::<T>(len);
        let mut data = source.clone();
        subject.apply_in_place(HardSigmoid::ONNX, &mut data);
        assert_bits(&data, &expected(HardSigmoid::ONNX, &source), &len);
    }
}

fn through_futures(subject: &Subject) {
    let Subject::Gpu { gpu, .. } = subject else { panic!("for GPUs only") };
    let source = numbers::<f16>(5_000_003);
    let mut target = vec![f16::WRONG; source.len()];
    pollster::block_on(gpu.apply(HardSigmoid::ONNX, &source, &mut target)).unwrap();
    assert_bits(&target, &expected(HardSigmoid::ONNX, &source), &"across");
    let mut data = source.clone();
    pollster::block_on(gpu.apply_in_place(HardSigmoid::ONNX, &mut data)).unwrap();
    assert_bits(&data, &target, &"in place");
}

fn eight_threads(subject: &Subject) {
    let functions = functions();
    std::thread::scope(|scope| {
        for (i, &f) in functions.iter().enumerate() {
            scope.spawn(move || {
                let source = numbers::<f32>(1_100_000 + i);
                assert_bits(&subject.apply(f, &source), &expected(f, &source), &f);
            });
        }
    });
}

fn unequal_lengths(subject: &Subject) {
    let mut target = [9.0; 3];
    match subject {
        Subject::Cpu => _ = hard_sigmoid::cpu::apply(HardSigmoid::ONNX, &[0.0; 2], &mut target).unwrap_err(),
        Subject::Gpu { gpu, .. } => {
            let error = gpu.apply_blocking(HardSigmoid::ONNX, &[0.0; 2], &mut target).unwrap_err();
            assert!(matches!(error, Error::Length(l) if (l.source_len, l.target_len) == (2, 3)), "{error}");
        }
    }
    assert_eq!(target, [9.0; 3]);
}

fn destroyed_device(subject: &Subject) {
    let (device, queue) = subject.device(|_| {});
    let gpu = Gpu::new(device.clone(), queue).unwrap();
    let mut data = numbers::<f32>(5_000_000);
    gpu.apply_in_place_blocking(HardSigmoid::ONNX, &mut data).unwrap();
    let before = data.clone();
    device.destroy();
    let error = gpu.apply_in_place_blocking(HardSigmoid::ONNX, &mut data).unwrap_err();
    assert!(matches!(error, Error::Interrupted { finished: 0, .. }), "{error}");
    assert_bits(&data, &before, &"destroyed");
}

/// On an app's device, async calls need the app to poll. Blocking calls poll themselves.
fn app_device(subject: &Subject) {
    let (device, queue) = subject.device(|limits| limits.max_buffer_size = 1 << 20);
    let gpu = Gpu::new(device.clone(), queue).unwrap();
    let source = numbers::<f32>(700_000);
    let mut target = vec![0.0; source.len()];
    let mut polls = 0;
    {
        let mut call = pin!(gpu.apply(HardSigmoid::ONNX, &source, &mut target));
        while call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            wait(&device);
            polls += 1;
        }
    }
    assert!(polls > 0);
    assert_bits(&target, &expected(HardSigmoid::ONNX, &source), &"async");
    target.fill(0.0);
    gpu.apply_blocking(HardSigmoid::ONNX, &source, &mut target).unwrap();
    assert_bits(&target, &expected(HardSigmoid::ONNX, &source), &"blocking");
}

fn f64_slices(subject: &Subject) {
    let Subject::Gpu { gpu, .. } = subject else { panic!("for GPUs only") };
    let mut data = numbers::<f64>(100);
    let error = gpu.apply_in_place_blocking(HardSigmoid::ONNX, &mut data).unwrap_err();
    assert!(matches!(error, Error::Bind(BindError::Plan(PlanError::NotOnGpu { element: "f64" }))), "{error}");
    assert_bits(&data, &numbers(100), &"untouched");
}

/// When several threads poll a device, each may run callbacks of the others.
fn small_calls(subject: &Subject) {
    let Subject::Gpu { gpu, .. } = subject else { panic!("for GPUs only") };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for call in 0..200 {
                    let source = numbers::<f32>(1 + (thread * 31 + call) % 300);
                    let mut data = source.clone();
                    if call % 2 == 0 {
                        gpu.apply_in_place_blocking(HardSigmoid::ONNX, &mut data).unwrap();
                    } else {
                        pollster::block_on(gpu.apply_in_place(HardSigmoid::ONNX, &mut data)).unwrap();
                    }
                    assert_bits(&data, &expected(HardSigmoid::ONNX, &source), &(thread, call));
                }
            });
        }
    });
}
