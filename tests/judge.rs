//! The judge says what is wrong with functions that are wrong, and accepts those that are right.

#![allow(clippy::unwrap_used, reason = "tests")]

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::validate::{Cause, Judgement, Kind, Pass, Tolerance, judge, judge_fn};
use hard_sigmoid::{Dtype, Element, HardSigmoid};

const ULP: Tolerance = Tolerance::Ulps(1);

/// Judges a function of one element.
fn forward<T: Element>(f: HardSigmoid, tolerance: Tolerance, compute: impl Fn(T) -> T) -> Judgement<T> {
    judge_fn(f, tolerance, |x, _| x.iter().map(|&x| compute(x)).collect())
}

fn backward<T: Element>(pass: impl Into<Pass>, tolerance: Tolerance, compute: impl Fn(T, T) -> T) -> Judgement<T> {
    judge_fn(pass, tolerance, |x, grad| x.iter().zip(grad).map(|(&x, &grad)| compute(x, grad)).collect())
}

/// The kinds outside of the tolerance.
fn wrong<T: Element>(judgement: &Judgement<T>) -> Vec<Kind> {
    judgement.findings.iter().filter(|finding| finding.fails).map(|finding| finding.kind).collect()
}

fn says<T: Element>(judgement: &Judgement<T>, parts: &[&str]) {
    let text = judgement.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn the_definition_of_every_type_is_right() {
    fn each<T: Element>() {
        let custom = HardSigmoid::new(-0.7, 0.2).unwrap();
        for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH, custom] {
            let judgement = forward::<T>(f, Tolerance::Bits, |x| f.eval(x));
            assert!(judgement.is_ok() && judgement.findings.is_empty() && judgement.causes.is_empty(), "{judgement}");
            assert_eq!(judgement.max_ulp, if f == custom { judgement.max_ulp } else { judgement.max_ulp.min(1) });
            for pass in [f.backward(), f.backward_from_output()] {
                for tolerance in [Tolerance::Bits, ULP] {
                    let judgement = backward::<T>(pass, tolerance, |x, grad| pass.eval(x, grad));
                    assert!(judgement.is_ok() && judgement.findings.is_empty(), "{judgement}");
                    assert!(judgement.checked > 1 << 16 && judgement.max_ulp <= 1);
                }
            }
        }
        assert!(forward::<T>(HardSigmoid::ONNX, ULP, |x| HardSigmoid::ONNX.eval(x)).is_ok());
    }
    each::<f16>();
    each::<bf16>();
    if std::env::var_os("HARD_SIGMOID_THOROUGH").is_some() {
        each::<f32>();
        each::<f64>();
    }
}

#[test]
fn the_largest_error_is_a_distance_from_the_exact_result_also_of_the_right_bits() {
    let x: Vec<_> = (1..1000).map(|i| f32::from_bits((-2.5_f32).to_bits() - i)).collect();
    let y: Vec<_> = x.iter().map(|&x| HardSigmoid::ONNX.eval(x)).collect();
    let judgement = judge(HardSigmoid::ONNX, Tolerance::Bits, &x, &[], &y);
    let worst = judgement.worst.as_ref().unwrap();
    assert!(judgement.is_ok() && judgement.max_ulp == 1 && worst.got != worst.expected, "{judgement}");
}

#[test]
fn nan_to_1() {
    let judgement = forward(HardSigmoid::ONNX, ULP, |x: f32| if x.is_nan() { 1.0 } else { HardSigmoid::ONNX.eval(x) });
    assert_eq!((wrong(&judgement), &judgement.causes[..]), (vec![Kind::Nan], &[][..]));
    says(&judgement, &["**wrong**: onnx, f32, forward", "tolerance: 1 ULP", "wrong results for NaN", "gave 1e0"]);
    assert!(judgement.max_ulp <= 1);
}

