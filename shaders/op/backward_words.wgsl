// The backward pass on words of what was saved and of gradients.

@group(0) @binding(0) var<uniform> params: HardSigmoidBackward;

fn backward(saved: vec4<u32>, grad_y: vec4<u32>) -> vec4<u32> {
    let low = hard_sigmoid_product(widen_low(grad_y), params);
    let products = pack(grad_y, low, hard_sigmoid_product(widen_high(grad_y), params));
    // A driver may widen a NaN to a number, which might lie inside.
    let low_is_number = vec4(WIDENS_NAN) | !is_nan_low(saved);
    let high_is_number = vec4(WIDENS_NAN) | !is_nan_high(saved);
    let low_is_inside = hard_sigmoid_is_inside(widen_low(saved), params) & low_is_number;
    let high_is_inside = hard_sigmoid_is_inside(widen_high(saved), params) & high_is_number;
    return products & mask(low_is_inside, high_is_inside);
}
