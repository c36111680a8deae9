//! Checks notice what is wrong, and accept what is right.

#![allow(clippy::unwrap_used, reason = "tests")]

use hard_sigmoid::HardSigmoid;
use hard_sigmoid::half;
use hard_sigmoid::validate::{self, Inputs, first_mismatch, first_out_of_bound, validate_cpu};

#[test]
fn accepts_eval_and_nothing_a_little_off() {
    let source: Vec<f32> = (0..1 << 16).map(|i| (i - (1 << 15)) as f32 * 2e-4).collect();
    for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH, HardSigmoid::new(-0.3, 0.7).unwrap()] {
        let mut target: Vec<f32> = source.iter().map(|&x| f.eval(x)).collect();
        assert_eq!(first_mismatch(f, &source, &target), None);
        assert_eq!(first_out_of_bound(f, &source, &target), None);
        let (index, right) = (34_567, target[34_567]);
        target[index] = right.next_up();
        // Not the first, and in another chunk.
        target[60_000] = 7.0;
        let difference = first_mismatch(f, &source, &target).unwrap();
        assert_eq!((difference.index, difference.got, difference.expected), (34_567, right.next_up(), right));
        target[index] = right + 3e-7;
        assert_eq!(first_out_of_bound(f, &source, &target).unwrap().index, 34_567);
    }
}

#[test]
fn notices_a_lost_nan_and_a_minus_zero() {
    let f = HardSigmoid::PYTORCH;
    let nan = f32::from_bits(0xff81_2345);
    assert_eq!(first_out_of_bound(f, &[nan], &[f.eval(nan)]), None);
    assert!(first_out_of_bound(f, &[nan], &[f32::NAN]).is_some());
    assert!(first_out_of_bound(f, &[nan], &[1.0]).is_some());
    for (x, y) in [(-7.0, -0.0), (-7.0, -1e-45), (7.0, 1.0_f32.next_up()), (0.0, f32::NAN)] {
        assert!(first_out_of_bound(f, &[x], &[y]).is_some(), "{x} {y}");
    }
    assert!(first_mismatch(f, &[-7.0], &[-0.0]).is_some());
}

#[test]
fn backward_of_every_half_on_the_cpu_is_within_an_ulp() {
    let other = |alpha, beta| HardSigmoid::new(alpha, beta).unwrap();
    let functions = [HardSigmoid::PYTORCH, other(-0.7, 0.2), HardSigmoid::ONNX, other(0.25, 0.5), other(1.0, 0.3)];
    // scripts/exhaustive sets this.
    let thorough = std::env::var_os("HARD_SIGMOID_THOROUGH").is_some();
    for &f in &functions[..if thorough { 5 } else { 2 }] {
        for backward in [f.backward(), f.backward_from_output()] {
            let report = validate_cpu(backward, Inputs::<half::f16>::Bits(0..=0xffff), |_| {});
            assert_eq!((report.checked, report.mismatches, report.max_ulp <= 1), (65_536, 0, true));
            let samples = validate::samples::<f32>(f);
            let report = validate_cpu(backward, Inputs::Data(&samples), |_| {});
            assert_eq!((report.mismatches, report.max_ulp <= 1), (0, true), "{}", report.max_ulp);
            let samples = validate::samples::<f64>(f);
            let report = validate_cpu(backward, Inputs::Data(&samples), |_| {});
            assert_eq!((report.mismatches, report.max_ulp <= 1), (0, true), "{}", report.max_ulp);
            assert_eq!(report.out_of_bound, 0);
        }
    }
}
