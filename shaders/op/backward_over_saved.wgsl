// The backward pass with the roles exchanged: the source is the gradient, the operand is what the forward pass saved.

@group(0) @binding(0) var<uniform> params: HardSigmoidBackward;

const HAS_OPERAND: bool = true;

fn result_of_elements(source: vec4<u32>, operand: vec4<u32>) -> vec4<u32> {
    return narrow(hard_sigmoid_backward_vec4_bits(widen(operand), widen(source), params));
}
