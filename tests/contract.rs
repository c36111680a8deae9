//! The contract of `HardSigmoid`, compared with different formulas in f64: α·x + β with one rounding, or x/5 + 1/2 and
//! x/6 + 1/2.
//!
//! The tests over all 2³² f32 are ignored by default. `scripts/exhaustive` runs them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{HardSigmoid, Saturation, cpu, validate};
use rayon::prelude::*;

/// The largest relative error of one rounding in f32.
const U: f64 = 1.0 / (1 << 24) as f64;

const PRESETS: [(HardSigmoid, f64); 2] = [(HardSigmoid::ONNX, 5.0), (HardSigmoid::PYTORCH, 6.0)];

/// The i-th f32 in ascending order, from -∞ to ∞.
fn ascending(i: u32) -> f32 {
    const NEGATIVE: u32 = 0x7f80_0001;
    if i < NEGATIVE { f32::from_bits(0xff80_0000 - i) } else { f32::from_bits(i - NEGATIVE) }
}

/// The number of f32 that are not NaN.
const NUMBERS: u32 = 2 * 0x7f80_0001;

/// A pseudo-random number generator.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number of either sign with a magnitude from 2^low to 2^high, whose exponents are equally likely.
    fn magnitude(&mut self, low: f64, high: f64) -> f64 {
        (low + (high - low) * self.unit()).exp2() * if self.bits().is_multiple_of(2) { 1.0 } else { -1.0 }
    }
}

/// Pairs of α and β: difficult ones, and random ones from the whole domain.
fn pairs() -> Vec<(f64, f64)> {
    let mut pairs = vec![
        (0.1, 0.3),
        (-0.2, 0.5),
        (1.0 / 3.0, 1.0 / 7.0),
        (2_f64.powi(-100), 2_f64.powi(-100)),
        (2_f64.powi(100), 2_f64.powi(100)),
        (-(2_f64.powi(-100)), 1.0),
        (2_f64.powi(100), 1.0),
        (1e-30, 1e5),
        (3e7, -1e7),
        (1.0, 1e-30),
        (0.2, 0.0),
        (1.1754944e-38, 0.25),
        (3.4e38, -4.0),
        // β/α is the midpoint of two f32, or very close to it.
        (1.0, 1.0 + U),
        (1.0, 1.0 + 3.0 * U),
        (1.0, -(1.0 + U * (1.0 + 1e-6))),
    ];
    let mut random = Random(1);
    while pairs.len() < 400 {
        let (alpha, shift) = (random.magnitude(-100.0, 100.0), random.magnitude(-100.0, 100.0));
        let beta = alpha * shift;
        if (2_f64.powi(-100)..2_f64.powi(100)).contains(&beta.abs()) {
            pairs.push((alpha, beta));
        }
    }
    // Most of the pairs above saturate for nearly every x. These have more results between 0 and 1.
    while pairs.len() < 800 {
        pairs.push((random.magnitude(-20.0, 20.0), random.magnitude(-8.0, 8.0)));
    }
    pairs
}

/// Inputs between the edges, and around both edges at all distances.
fn inputs(alpha: f64, beta: f64, random: &mut Random) -> Vec<f32> {
    let edges = [-beta / alpha, (1.0 - beta) / alpha];
    let mut x: Vec<f32> =
        (0..400).map(|_| (edges[0] + (edges[1] - edges[0]) * (1.2 * random.unit() - 0.1)) as f32).collect();
    for edge in edges {
        let nearest = (edge as f32).to_bits();
        x.extend((0..200).map(|i| f32::from_bits(nearest.wrapping_add(i).wrapping_sub(100))));
        x.extend(
            (0..31).flat_map(|i| [nearest.wrapping_add(1 << i), nearest.wrapping_sub(1 << i)]).map(f32::from_bits),
        );
    }
    x.retain(|x| !x.is_nan());
    x
}

