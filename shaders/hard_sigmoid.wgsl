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

// The backward pass: a gradient with respect to y times slope, where what was saved of the forward pass (x, or y with
// other thresholds) lies strictly between lower and upper; 0 elsewhere. The host computes the fields (`BackwardParams`
// in Rust).
struct HardSigmoidBackward {
    slope: f32,
    lower: f32,
    upper: f32,
}

// An integer that orders f32 as their values are, on drivers that flush subnormals too; NaN lie outside of the infinities.
fn hard_sigmoid_order(x: u32) -> i32 {
    let bits = bitcast<i32>(x);
    return select(bits, bits ^ 0x7fffffff, bits < 0);
}

fn hard_sigmoid_backward_bits(saved: u32, grad_y: u32, f: HardSigmoidBackward) -> u32 {
    let at = hard_sigmoid_order(saved);
    let is_above = at > hard_sigmoid_order(bitcast<u32>(f.lower));
    let is_inside = is_above && at < hard_sigmoid_order(bitcast<u32>(f.upper));
    let is_nan = (grad_y & 0x7fffffffu) > 0x7f800000u;
    let grad_x = select(bitcast<u32>(bitcast<f32>(grad_y) * f.slope), grad_y | 0x00400000u, is_nan);
    return select(0u, grad_x, is_inside);
}

fn hard_sigmoid_backward(saved: f32, grad_y: f32, f: HardSigmoidBackward) -> f32 {
    return bitcast<f32>(hard_sigmoid_backward_bits(bitcast<u32>(saved), bitcast<u32>(grad_y), f));
}