#[test]
fn a_sum_that_cancels() {
    let (alpha, beta) = (1.0 / 6.0, 0.5);
    let judgement = forward(HardSigmoid::PYTORCH, ULP, |x: f32| (x * alpha + beta).clamp(0.0, 1.0));
    assert_eq!(judgement.causes, [Cause::Cancellation]);
    assert!(judgement.max_ulp > 2_000_000 && judgement.max_abs_error < 1e-7, "{judgement}");
    assert!((-3.1..-2.9).contains(&judgement.worst.unwrap().input));
    says(&judgement, &["cancellation near the lower edge", "edges: wrong results", "accuracy: inaccurate"]);
    let x = [(-2.5_f64).next_up(), 0.123_456_789];
    let wide = judge(HardSigmoid::ONNX, ULP, &x, &[], &x.map(|x| x * 0.2 + 0.5));
    assert_eq!(wide.causes, [Cause::Cancellation], "{wide}");
    // It is accurate in absolute terms.
    let judgement =
        forward(HardSigmoid::PYTORCH, Tolerance::Absolute(1e-7), |x: f32| (x * alpha + beta).clamp(0.0, 1.0));
    assert!(judgement.is_ok() && judgement.causes.is_empty(), "{judgement}");
}

#[test]
fn clamped_early() {
    let early = |x: f16| match x.to_f32() {
        x if x >= 2.4 => f16::ONE,
        x if x <= -2.4 => f16::ZERO,
        _ => HardSigmoid::ONNX.eval(x),
    };
    let judgement = forward(HardSigmoid::ONNX, ULP, early);
    assert_eq!((wrong(&judgement), &judgement.causes[..]), (vec![Kind::Edge, Kind::Early], &[][..]));
    // The least |x| comes first.
    let example = judgement.finding(Kind::Early).unwrap().examples[0];
    assert_eq!((example.input.to_f32().abs(), example.expected.to_f32()), (2.400_390_6, 0.019_927_979));
    says(&judgement, &["clamped early: results between the edges that are 0 or 1"]);
    let late = forward(HardSigmoid::ONNX, ULP, |x: f16| {
        if x.to_f32() > 2.6 { early(x / x * f16::from_f32(2.3)) } else { HardSigmoid::ONNX.eval(x) }
    });
    assert_eq!(wrong(&late), [Kind::Infinity, Kind::Late]);
}

#[test]
fn a_gradient_that_leaks() {
    let pass = HardSigmoid::PYTORCH.backward();
    // Both edges included.
    let judgement = backward(pass, ULP, |x: f32, grad| if x.abs() == 3.0 { grad / 6.0 } else { pass.eval(x, grad) });
    assert!(wrong(&judgement).contains(&Kind::Edge), "{judgement}");
    let edge = judgement.finding(Kind::Edge).unwrap();
    assert_eq!(edge.examples[0].input.abs(), 3.0);
    says(&judgement, &["edges: wrong results at an edge"]);
    let sixth = f16::from_f32(1.0 / 6.0);
    let judgement = backward(pass, ULP, |x: f16, grad| if x.to_f32() > -3.0 { grad * sixth } else { f16::ZERO });
    assert!(wrong(&judgement).contains(&Kind::Leak), "{judgement}");
    says(&judgement, &["leaking gradient: gradients beyond an edge that are not 0"]);
    let judgement = backward(pass, ULP, |x: f16, grad| if x.to_f32().abs() < 2.0 { grad * sixth } else { f16::ZERO });
    assert!(wrong(&judgement).contains(&Kind::Lost), "{judgement}");
}

#[test]
fn the_other_function() {
    let judgement = forward(HardSigmoid::PYTORCH, ULP, |x: f32| (0.2 * x + 0.5).clamp(0.0, 1.0));
    assert_eq!(judgement.causes, [Cause::OtherFunction(HardSigmoid::ONNX)]);
    says(&judgement, &["this is the other function: onnx (alpha 0.2000, beta 0.5)"]);
    let judgement =
        backward(HardSigmoid::ONNX.backward(), ULP, |x: bf16, g| HardSigmoid::PYTORCH.backward().eval(x, g));
    assert_eq!(judgement.causes, [Cause::OtherFunction(HardSigmoid::PYTORCH)]);
    let judgement = forward(HardSigmoid::ONNX, ULP, |x: f16| HardSigmoid::new(0.5, 0.2).unwrap().eval(x));
    assert_eq!(judgement.causes, [Cause::Swapped]);
    // An α with few digits.
    let judgement = forward(HardSigmoid::PYTORCH, ULP, |x: f32| (0.1667 * x + 0.5).clamp(0.0, 1.0));
    says(&judgement, &["another function: alpha is about 0.1667"]);
    // Within a large tolerance it is right.
    assert!(forward(HardSigmoid::ONNX, Tolerance::Absolute(0.1), |x: f16| HardSigmoid::PYTORCH.eval(x)).is_ok());
}