#[test]
fn any_pair_stays_within_the_stated_bound() {
    let mut random = Random(2);
    let (mut checked, mut worst) = (0, 0_f64);
    for (alpha, beta) in pairs() {
        let f = HardSigmoid::new(alpha, beta).unwrap();
        for x in inputs(alpha, beta, &mut random) {
            let exact = alpha.mul_add(f64::from(x), beta).clamp(0.0, 1.0);
            // The factor covers the second order, and the last term a subnormal product.
            let bound = (beta.abs() * U + 3.0 * U * exact) * (1.0 + 4.0 * U) + 2_f64.powi(-149);
            let error = (f64::from(f.eval(x)) - exact).abs();
            assert!(error <= bound, "{alpha:e} {beta:e} {x:e}: {error:e} > {bound:e}");
            worst = worst.max(error / bound);
            checked += 1;
        }
    }
    assert!(checked > 500_000, "{checked}");
    // The bound is not much wider than necessary.
    assert!(worst > 0.6, "{worst}");
}

#[test]
fn constants_are_clamped_beta_rounded_once() {
    for beta in [-1.0, 0.0, 1e-50, 0.1, 1.0 / 3.0, 1.0, 2.0] {
        let f = HardSigmoid::new(0.0, beta).unwrap();
        for i in (0..NUMBERS).step_by(100_003) {
            assert_eq!(f.eval(ascending(i)), beta.clamp(0.0, 1.0) as f32, "{beta}");
        }
    }
}

/// The f32 formulas of other systems, with `HardTanh` or `ReLU6`, give nearly the same results.
#[test]
fn other_spellings_agree() {
    let (hardtanh, relu6) = (|x: f32, lo, hi| x.clamp(lo, hi), |x: f32| x.clamp(0.0, 6.0));
    for i in (0..NUMBERS).step_by(997) {
        let x = ascending(i);
        let sixth = f64::from(HardSigmoid::PYTORCH.eval(x));
        // The same sum, but a division instead of a multiplication by a rounded slope.
        for other in [hardtanh(x + 3.0, 0.0, 6.0) / 6.0, relu6(x + 3.0) / 6.0] {
            assert!((sixth - f64::from(other)).abs() <= 3.0 * U * sixth, "{x:e}");
        }
        // A product and a sum of at most 1, each rounded: an absolute error of up to 2 U.
        let fifth = f64::from(HardSigmoid::ONNX.eval(x));
        for (ours, other) in
            [(fifth, hardtanh(x * 0.2 + 0.5, 0.0, 1.0)), (sixth, hardtanh(x * (1.0 / 6.0) + 0.5, 0.0, 1.0))]
        {
            assert!((ours - f64::from(other)).abs() <= 3.0 * U * ours + 2.0 * U, "{x:e} {ours:e} {other:e}");
        }
    }
}

/// Checks a preset at the `i`-th number and the next one.
fn check_preset(f: HardSigmoid, d: f64, i: u32) {
    let x = ascending(i);
    let y = f.eval(x);
    let exact = ((f64::from(x) / d + 0.5).clamp(0.0, 1.0)) as f32;
    assert!(y.to_bits().abs_diff(exact.to_bits()) <= 1, "{d} {x:e}: {y:e} is more than 1 ULP from {exact:e}");
    assert!(i + 1 == NUMBERS || y <= f.eval(ascending(i + 1)), "{d} {x:e}: not monotone");
    let mirrored = 1.0 - f64::from(f.eval(-x));
    assert!((f64::from(y) - mirrored).abs() <= 2.0 * U, "{d} {x:e}: f(-x) is not 1 - f(x)");
    assert_eq!(y.to_bits(), flushing(f, x).to_bits(), "{d} {x:e}: flushing subnormals changes the result");
}

/// The definition, with subnormals flushed before and after each operation.
fn flushing(f: HardSigmoid, x: f32) -> f32 {
    let flush = |x: f32| if x.abs() < f32::MIN_POSITIVE { 0.0 * x } else { x };
    let params = f.params();
    let sum = flush(flush(x) + flush(params.shift));
    let y = flush(flush(sum * flush(params.slope)).max(params.lo).min(params.hi));
    f32::from_bits(y.to_bits() & 0x7fff_ffff)
}

