// Hard sigmoid, y = clamp(alpha * x + beta, 0, 1), as a function to import or paste.
//
// It is evaluated as (x + shift) * slope with slope = alpha and shift = beta / alpha: an add followed by a multiply
// cannot be contracted into a fused multiply-add, so every driver that does not flush subnormals gives the same bits,
// and the zero crossing keeps its relative accuracy. The host computes the fields (`Params` in Rust); they must reach
// the shader as data, since a compiler may distribute the product over constants.

struct HardSigmoid {
    slope: f32,
    shift: f32,
    lo: f32,
    hi: f32,
}

// The function on the raw bits of an f32. WGSL lets an implementation assume that no NaN occurs in arithmetic, so the
// test for one, and everything done with one, stays in integers: NaN gives a quiet NaN with its sign and payload.
// Masking the sign makes the -0 that clamp may let through a +0.
fn hard_sigmoid_bits(x: u32, f: HardSigmoid) -> u32 {
    let y = clamp((bitcast<f32>(x) + f.shift) * f.slope, f.lo, f.hi);
    let is_nan = (x & 0x7fffffffu) > 0x7f800000u;
    return select(bitcast<u32>(y) & 0x7fffffffu, x | 0x00400000u, is_nan);
}

fn hard_sigmoid(x: f32, f: HardSigmoid) -> f32 {
    return bitcast<f32>(hard_sigmoid_bits(bitcast<u32>(x), f));
}
