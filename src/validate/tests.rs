use half::f16;

use super::inputs::PIECE;
use super::*;

#[test]
fn counts_what_differs_and_sets_flushed_subnormals_apart() {
    let f = HardSigmoid::new(1.0, 0.0).unwrap();
    let x = [1e-40, 1e-40, 0.5, f32::NAN, 2.0, -1.0];
    let y = [1e-40, 0.0, 0.75, f32::NAN, 1.0, -0.0];
    let report = Oracle::new(f.into()).compare(&x, &[], &y, 100);
    assert_eq!((report.checked, report.mismatches, report.flushed, report.nan_checked), (6, 2, 1, 1));
    assert_eq!(report.first.iter().map(|d| d.index).collect::<Vec<_>>(), [102, 105]);
    assert_eq!((report.max_ulp, report.max_abs_error, report.out_of_bound), (u32::MAX, 0.25, 2));
    let report = Oracle::new(f.into()).compare(&[0.5_f32], &[], &[f32::NAN], 0);
    assert_eq!((report.mismatches, report.max_abs_error), (1, f64::INFINITY));
}

#[test]
fn a_report_has_the_first_differences_of_all_pieces() {
    let f = HardSigmoid::ONNX;
    let mut check = Check::new(f.into(), Inputs::<f32>::Bits(0x4000_0000..=0x4000_0000 + PIECE as u32 + 99));
    let wrong = [[3, CHUNK, 5 * CHUNK + 7], [0, 1, 2]];
    for wrong in wrong {
        assert!(check.next_piece());
        let counts = check.jobs().map(cpu::run).sum();
        wrong.into_iter().for_each(|i| check.y[i] = 7.0);
        check.compare(counts);
    }
    assert!(!check.next_piece());
    let expected = wrong[0].map(|i| i as u64).into_iter().chain(PIECE..PIECE + 3);
    assert!(check.report.first.iter().map(|d| d.index).eq(expected), "{:?}", check.report.first);
    assert_eq!((check.report.checked, check.report.mismatches), (PIECE + 100, 6));
}

#[test]
fn every_bit_pattern_of_a_range_is_an_input_once() {
    for (bits, count) in [(0..=u32::MAX, 1 << 32), (5..=5, 1), (u32::MAX - 2..=u32::MAX, 3)] {
        assert_eq!(Inputs::<f32>::Bits(bits).count(), count);
    }
    let inputs = Inputs::<f32>::Bits(7..=PIECE as u32 + 9);
    let mut all = Vec::new();
    let mut x = Vec::new();
    for done in [0, PIECE] {
        inputs.piece(done, &mut x);
        all.extend(x.iter().map(|x| x.to_bits()));
    }
    assert!(all.iter().copied().eq(7..=PIECE as u32 + 9));
    let report = validate_cpu(HardSigmoid::PYTORCH, inputs, |_| {});
    assert_eq!((report.checked, report.mismatches, report.max_ulp), (PIECE + 3, 0, 0));
}

#[test]
fn backward_counts_what_differs_and_sets_flushed_subnormals_apart() {
    let oracle = Oracle::new(HardSigmoid::PYTORCH.backward().into());
    let sixth = 1.0_f32 / 6.0;
    // Right, saturated, wrongly 0, product flushed, gradient flushed, one ULP off, NaN lost, and -0 for 0.
    let x = [1.0, 3.0, 2.999_999_8, 0.0, 0.0, 0.0, 0.0, 4.0];
    let g = [1.0, 1.0, 1.0, 4e-38, -1e-40, 1.0, f32::NAN, 1.0];
    let y = [sixth, 0.0, 0.0, 0.0, -0.0, sixth.next_up(), 0.0, -0.0];
    let report = oracle.compare(&x, &g, &y, 50);
    assert_eq!((report.checked, report.mismatches, report.flushed), (8, 4, 2));
    assert_eq!(report.first.iter().map(|d| d.index).collect::<Vec<_>>(), [52, 55, 56, 57]);
    assert_eq!(report.first[0].grad_y, Some(1.0));
    // An error of one ULP is a mismatch, but within the bound.
    assert_eq!((report.max_abs_error, report.out_of_bound), (1.0 / 6.0, 2));
    // The product is subnormal in f32, but rounds to a normal bf16.
    let half = Oracle::new(HardSigmoid::new(0.5, 0.6).unwrap().backward().into());
    let grad = half::bf16::from_f32(2.341_805_2e-38);
    assert_eq!(half.compare(&[half::bf16::ZERO], &[grad], &[half::bf16::ZERO], 0).flushed, 1);
    // None of these results is due to flushing.
    assert_eq!(oracle.compare(&[0.0_f32], &[1.0], &[0.0], 0).mismatches, 1);
    assert_eq!(oracle.compare(&[0.0_f32], &[1e-39], &[1.0], 0).mismatches, 1);
    assert_eq!(oracle.compare(&[0.0_f32], &[f32::INFINITY], &[f32::INFINITY], 0).max_ulp, 0);
    assert_eq!(oracle.compare(&[5.0_f32], &[f32::NAN], &[f32::NAN], 0).max_ulp, u32::MAX);
}

