//! The numbers that the function is applied to, and their comparison.

/// As many as a row of the render target has pixels.
pub(crate) const COUNT: usize = 1024;

/// Some that the function treats differently, a ramp, and normal numbers with any exponents. No NaN: WGSL lets an
/// implementation assume that there is none.
pub(crate) fn numbers() -> Vec<f32> {
    let mut x = vec![0.0, -0.0, 1.0, -1.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY];
    for edge in [-3.0_f32, -2.5, 2.5, 3.0] {
        x.extend([edge.next_down(), edge, edge.next_up()]);
    }
    x.extend((0..512).map(|i| i as f32 / 64.0 - 4.0));
    let mut state = 1_u32;
    while x.len() < COUNT {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x.extend(Some(f32::from_bits(state)).filter(|x| x.is_normal()));
    }
    x
}

pub(crate) fn assert_same(x: &[f32], got: &[f32], expected: impl Iterator<Item = f32>) {
    assert_eq!(got.len(), x.len());
    for ((x, got), expected) in x.iter().zip(got).zip(expected) {
        assert_eq!(got.to_bits(), expected.to_bits(), "of {x:e}: {got:e}, not {expected:e}");
    }
}
