//! The crate's own validation on every path, including NaNs and subnormals.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::validate::{self, Inputs, Report};
use hard_sigmoid::{Element, HardSigmoid};

use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[
    ("validate_presets_over_the_samples", presets),
    ("validate_every_f16", every_half::<f16>),
    ("validate_every_bf16", every_half::<bf16>),
    ("validate_every_nan", every_nan),
    ("validate_every_subnormal", every_subnormal),
    ("validate_pairs_from_the_whole_domain", pairs),
    ("validate_sets_flushed_subnormals_apart", flushed),
];

const PRESETS: [HardSigmoid; 2] = [HardSigmoid::ONNX, HardSigmoid::PYTORCH];

fn run<T: Element>(subject: &Subject, f: HardSigmoid, inputs: Inputs<'_, T>) -> Report<T> {
    let count = inputs.count();
    let mut last = 0;
    let progress = |done| {
        assert!(last < done && done <= count);
        last = done;
    };
    let report = match subject {
        Subject::Cpu => validate::validate_cpu(f, inputs, progress),
        Subject::Gpu { gpu, .. } => validate::validate_blocking(gpu, f, inputs, progress).unwrap(),
    };
    assert_eq!((report.checked, last), (count, count));
    assert_eq!((report.mismatches, report.out_of_bound, report.first.len()), (0, 0, 0), "{f:?} {:?}", report.first);
    match (subject, &report.adapter) {
        (Subject::Cpu, None) => {}
        (Subject::Gpu { adapter, .. }, Some(info)) => assert_eq!(info.name, adapter.get_info().name),
        _ => panic!("{:?}", report.adapter),
    }
    assert!(report.flushed == 0 || flushes(subject) != Some(false), "{f:?} {}", report.flushed);
    report
}

/// Whether a driver flushes subnormals, which WGSL allows. `None` if unknown.
fn flushes(subject: &Subject) -> Option<bool> {
    match subject.name() {
        name if name == "cpu" || name.contains("llvmpipe") => Some(false),
        name if name.contains("swiftshader") => Some(true),
        _ => None,
    }
}

fn presets(subject: &Subject) {
    for f in PRESETS {
        let samples = validate::samples::<f32>(f);
        let report = run(subject, f, Inputs::Data(&samples));
        assert!(report.checked > 1 << 24 && report.nan_checked > 1 << 16);
        assert_eq!((report.flushed, report.max_ulp), (0, 1));
        assert!(report.max_abs_error < 8.4e-8, "{}", report.max_abs_error);
    }
}

/// All 65,536 numbers of a 16-bit type. Some of the functions have subnormal results, but not the presets.
fn every_half<T: Element>(subject: &Subject) {
    let others = [(1.0, 0.0), (-0.3, 0.7), (1e-6, 1e-7), (2e3, -1.0), (0.0, 0.3)];
    for f in PRESETS.into_iter().chain(others.map(|(alpha, beta)| HardSigmoid::new(alpha, beta).unwrap())) {
        let report = run(subject, f, Inputs::<T>::Bits(0..=0xffff));
        assert_eq!((report.checked, report.nan_checked), (65_536, if T::NAME == "f16" { 2046 } else { 254 }));
        if PRESETS.contains(&f) {
            assert_eq!(report.flushed, 0);
            assert!(report.max_ulp <= 1, "{}", report.max_ulp);
        }
    }
}

fn every_nan(subject: &Subject) {
    let halves = [0x7f80_0001..=0x7fff_ffff, 0xff80_0001..=0xffff_ffff];
    let checked: u64 =
        halves.map(|bits| run(subject, HardSigmoid::PYTORCH, Inputs::<f32>::Bits(bits)).nan_checked).iter().sum();
    assert_eq!(checked, (1 << 24) - 2);
}

fn every_subnormal(subject: &Subject) {
    for f in PRESETS {
        for bits in [0..=0x007f_ffff, 0x8000_0000..=0x807f_ffff] {
            assert_eq!(run(subject, f, Inputs::<f32>::Bits(bits)).flushed, 0);
        }
    }
}

fn pairs(subject: &Subject) {
    let two = |e| 2_f64.powi(e);
    let pairs = [
        (two(-100), two(-100)),
        (two(100), two(100)),
        (-two(100), 1.0),
        (two(-50), -two(50)),
        (1.0 / 3.0, 1.0 / 7.0),
        (-1e-3, 1e3),
        (1e9, -1e9),
        (0.0, 0.3),
        (0.2, 0.0),
    ];
    for (alpha, beta) in pairs {
        let f = HardSigmoid::new(alpha, beta).unwrap();
        let samples: Vec<f32> = validate::samples::<f32>(f).into_iter().step_by(7).collect();
        run(subject, f, Inputs::Data(&samples));
    }
}

/// The function returns x if it is in [0, 1], so each subnormal is returned unchanged or flushed.
fn flushed(subject: &Subject) {
    let report = run(subject, HardSigmoid::new(1.0, 0.0).unwrap(), Inputs::<f32>::Bits(0..=0x00ff_ffff));
    let all = 0x007f_ffff;
    match flushes(subject) {
        Some(false) => assert_eq!((report.flushed, report.max_ulp), (0, 0)),
        Some(true) => assert_eq!((report.flushed, report.max_ulp), (all, 0)),
        None => assert!(report.flushed <= all && report.max_ulp == 0),
    }
}
