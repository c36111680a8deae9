// The backward pass on words of what was saved and of gradients.

@group(0) @binding(0) var<uniform> params: HardSigmoidBackward;

fn backward(saved: vec4<u32>, grad_y: vec4<u32>) -> vec4<u32> {
    let low = hard_sigmoid_product(widen_low(grad_y), params);
    let products = pack(grad_y, low, hard_sigmoid_product(widen_high(grad_y), params));
    let low_is_inside = hard_sigmoid_is_inside(widen_low(saved), params);
    let is_inside = mask(low_is_inside, hard_sigmoid_is_inside(widen_high(saved), params));
    return products & is_inside;
}
