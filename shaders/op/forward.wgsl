// The function of the source.

@group(0) @binding(0) var<uniform> params: HardSigmoid;

const HAS_OPERAND: bool = false;

fn result_of_elements(source: vec4<u32>, operand: vec4<u32>) -> vec4<u32> {
    return narrow(hard_sigmoid_vec4_bits(widen(source), params));
}
