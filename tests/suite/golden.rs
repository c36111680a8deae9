//! Comparison with results of other systems, which `tests/data/make.py` generates.

use std::collections::BTreeMap;

use hard_sigmoid::HardSigmoid;
use hard_sigmoid::half::{bf16, f16};

use crate::numbers::Number;
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[
    ("golden_values_of_other_systems", values_of_other_systems),
    ("golden_seed_vector", seed_vector),
    ("golden_digits_batch", digits_batch),
    ("golden_values_of_other_systems_f16", sixteen_bits::<f16>),
    ("golden_values_of_other_systems_bf16", sixteen_bits::<bf16>),
    ("golden_gradients_f32", gradients::<f32>),
    ("golden_gradients_f16", gradients::<f16>),
    ("golden_gradients_bf16", gradients::<bf16>),
    ("golden_gradients_f64_on_the_cpu", |_| gradients::<f64>(&Subject::Cpu)),
];

/// The unit of the absolute error of other systems. They round α·x to f32 before they add β = 1/2, so results near 0
/// may be wrong by an ULP of 1/2.
const ULP_OF_HALF: f32 = f32::EPSILON / 2.0;

fn values_of_other_systems(subject: &Subject) {
    let file = include_str!("../data/golden.csv");
    let mut systems = BTreeMap::<(&str, &str, &str), (Vec<f32>, Vec<f32>)>::new();
    for line in file.lines().skip(1) {
        let [system, alpha, beta, x, y] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (xs, ys) = systems.entry((system, alpha, beta)).or_default();
        xs.push(f32::from_bits(u32::from_str_radix(x, 16).unwrap()));
        ys.push(f32::from_bits(u32::from_str_radix(y, 16).unwrap()));
    }
    assert_eq!(systems.len(), 13);
    for ((system, alpha, beta), (xs, theirs)) in systems {
        let f = HardSigmoid::new(alpha.parse().unwrap(), beta.parse().unwrap()).unwrap();
        for ((x, y), theirs) in xs.iter().zip(subject.apply(f, &xs)).zip(theirs) {
            // These two are accurate: the first rounds once, and the second divides an exact sum.
            let exact = system == "numpy seed" || system == "torch hardsigmoid";
            let near = theirs.next_down() <= y && y <= theirs.next_up();
            let close = if exact { near } else { near || (y - theirs).abs() <= 2.0 * ULP_OF_HALF };
            assert!(
                close && y.is_finite() || y.is_nan() && theirs.is_nan(),
                "{system} {alpha} {beta}: {x:e} {y:e} {theirs:e}"
            );
            assert!(y.is_sign_positive() || x.is_nan() && y.to_bits() == x.to_bits() | 0x40_0000, "{x:e} {y:e}");
            assert_eq!(y.is_nan(), x.is_nan());
        }
    }
}

fn seed_vector(subject: &Subject) {
    let x = [-7.0_f32, -2.5, -2.4, 0.0, 2.4, 2.5, 22.0];
    // The f32 nearest to -2.4 is 9.5e-8 less than that, so the exact result is 1.9e-8 less than 0.02.
    assert_eq!(subject.apply(HardSigmoid::ONNX, &x), [0.0, 0.0, 0.019_999_98, 0.5, 0.98, 1.0, 1.0]);
    let six = [-3.5_f32, -3.0, 0.0, 1.5, 3.0, 3.5];
    assert_eq!(subject.apply(HardSigmoid::PYTORCH, &six), [0.0, 0.0, 0.5, 0.75, 1.0, 1.0]);
}

fn digits_batch(subject: &Subject) {
    let x = npy(include_bytes!("../data/digits.npy"));
    for (f, theirs) in [
        (HardSigmoid::ONNX, npy(include_bytes!("../data/digits_onnx.npy"))),
        (HardSigmoid::PYTORCH, npy(include_bytes!("../data/digits_pytorch.npy"))),
    ] {
        for ((x, y), theirs) in x.iter().zip(subject.apply(f, &x)).zip(theirs) {
            assert!(theirs.next_down() <= y && y <= theirs.next_up(), "{x:e} {y:e} {theirs:e}");
        }
    }
}

/// The number with the given bits in hexadecimal.
fn number<T: Number>(bits: &str) -> T {
    let bytes = u64::from_str_radix(bits, 16).unwrap().to_le_bytes();
    bytemuck::pod_read_unaligned(&bytes[..size_of::<T>()])
}

/// The rows for an element type: the system, the function, and the numbers.
fn rows<T: Number>(file: &'static str) -> Vec<(&'static str, HardSigmoid, Vec<T>)> {
    let all = file.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let rows = all.filter(|row| row[1] == T::NAME);
    rows.map(|row| {
        let f = HardSigmoid::new(row[2].parse().unwrap(), row[3].parse().unwrap()).unwrap();
        (row[0], f, row[4..].iter().map(|bits| number(bits)).collect())
    })
    .collect()
}

/// The distance between two numbers in ULP.
fn distance<T: Number>(a: T, b: T) -> u64 {
    let from_zero = |x: T| {
        let sign = 1_i64 << (8 * size_of::<T>() - 1);
        let bits = x.raw() as i64;
        if bits & sign == 0 { bits } else { -(bits & !sign) }
    };
    from_zero(a).abs_diff(from_zero(b))
}

fn is_nan<T: Number>(x: T) -> bool {
    x.partial_cmp(&x).is_none()
}

fn sixteen_bits<T: Number>(subject: &Subject) {
    let rows = rows::<T>(include_str!("../data/golden_16bit.csv"));
    assert!(rows.len() > 500);
    for (system, f, row) in rows {
        let [x, theirs] = row[..] else { panic!("{row:?}") };
        let y = subject.apply(f, &[x])[0];
        // The reference evaluator computes in f16, so results near 0 lose most of their bits.
        let far = system == "onnx reference evaluator" && (y.widened() - theirs.widened()).abs() <= 1e-3;
        let near = is_nan(y) && is_nan(theirs) || distance(y, theirs) <= 1 || far;
        assert!(near, "{system} {x:e}: {y:e}, theirs {theirs:e}");
    }
}

fn gradients<T: Number>(subject: &Subject) {
    let rows = rows::<T>(include_str!("../data/golden_backward.csv"));
    assert!(rows.len() > 200);
    for (system, f, row) in rows {
        let [x, grad_y, theirs] = row[..] else { panic!("{row:?}") };
        let grad_x = subject.backward(f.backward(), &[x], &[grad_y])[0];
        let zeros = [grad_x, theirs].map(|g| g.widened() == 0.0);
        assert_eq!(zeros[0], zeros[1], "{system} {x:e} {grad_y:e}");
        // Even for f64, PyTorch multiplies by 1/6 rounded to f32.
        let rounded = T::NAME == "f64" && system == "torch hardsigmoid";
        let error = (grad_x.widened() - theirs.widened()).abs() / theirs.widened().abs();
        assert!(
            distance(grad_x, theirs) <= 1 || rounded && error <= 3e-8,
            "{system} {x:e} {grad_y:e}: {grad_x:e}, theirs {theirs:e}"
        );
    }
}

/// The data of a `.npy` file of version 1 with dtype `<f4` and 1,797 x 32 numbers.
fn npy(file: &[u8]) -> Vec<f32> {
    let header = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    let data: Vec<f32> = file[header..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!(data.len(), 1797 * 32);
    data
}
