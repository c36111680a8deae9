//! Host slices through the CPU path and the GPU path.

use std::pin::pin;
use std::task::{Context, Waker};

use hard_sigmoid::{Error, Gpu, HardSigmoid};

use crate::subject::{Subject, Test, assert_bits, expected, functions, numbers};

pub(crate) const TESTS: &[Test] = &[
    ("slices_of_every_length", every_length),
    ("slices_through_every_function", every_function),
    ("slices_in_place", in_place),
    ("slices_from_eight_threads", eight_threads),
    ("slices_of_unequal_length_are_refused", unequal_lengths),
];

pub(crate) const GPU_TESTS: &[Test] = &[
    ("slices_async", through_futures),
    ("slices_on_a_destroyed_device_are_an_error", destroyed_device),
    ("slices_on_an_app_device", app_device),
];

/// Around 0, the vector, the workgroup's reach, and the windows of a staging slot.
const LENGTHS: [usize; 22] = [
    0, 1, 2, 3, 4, 5, 7, 8, 255, 256, 257, 4095, 4096, 4097, 4100, 8191, 8193, 1_048_575, 1_048_576, 1_048_577,
    3_145_729, 4_194_305,
];

fn every_length(subject: &Subject) {
    let source = numbers(*LENGTHS.iter().max().unwrap());
    let whole = expected(HardSigmoid::PYTORCH, &source);
    for len in LENGTHS {
        assert_bits(&subject.apply(HardSigmoid::PYTORCH, &source[..len]), &whole[..len], &len);
    }
}

fn every_function(subject: &Subject) {
    let source = numbers(10_001);
    for f in functions() {
        assert_bits(&subject.apply(f, &source), &expected(f, &source), &f);
    }
}

fn in_place(subject: &Subject) {
    for len in [0, 1, 6, 4099, 1_048_579] {
        let source = numbers(len);
        let mut data = source.clone();
        subject.apply_in_place(HardSigmoid::ONNX, &mut data);
        assert_bits(&data, &expected(HardSigmoid::ONNX, &source), &len);
    }
}

fn through_futures(subject: &Subject) {
    let Subject::Gpu { gpu, .. } = subject else { panic!("the CPU has no futures") };
    let source = numbers(2_000_003);
    let mut target = vec![0.0; source.len()];
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
                let source = numbers(1_100_000 + i);
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
    let mut data = numbers(5_000_000);
    gpu.apply_in_place_blocking(HardSigmoid::ONNX, &mut data).unwrap();
    let before = data.clone();
    device.destroy();
    let error = gpu.apply_in_place_blocking(HardSigmoid::ONNX, &mut data).unwrap_err();
    assert!(matches!(error, Error::Interrupted { finished: 0, .. }), "{error}");
    assert_bits(&data, &before, &"destroyed");
}

/// On an app's device the async calls wait for the app to poll; the blocking ones poll by themselves.
fn app_device(subject: &Subject) {
    let (device, queue) = subject.device(|limits| limits.max_buffer_size = 1 << 20);
    let gpu = Gpu::new(device.clone(), queue).unwrap();
    let source = numbers(700_000);
    let mut target = vec![0.0; source.len()];
    let mut polls = 0;
    {
        let mut call = pin!(gpu.apply(HardSigmoid::ONNX, &source, &mut target));
        while call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
            polls += 1;
        }
    }
    assert!(polls > 0);
    assert_bits(&target, &expected(HardSigmoid::ONNX, &source), &"async");
    target.fill(0.0);
    gpu.apply_blocking(HardSigmoid::ONNX, &source, &mut target).unwrap();
    assert_bits(&target, &expected(HardSigmoid::ONNX, &source), &"blocking");
}