#[test]
fn what_was_rounded() {
    let pass = HardSigmoid::PYTORCH.backward();
    let sixth = f64::from(1.0_f32 / 6.0);
    let judgement = backward(pass, ULP, |x: f64, grad| if x.abs() < 3.0 { grad * sixth } else { 0.0 });
    assert_eq!(judgement.causes, [Cause::RoundedToF32]);
    let judgement = forward(HardSigmoid::ONNX, ULP, |x: f64| HardSigmoid::ONNX.eval(x as f32).into());
    assert_eq!(judgement.causes, [Cause::Narrow(Dtype::F32)]);
    let judgement = forward(HardSigmoid::ONNX, ULP, |x: f32| HardSigmoid::ONNX.eval(f16::from_f32(x)).into());
    assert_eq!(judgement.causes, [Cause::Narrow(Dtype::F16)]);
}

#[test]
fn other_kinds() {
    let f = HardSigmoid::PYTORCH;
    // (relu(x + 3) - relu(x - 3)) / 6
    let difference = |x: f16| {
        let relu = |x: f16| if x > f16::ZERO { x } else { f16::ZERO };
        (relu(x + f16::from_f32(3.0)) - relu(x - f16::from_f32(3.0))) / f16::from_f32(6.0)
    };
    let judgement = forward(f, ULP, difference);
    let kinds = [Kind::Infinity, Kind::Range, Kind::Late];
    assert!(kinds.iter().all(|kind| wrong(&judgement).contains(kind)), "{judgement}");
    let falls = judgement.finding(Kind::Descent).unwrap();
    assert!(falls.count > 1 && !falls.fails);
    says(&judgement, &["range: results outside of 0 to 1", "monotony: results that fall", "within the tolerance"]);

    let judgement = forward(f, ULP, |x: f16| if x.to_f32() <= -3.0 { f16::NEG_ZERO } else { f.eval(x) });
    assert_eq!(wrong(&judgement), [Kind::Infinity, Kind::MinusZero]);
    let judgement = forward(f, Tolerance::Absolute(0.0), |x: f16| if x.to_f32() <= -3.0 { f16::NEG_ZERO } else { x });
    assert!(!judgement.finding(Kind::MinusZero).unwrap().fails);
    let judgement =
        backward(
            f.backward(),
            ULP,
            |x: f16, g| if x.to_f32() == 7.0 { f16::NEG_ZERO } else { f.backward().eval(x, g) },
        );
    assert!(judgement.is_ok() && judgement.finding(Kind::MinusZero).is_some_and(|finding| !finding.fails));

    let judgement = forward(f, ULP, |x: f16| if x.to_f32() == 1.0 { f16::NAN } else { f.eval(x) });
    assert_eq!((wrong(&judgement), judgement.max_ulp), (vec![Kind::MadeNan], 0));
    // Another NaN is a NaN, but has other bits.
    let judgement = forward(f, ULP, |x: f16| if x.is_nan() { f16::NAN } else { f.eval(x) });
    assert!(judgement.is_ok() && judgement.findings.is_empty());
    let judgement = forward(f, Tolerance::Bits, |x: f16| if x.is_nan() { f16::NAN } else { f.eval(x) });
    assert_eq!(wrong(&judgement), [Kind::Nan]);

    let identity = HardSigmoid::new(1.0, 0.5).unwrap();
    let flushed = |x: bf16, grad: bf16| {
        let y = identity.backward().eval(x, grad);
        if y.to_f32().abs() < f32::MIN_POSITIVE { bf16::ZERO } else { y }
    };
    let judgement = backward(identity.backward(), ULP, flushed);
    assert!(wrong(&judgement).contains(&Kind::Subnormal), "{judgement}");
}

#[test]
fn lengths_that_differ() {
    let f = HardSigmoid::ONNX;
    let judgement = judge(f, ULP, &[0.0_f32, 9.0, 9.0], &[], &[0.5, 1.0]);
    assert_eq!((wrong(&judgement), judgement.checked), (vec![Kind::Length], 2));
    let judgement = judge(f.backward(), ULP, &[0.0_f32, 9.0], &[1.0], &[0.2, 0.0, 0.0]);
    assert_eq!((judgement.finding(Kind::Length).unwrap().count, judgement.checked), (2, 1));
    assert!(judge::<f32>(f, ULP, &[], &[], &[]).is_ok());
}

