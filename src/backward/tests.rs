use half::{bf16, f16};

use super::*;

#[test]
fn presets_have_the_edges_of_their_rationals() {
    for (f, edge) in [(HardSigmoid::ONNX, 2.5_f32), (HardSigmoid::PYTORCH, 3.0)] {
        let slope = f.params().slope;
        assert_eq!(f.backward().params(), BackwardParams { slope, lower: -edge, upper: edge });
        assert_eq!(f.backward_from_output().params(), BackwardParams { slope, lower: 0.0, upper: 1.0 });
        for (x, grad) in [
            (edge, 0.0),
            (edge.next_down(), slope),
            (-edge, 0.0),
            (-edge.next_down(), slope),
            (f32::INFINITY, 0.0),
            (f32::NEG_INFINITY, 0.0),
            (f32::NAN, 0.0),
            (-f32::NAN, 0.0),
        ] {
            assert_eq!(f.backward().eval(x, 1.0).to_bits(), grad.to_bits(), "{edge} {x}");
        }
        assert_eq!(f.backward().eval(f64::from(edge).next_down(), 1.0), f.alpha());
    }
}

#[test]
fn thresholds_are_exact() {
    // α = a/8 and β = b/4, so that integer arithmetic can compare α·x + β with 0 and 1.
    for a in [-7_i128, -5, -3, -1, 1, 3, 5, 6, 7, 11] {
        for b in [-9_i128, -1, 0, 1, 2, 3, 4, 5, 8, 100] {
            let f = HardSigmoid::new(a as f64 / 8.0, b as f64 / 4.0).unwrap();
            // Compares α·x + β with y, for x = n/2^40, or for an x so small that only its sign matters.
            let above = |x: f32, y: i128| {
                let n = f64::from(x) * 2_f64.powi(40);
                let n = if n.abs() < 1.0 { n.partial_cmp(&0.0).unwrap() as i128 } else { n as i128 };
                (a * n).cmp(&((4 * y - b) << 41))
            };
            let BackwardParams { lower, upper, .. } = f.backward().params();
            let inside = |x: f32| above(x, 0).is_gt() && above(x, 1).is_lt();
            assert!(!inside(lower) && inside(lower.next_up()), "{a} {b} {lower:e}");
            assert!(!inside(upper) && inside(upper.next_down()), "{a} {b} {upper:e}");
        }
    }
}

#[test]
fn an_edge_that_an_ulp_of_alpha_moves_past_a_number_is_noticed() {
    // The last bit of α decides on which side of -3, -2.5 or -2 the lower edge lies.
    for (alpha, lower, upper) in [
        ((1.0_f64 / 6.0).next_up(), -3.0, 3.0),
        ((1.0_f64 / 6.0).next_down(), (-3.0_f32).next_down(), 3.0_f32.next_up()),
        (0.2_f64.next_down(), (-2.5_f32).next_down(), 2.5_f32.next_up()),
        (0.25, -2.0, 2.0),
        (0.25_f64.next_down(), (-2.0_f32).next_down(), 2.0_f32.next_up()),
    ] {
        let BackwardParams { lower: low, upper: high, .. } = HardSigmoid::new(alpha, 0.5).unwrap().backward().params();
        assert_eq!((low, high), (lower, upper), "{alpha}");
        let BackwardParams { lower: low, upper: high, .. } = HardSigmoid::new(-alpha, 0.5).unwrap().backward().params();
        assert_eq!((low, high), (-upper, -lower), "-{alpha}");
    }
    // 1 - β is not representable.
    let f = HardSigmoid::new(1.0, 1e-30).unwrap();
    assert_eq!(f.backward().params().upper, 1.0);
    assert_eq!(f.backward().coefficients::<f64>().upper, 1.0);
    assert_eq!(HardSigmoid::new(1.0, -1e-30).unwrap().backward().coefficients::<f64>().upper, 1.0_f64.next_up());
}

