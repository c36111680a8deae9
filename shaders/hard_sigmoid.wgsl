// Hard sigmoid, y = clamp(alpha * x + beta, 0, 1), as a function to import or paste.
//
// It is evaluated as (x + shift) * slope with slope = alpha and shift = beta / alpha. An addition followed by a
// multiplication cannot be contracted into a fused multiply-add, so every driver that calculates by the rules of WGSL
// and does not flush subnormals gives the same bits. Small results keep their relative accuracy. The host computes the
// fields of the struct (`Params` in Rust). Read it from a buffer: if its fields were constants, a compiler might
// distribute the product over the sum.

struct HardSigmoid {
    slope: f32,
    shift: f32,
    lo: f32,
    hi: f32,
}

// The function on the bits of four f32. A NaN gives a quiet NaN with the same sign and payload. WGSL allows an
// implementation to assume that arithmetic meets no NaN, so NaNs are handled as integers.
fn hard_sigmoid_vec4_bits(x: vec4<u32>, f: HardSigmoid) -> vec4<u32> {
    return hard_sigmoid_choose(hard_sigmoid_clamped(x, f), x | vec4(0x00400000u), hard_sigmoid_is_nan(x));
}

fn hard_sigmoid_vec4(x: vec4<f32>, f: HardSigmoid) -> vec4<f32> {
    return bitcast<vec4<f32>>(hard_sigmoid_vec4_bits(bitcast<vec4<u32>>(x), f));
}

fn hard_sigmoid(x: f32, f: HardSigmoid) -> f32 {
    return hard_sigmoid_vec4(vec4(x), f).x;
}

// The function for numbers. For a NaN, the result is some value from lo to hi.
//
// The bounds are not negative, and neither are the bits of such floats as integers. The bits of negative floats, -0
// among them, are negative integers. So the clamp of the bits is that of the floats, but never returns -0 or NaN.
fn hard_sigmoid_clamped(x: vec4<u32>, f: HardSigmoid) -> vec4<u32> {
    let z = bitcast<vec4<i32>>((bitcast<vec4<f32>>(x) + f.shift) * f.slope);
    return bitcast<vec4<u32>>(clamp(z, vec4(bitcast<i32>(f.lo)), vec4(bitcast<i32>(f.hi))));
}

fn hard_sigmoid_is_nan(x: vec4<u32>) -> vec4<bool> {
    return (x & vec4(0x7fffffffu)) > vec4(0x7f800000u);
}

// The backward pass: the gradient with respect to y times slope where the saved value lies strictly between lower and
// upper, and 0 elsewhere. The saved value is x or y, with different thresholds. The host computes the fields
// (`BackwardParams` in Rust).
struct HardSigmoidBackward {
    slope: f32,
    lower: f32,
    upper: f32,
}

fn hard_sigmoid_backward_vec4_bits(saved: vec4<u32>, grad_y: vec4<u32>, f: HardSigmoidBackward) -> vec4<u32> {
    let product = hard_sigmoid_product(grad_y, f);
    let grad_x = hard_sigmoid_choose(product, grad_y | vec4(0x00400000u), hard_sigmoid_is_nan(grad_y));
    return hard_sigmoid_choose(vec4(0u), grad_x, hard_sigmoid_is_inside(saved, f));
}

fn hard_sigmoid_backward_vec4(saved: vec4<f32>, grad_y: vec4<f32>, f: HardSigmoidBackward) -> vec4<f32> {
    let bits = hard_sigmoid_backward_vec4_bits(bitcast<vec4<u32>>(saved), bitcast<vec4<u32>>(grad_y), f);
    return bitcast<vec4<f32>>(bits);
}

fn hard_sigmoid_backward(saved: f32, grad_y: f32, f: HardSigmoidBackward) -> f32 {
    return hard_sigmoid_backward_vec4(vec4(saved), vec4(grad_y), f).x;
}

// The gradient times slope, for numbers.
fn hard_sigmoid_product(grad_y: vec4<u32>, f: HardSigmoidBackward) -> vec4<u32> {
    return bitcast<vec4<u32>>(bitcast<vec4<f32>>(grad_y) * f.slope);
}

// Whether the saved values lie between the thresholds. NaNs do not.
fn hard_sigmoid_is_inside(saved: vec4<u32>, f: HardSigmoidBackward) -> vec4<bool> {
    let at = hard_sigmoid_order(saved);
    let is_above = at > hard_sigmoid_order(vec4(bitcast<u32>(f.lower)));
    return is_above & (at < hard_sigmoid_order(vec4(bitcast<u32>(f.upper))));
}

// Maps the bits of f32 to integers in the same order, so that drivers that flush subnormals compare them correctly.
// NaNs lie beyond the infinities.
fn hard_sigmoid_order(x: vec4<u32>) -> vec4<i32> {
    let bits = bitcast<vec4<i32>>(x);
    return bits ^ ((bits >> vec4(31u)) & vec4(0x7fffffff));
}

// `select` for vectors of integers. That becomes `mix` in GLSL, which takes no integers in WebGL and before version
// 4.50. The `select` of scalars becomes `?:`.
fn hard_sigmoid_choose(if_false: vec4<u32>, if_true: vec4<u32>, condition: vec4<bool>) -> vec4<u32> {
    return vec4(
        select(if_false.x, if_true.x, condition.x),
        select(if_false.y, if_true.y, condition.y),
        select(if_false.z, if_true.z, condition.z),
        select(if_false.w, if_true.w, condition.w),
    );
}