/// Inputs in any order, in more than one chunk.
#[test]
fn examples_are_the_smallest_inputs() {
    let f = HardSigmoid::new(-0.2, 0.5).unwrap();
    let x: Vec<f32> = (0..100_000_u64).map(|i| (i * 7_919 % 100_000) as f32 * 1e-4 - 5.0).collect();
    let mut y: Vec<f32> = x.iter().map(|&x| f.eval(x)).collect();
    for (&x, y) in x.iter().zip(&mut y).filter(|(x, _)| x.abs() < 1.0) {
        *y = 0.7 + 0.01 * x;
    }
    let judgement = judge(f, Tolerance::Absolute(1e-3), &x, &[], &y);
    let finding = judgement.finding(Kind::Inside).unwrap();
    assert_eq!((finding.examples.len(), finding.examples[0].input), (3, 0.0));
    assert!((19_900..20_001).contains(&finding.count), "{judgement}");
    let falls = judgement.finding(Kind::Descent).unwrap();
    assert!(falls.count > 10_000);
    assert_eq!(x[falls.examples[0].index as usize], falls.examples[0].input);
}

#[test]
fn data_of_ones_own() {
    let f = HardSigmoid::ONNX;
    let (x, y) = ([f32::NEG_INFINITY, 0.0, 4.0], [0.0, 0.5, 1.0]);
    assert!(judge(f, ULP, &x, &[], &y).is_ok());
    // No number is within a tolerance that is none.
    assert_eq!(wrong(&judge(f, Tolerance::Absolute(f64::NAN), &x, &[], &[0.0, 0.4, 0.0])), [Kind::Late, Kind::Inside]);
    says(&judge(f, ULP, &x[2..], &[], &[0.0]), &["not the 0 or 1 of that side", "gave 0e0"]);
    // Arrays of three lengths, the shortest of which is each of them.
    let backward = f.backward();
    for (x, grad, y, missing) in [(3, 1, 1, 2), (1, 3, 1, 2), (1, 1, 4, 3), (2, 0, 0, 2)] {
        let judgement = judge(backward, ULP, &vec![9.0_f32; x], &vec![1.0; grad], &vec![0.0; y]);
        assert_eq!(judgement.finding(Kind::Length).map(|finding| finding.count), Some(missing));
        assert!(!judgement.is_ok() && judgement.checked == x.min(grad).min(y) as u64);
    }
    // A gradient of 0 does not tell on which side of an edge x is.
    let of_zero = |x: f32| wrong(&judge(backward, ULP, &[x], &[0.0], &[0.5]));
    assert_eq!((of_zero(0.0), of_zero(9.0)), (vec![Kind::Inside], vec![Kind::Leak]));
    // A large gradient has a large rounding error.
    let large = judge(backward, Tolerance::Absolute(1e-3), &[0.0_f32], &[1e30], &[0.2001e30]);
    assert!(large.is_ok() && !judge(backward, Tolerance::Absolute(1e-5), &[0.0_f32], &[1e30], &[0.2001e30]).is_ok());
}

/// Near the lower edge, the definition has an error that other formulas do not avoid either.
#[test]
fn the_definition_does_not_cancel() {
    let f = HardSigmoid::new(-0.7, 0.2).unwrap();
    let edge = (2.0_f32 / 7.0).to_bits();
    let x: Vec<f32> = (edge - 1000..edge + 1000).map(f32::from_bits).collect();
    let definition = judge(f, ULP, &x, &[], &x.iter().map(|&x| f.eval(x)).collect::<Vec<_>>());
    assert!(!definition.is_ok() && definition.causes.is_empty(), "{definition}");
    // Nor does a result that is flushed.
    let f = HardSigmoid::new(1.0, 0.0).unwrap();
    let flushed = judge(f, ULP, &[1e-40_f32, 0.1], &[], &[0.0, 0.1]);
    assert_eq!((wrong(&flushed), &flushed.causes[..]), (vec![Kind::Subnormal], &[][..]));
}