/// β is -α·x rounded, so that α·x + β is the rounding error of that product.
#[test]
fn what_a_product_rounds_off_decides() {
    let parts = |x: f64| (i128::from(x.to_bits() & ((1 << 52) - 1) | 1 << 52), (x.to_bits() >> 52) as i32 - 1075);
    let mut signs = [0; 2];
    for alpha in [0.1, 0.7, 1.1, 1.0 / 3.0, 0.9, 1.9, 0.012] {
        let x = 0.3_f32;
        let product = alpha * f64::from(x);
        let ((a, a_exponent), (b, b_exponent), (p, exponent)) = (parts(alpha), parts(x.into()), parts(product));
        let lost = (a * b).cmp(&(p << (exponent - a_exponent - b_exponent)));
        assert!(lost.is_ne(), "{alpha}");
        signs[usize::from(lost.is_gt())] += 1;
        let lower = HardSigmoid::new(alpha, -product).unwrap().backward().params().lower;
        assert_eq!(lower, if lost.is_gt() { x.next_down() } else { x }, "{alpha}");
    }
    assert!(!signs.contains(&0), "{signs:?}");
}

#[test]
fn extremes_end() {
    for (alpha, beta) in [(1.2e-38, 1.0), (1.2e-38, -4.0), (-1.2e-38, 4.0), (3.4e38, 10.0), (1e30, 0.0), (-1.0, 1.0)] {
        let f = HardSigmoid::new(alpha, beta).unwrap();
        let BackwardParams { lower, upper, .. } = f.backward().params();
        assert!(lower <= upper, "{alpha} {beta} {lower} {upper}");
        let coefficients = f.backward().coefficients::<f64>();
        assert!(coefficients.lower < coefficients.upper, "{alpha} {beta}");
    }
    // The upper edge is greater than every f32.
    let f = HardSigmoid::new(1.2e-38, -3.5).unwrap();
    assert_eq!(f.backward().params().upper, f32::INFINITY);
    let zero = HardSigmoid::new(-2.0, 0.0).unwrap().backward().params();
    assert_eq!((zero.lower, zero.upper.to_bits()), (-0.5, (-0.0_f32).to_bits()));
}

#[test]
fn gradients_of_every_kind() {
    let b = HardSigmoid::PYTORCH.backward();
    let quiet = |x: f32| x.to_bits() | 0x0040_0000;
    for bits in [0x7f80_0001_u32, 0xffc1_2345, 0x7fc0_0000] {
        let nan = f32::from_bits(bits);
        assert_eq!(b.eval(0.0, nan).to_bits(), quiet(nan));
        assert_eq!(b.eval(3.0, nan).to_bits(), 0);
    }
    assert_eq!(b.eval(0.0, f32::NEG_INFINITY), f32::NEG_INFINITY);
    assert_eq!(b.eval(9.0, f32::INFINITY).to_bits(), 0);
    assert_eq!(b.eval(0.0, -0.0_f32).to_bits(), (-0.0_f32).to_bits());
    assert_eq!(b.eval(bf16::ZERO, bf16::ONE), bf16::from_f64(1.0 / 6.0));
    assert_eq!(HardSigmoid::new(9.0, 0.5).unwrap().backward().eval(f16::ZERO, f16::MAX), f16::INFINITY);
    let constant = HardSigmoid::new(0.0, 0.5).unwrap();
    for b in [constant.backward(), constant.backward_from_output()] {
        assert_eq!(b.eval(0.5_f32, f32::INFINITY).to_bits(), 0);
    }
    // The forward pass rounds to 1 for this x.
    let x = 3.0_f32.next_down();
    assert_eq!(b.eval(x, 6.0), 1.0);
    assert_eq!(HardSigmoid::PYTORCH.backward_from_output().eval(HardSigmoid::PYTORCH.eval(x), 6.0), 0.0);
    assert_eq!(HardSigmoid::PYTORCH.backward_from_output().eval(0.5_f32, 6.0), 1.0);
}