/// A driver may flush a subnormal f16 when it is widened to f32, in which it is a normal number.
#[test]
fn subnormal_f16_may_be_flushed() {
    let (least, zero, one) = (f16::from_bits(1), f16::ZERO, f16::ONE);
    let f = HardSigmoid::new(1.0, 0.0).unwrap();
    let flushed = |report: Report<f16>| (report.mismatches, report.flushed);
    let forward = Oracle::new(f.into());
    assert_eq!(flushed(forward.compare(&[f16::from_bits(0x3ff)], &[], &[zero], 0)), (0, 1));
    assert_eq!(flushed(forward.compare(&[f16::from_bits(0x400)], &[], &[zero], 0)), (1, 0));
    let backward = Oracle::new(f.backward_from_output().into());
    assert_eq!(flushed(backward.compare(&[least], &[one], &[zero], 0)), (0, 1));
    assert_eq!(flushed(backward.compare(&[f16::from_bits(0x400)], &[one], &[zero], 0)), (1, 0));
    assert_eq!(flushed(backward.compare(&[one / f16::from_f32(2.0)], &[least], &[zero], 0)), (0, 1));
    assert_eq!(flushed(backward.compare(&[least], &[one], &[least], 0)), (1, 0));
}

#[test]
fn f64_is_never_taken_for_flushed() {
    let f = HardSigmoid::new(1.0, 0.0).unwrap();
    let report = Oracle::new(f.backward().into()).compare(&[0.5_f64], &[1e-39], &[0.0], 0);
    assert_eq!((report.mismatches, report.flushed), (1, 0));
    let report = Oracle::new(f.into()).compare(&[1e-39_f64], &[], &[0.0], 0);
    assert_eq!((report.mismatches, report.flushed), (1, 0));
}

#[test]
fn wrong_counts_are_noticed() {
    let x: Vec<f32> = (0..40_000).map(|i| i as f32 * 2e-4 - 4.0).collect();
    let mut check = Check::new(HardSigmoid::PYTORCH.into(), Inputs::Data(&x));
    assert!(check.next_piece());
    let mut counts: Saturation = check.jobs().map(cpu::run).sum();
    check.compare_counts(counts);
    assert_eq!(check.report.miscounted, 0);
    // Two results are counted in another field, and one is not counted.
    counts.zero -= 3;
    counts.inside += 2;
    check.compare_counts(counts);
    assert_eq!(check.report.miscounted, 3);
}

#[test]
fn reports_add_up_in_the_order_of_elements() {
    let one = |index| Oracle::new(HardSigmoid::ONNX.into()).compare(&[0.0_f32], &[], &[7.0], index);
    let indexes = |report: Report<f32>| report.first.iter().map(|d| d.index).collect::<Vec<_>>();
    assert_eq!(indexes(one(9).add(one(3))), [3, 9]);
    // The third element is the first of the next piece.
    assert_eq!(indexes(one(1).add(one(0)).merge(one(0))), [0, 1, 2]);
}