#[test]
fn presets_hold_at_every_thousandth_number() {
    for (f, d) in PRESETS {
        (0..NUMBERS).step_by(997).for_each(|i| check_preset(f, d, i));
        // Also at all numbers around the edges, where results are small or nearly saturated.
        for edge in [-d / 2.0, 0.0, d / 2.0] {
            let middle = first_from(edge);
            (middle - 100_000..middle + 100_000).for_each(|i| check_preset(f, d, i));
        }
    }
}

/// The index of the first number that is at least `edge`.
fn first_from(edge: f64) -> u32 {
    let (mut low, mut high) = (0, NUMBERS);
    while low < high {
        let middle = low + (high - low) / 2;
        if f64::from(ascending(middle)) >= edge {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[test]
#[ignore = "over all 2^32 f32: scripts/exhaustive"]
fn presets_hold_at_every_number() {
    for (f, d) in PRESETS {
        (0..NUMBERS).into_par_iter().for_each(|i| check_preset(f, d, i));
    }
}

/// The loops of the CPU path, vectorized, agree with the definition for each f32, NaNs included.
#[test]
#[ignore = "over all 2^32 f32: scripts/exhaustive"]
fn the_cpu_path_gives_the_bits_of_the_definition_and_counts_them() {
    const BLOCK: u32 = 1 << 14;
    for (f, _) in PRESETS {
        (0..u32::MAX / BLOCK + 1).into_par_iter().for_each(|block| {
            let x: Vec<f32> = (0..BLOCK).map(|i| f32::from_bits(block * BLOCK + i)).collect();
            let mut y = vec![0.0; x.len()];
            cpu::apply(f, &x, &mut y).unwrap();
            let mut counts = Saturation::default();
            for (&x, &y) in x.iter().zip(&y) {
                let expected = f.eval(x);
                assert_eq!(y.to_bits(), expected.to_bits(), "{f:?} {:#x}", x.to_bits());
                if expected.is_nan() {
                    assert!(x.is_nan() && y.to_bits() == x.to_bits() | 0x0040_0000, "{f:?} {:#x}", x.to_bits());
                }
                *match expected {
                    0.0 => &mut counts.zero,
                    1.0 => &mut counts.one,
                    _ if expected.is_nan() => &mut counts.nan,
                    _ => &mut counts.inside,
                } += 1;
            }
            assert_eq!(cpu::saturation(f, &x), counts, "{f:?} {block:#x}");
        });
    }
}

#[test]
fn rising_functions_are_monotone_and_falling_ones_too() {
    let mut random = Random(3);
    for (alpha, beta) in pairs() {
        let f = HardSigmoid::new(alpha, beta).unwrap();
        for x in inputs(alpha, beta, &mut random).into_iter().filter(|x| x.is_finite()) {
            let (y, above) = (f.eval(x), f.eval(x.next_up()));
            assert!(if alpha > 0.0 { y <= above } else { y >= above }, "{alpha:e} {beta:e} {x:e}");
        }
    }
}

/// A 16-bit result is the f32 result for the same input, rounded to nearest, ties to even. NaNs keep sign and payload.
#[test]
fn sixteen_bit_types_round_the_f32_result_once() {
    let pairs = [(0.2, 0.5), (1.0 / 6.0, 0.5), (-0.3, 0.7), (1e-3, 1e-4), (3e-6, 1e-7), (0.0, 0.3), (1.0, 0.0)];
    for f in pairs.map(|(alpha, beta)| HardSigmoid::new(alpha, beta).unwrap()) {
        for bits in 0..=u16::MAX {
            let (x, y) = (f16::from_bits(bits), f.eval(f16::from_bits(bits)));
            check_rounded(f, bits, x.to_f64(), y.to_bits(), 0x7c00, 0x200, |bits| f16::from_bits(bits).to_f64());
            let (x, y) = (bf16::from_bits(bits), f.eval(bf16::from_bits(bits)));
            check_rounded(f, bits, x.to_f64(), y.to_bits(), 0x7f80, 0x40, |bits| bf16::from_bits(bits).to_f64());
        }
    }
}

fn check_rounded(f: HardSigmoid, bits: u16, x: f64, y: u16, infinity: u16, quiet: u16, value: fn(u16) -> f64) {
    if bits & 0x7fff > infinity {
        assert_eq!(y, bits | quiet, "{f:?} {bits:#x}");
        return;
    }
    let wide = f64::from(f.eval(x as f32));
    let distance = |bits: u16| (value(bits) - wide).abs();
    for neighbour in [y.wrapping_sub(1), y + 1].into_iter().filter(|&n| n < infinity) {
        let nearer = distance(y) < distance(neighbour) || distance(y) == distance(neighbour) && y.is_multiple_of(2);
        assert!(nearer, "{f:?} {bits:#x}: {y:#x} for {wide:e}");
    }
    assert!(y < infinity, "{f:?} {bits:#x}");
}

/// x/d + 1/2 = (x + d/2)/d in twice the precision of f64, as a sum of two numbers.
fn twofold(x: f64, d: f64) -> (f64, f64) {
    let half = d / 2.0;
    let sum = x + half;
    let virtual_half = sum - x;
    let lost = (x - (sum - virtual_half)) + (half - virtual_half);
    let quotient = sum / d;
    (quotient, ((-quotient).mul_add(d, sum) + lost) / d)
}

#[test]
fn f64_is_evaluated_in_f64() {
    let u = 2_f64.powi(-53);
    let mut random = Random(4);
    for (f, d) in PRESETS {
        for i in 0..1_000_000 {
            // Between the edges, and close to the lower edge, where the result is small.
            let x = if i % 2 == 0 {
                d * (1.1 * random.unit() - 0.55)
            } else {
                -d / 2.0 * (1.0 - random.magnitude(-52.0, -2.0))
            };
            let (high, low) = twofold(x, d);
            let y = f.eval(x);
            if (0.0..=1.0).contains(&high) {
                assert!(((y - high) - low).abs() <= 3.0 * u * high * (1.0 + 1e-9), "{d} {x:e}: {y:e} {high:e}");
            } else {
                assert_eq!(y, high.clamp(0.0, 1.0));
            }
        }
        let nan = f64::from_bits(0xfff0_0000_1234_5678);
        assert_eq!(f.eval(nan).to_bits(), nan.to_bits() | 1 << 51);
        assert_eq!([f64::NEG_INFINITY, -d / 2.0, d / 2.0, f64::INFINITY].map(|x| f.eval(x)), [0.0, 0.0, 1.0, 1.0]);
    }
    assert_eq!(HardSigmoid::new(-0.2, 0.5).unwrap().eval(2.5_f64).to_bits(), 0);
}

/// Checks the error bound for f64, and that `validate` enforces it.
#[test]
fn f64_stays_within_the_stated_bound() {
    let u = 2_f64.powi(-53);
    let mut random = Random(5);
    for (alpha, beta) in [(0.3, -7.0), (-0.7, 9.3), (0.001, -1000.0), (0.2, 0.1), (1e9, -3e8), (-1e-6, 0.7)] {
        let f = HardSigmoid::new(alpha, beta).unwrap();
        let edges = [-beta / alpha, (1.0 - beta) / alpha];
        let x: Vec<f64> =
            (0..100_000).map(|_| edges[0] + (edges[1] - edges[0]) * (1.2 * random.unit() - 0.1)).collect();
        let y: Vec<f64> = x.iter().map(|&x| f.eval(x)).collect();
        for (&x, &y) in x.iter().zip(&y) {
            // Rounds once.
            let exact = alpha.mul_add(x, beta).clamp(0.0, 1.0);
            assert!((y - exact).abs() <= (beta.abs() + 4.0 * exact) * u * (1.0 + 1e-9), "{alpha} {beta} {x:e}");
        }
        assert_eq!(validate::first_out_of_bound(f, &x, &y), None);
        let mut wrong = y.clone();
        wrong[777] += 8.0 * (beta.abs() + 1.0) * u;
        if (0.0..1.0).contains(&wrong[777]) {
            assert_eq!(validate::first_out_of_bound(f, &x, &wrong).map(|d| d.index), Some(777));
        }
    }
}
