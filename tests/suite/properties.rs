//! Property tests with random functions, ranges and limits.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Gpu, HardSigmoid};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::kernel::{Layout, check};
use crate::numbers::{Number, assert_bits, expected, gradients, numbers};
use crate::rig::Bench;
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] =
    &[("properties_of_round_trips_f32", round_trips::<f32>), ("properties_of_round_trips_bf16", round_trips::<bf16>)];

pub(crate) const GPU_TESTS: &[Test] = &[
    ("properties_of_bindings_f32", bindings::<f32>),
    ("properties_of_bindings_f16", bindings::<f16>),
    ("properties_of_slices_on_a_small_device", small_device),
];

fn runner(cases: u32) -> TestRunner {
    // The cases are the same in each run, so that failures are reproducible.
    TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
}

pub(crate) fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    let result = runner(cases).run(&strategy, |value| {
        test(value);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// |α| from 2^-20 to 2^20, and β from -1 to 2. No result is subnormal in f32.
fn any_function() -> impl Strategy<Value = HardSigmoid> {
    (-20.0..20.0_f64, any::<bool>(), -1.0..2.0_f64).prop_map(|(exponent, falls, beta)| {
        let alpha = exponent.exp2();
        HardSigmoid::new(if falls { -alpha } else { alpha }, beta).unwrap()
    })
}

fn round_trips<T: Number>(subject: &Subject) {
    run(24, (any_function(), prop_oneof![0..300_usize, 0..1_200_000_usize]), |(f, len)| {
        let (x, grad_y) = (numbers::<T>(len), gradients::<T>(len));
        let y = expected(f, &x);
        assert_bits(&subject.apply(f, &x), &y, &(f, len));
        let (target, counts) = subject.apply_with_saturation(f, &x);
        assert_bits(&target, &y, &(f, len));
        assert_eq!((counts, counts.total()), (subject.saturation(f, &x), len as u64));
        let mut data = x.clone();
        subject.apply_in_place(f, &mut data);
        assert_bits(&data, &y, &(f, len));
        let grad_x: Vec<T> = x.iter().zip(&grad_y).map(|(&x, &g)| f.backward().eval(x, g)).collect();
        if f.alpha().abs() > 1e-5 {
            assert_bits(&subject.backward(f.backward(), &x, &grad_y), &grad_x, &(f, len));
        }
    });
}

/// Random ranges on devices with different limits. Elements around the ranges must not change.
fn bindings<T: Number>(subject: &Subject) {
    let devices =
        [(10, 1, false), (13, 2, false), (16, 3, false), (20, 65_535, false), (17, 7, true), (20, 65_535, true)]
            .map(|(binding, groups, mixed)| Bench::with_limits(subject, 1 << binding, groups, mixed));
    let layouts = prop_oneof![Just(Layout::Two), Just(Layout::InPlace), Just(Layout::Arena)];
    let ranges = (0..700_usize, 0..700_usize, prop_oneof![0..40_usize, 0..60_000_usize]);
    run(144, (0..6_usize, any_function(), layouts, ranges, any::<bool>()), |(device, f, layout, ranges, swapped)| {
        let (a, b, len) = ranges;
        // The lowest limits lead to many small dispatches.
        let len = if device == 0 { len % 3000 } else { len };
        let (from, to) = match layout {
            Layout::Two => (a, b),
            Layout::InPlace => (a, a),
            Layout::Arena if swapped => (a + len + b, a),
            Layout::Arena => (a, a + len + b),
        };
        check::<T>(&devices[device], f, layout, from.max(to) + len + 13, from..from + len, to..to + len);
    });
}

/// Slices on a device whose staging slots hold only a few hundred bytes.
fn small_device(subject: &Subject) {
    let (device, queue) = subject.device(|limits| limits.max_buffer_size = 1 << 10);
    let gpu = Gpu::new(device, queue).unwrap();
    let subject = match subject {
        Subject::Gpu { adapter, .. } => Subject::Gpu { adapter: adapter.clone(), gpu },
        Subject::Cpu => panic!("for GPUs only"),
    };
    run(12, (any_function(), 0..5_000_usize), |(f, len)| {
        let x = numbers::<f16>(len);
        assert_bits(&subject.apply(f, &x), &expected(f, &x), &(f, len));
    });
}
