// Hard sigmoid, y = clamp(alpha * x + beta, 0, 1), as a function to import or paste.
//
// It is evaluated as (x + shift) * slope with slope = alpha and shift = beta / alpha. An addition followed by a
// multiplication cannot be contracted into a fused multiply-add, so every driver that does not flush subnormals gives
// the same bits. Small results keep their relative accuracy. The host computes the fields of the struct (`Params` in
// Rust). Read it from a buffer: if its fields were constants, a compiler might distribute the product over the sum.

struct HardSigmoid {
    slope: f32,
    shift: f32,
    lo: f32,
    hi: f32,
}

// The function on the bits of four f32. A NaN gives a quiet NaN with the same sign and payload. WGSL allows an
// implementation to assume that arithmetic meets no NaN, so NaNs are handled as integers. Clearing the sign turns the
// -0 that clamp may return into +0.
fn hard_sigmoid_vec4_bits(x: vec4<u32>, f: HardSigmoid) -> vec4<u32> {
    let y = clamp((bitcast<vec4<f32>>(x) + f.shift) * f.slope, vec4(f.lo), vec4(f.hi));
    let is_nan = (x & vec4(0x7fffffffu)) > vec4(0x7f800000u);
    return select(bitcast<vec4<u32>>(y) & vec4(0x7fffffffu), x | vec4(0x00400000u), is_nan);
}

fn hard_sigmoid_vec4(x: vec4<f32>, f: HardSigmoid) -> vec4<f32> {
    return bitcast<vec4<f32>>(hard_sigmoid_vec4_bits(bitcast<vec4<u32>>(x), f));
}

fn hard_sigmoid(x: f32, f: HardSigmoid) -> f32 {
    return hard_sigmoid_vec4(vec4(x), f).x;
}

// The backward pass: the gradient with respect to y times slope where the saved value lies strictly between lower and
// upper, and 0 elsewhere. The saved value is x or y, with different thresholds. The host computes the fields
// (`BackwardParams` in Rust).
struct HardSigmoidBackward {
    slope: f32,
    lower: f32,
    upper: f32,
}

// Maps the bits of f32 to integers in the same order, so that drivers that flush subnormals compare them correctly.
// NaNs lie beyond the infinities.
fn hard_sigmoid_order(x: vec4<u32>) -> vec4<i32> {
    let bits = bitcast<vec4<i32>>(x);
    return select(bits, bits ^ vec4(0x7fffffff), bits < vec4(0));
}

fn hard_sigmoid_backward_vec4_bits(saved: vec4<u32>, grad_y: vec4<u32>, f: HardSigmoidBackward) -> vec4<u32> {
    let at = hard_sigmoid_order(saved);
    let is_above = at > hard_sigmoid_order(vec4(bitcast<u32>(f.lower)));
    let is_inside = is_above & (at < hard_sigmoid_order(vec4(bitcast<u32>(f.upper))));
    let is_nan = (grad_y & vec4(0x7fffffffu)) > vec4(0x7f800000u);
    let product = bitcast<vec4<u32>>(bitcast<vec4<f32>>(grad_y) * f.slope);
    return select(vec4(0u), select(product, grad_y | vec4(0x00400000u), is_nan), is_inside);
}

fn hard_sigmoid_backward_vec4(saved: vec4<f32>, grad_y: vec4<f32>, f: HardSigmoidBackward) -> vec4<f32> {
    let bits = hard_sigmoid_backward_vec4_bits(bitcast<vec4<u32>>(saved), bitcast<vec4<u32>>(grad_y), f);
    return bitcast<vec4<f32>>(bits);
}

fn hard_sigmoid_backward(saved: f32, grad_y: f32, f: HardSigmoidBackward) -> f32 {
    return hard_sigmoid_backward_vec4(vec4(saved), vec4(grad_y), f).x;
}
