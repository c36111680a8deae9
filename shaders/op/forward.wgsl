// The function of the source.

@group(0) @binding(0) var<uniform> params: HardSigmoid;

const HAS_OPERAND: bool = false;

fn result(source: vec4<u32>, operand: vec4<u32>) -> vec4<u32> {
    return pack_result(source, low_results(source), high_results(source));
}

// The results in f32, which are numbers from 0 to 1 for NaNs, too.
fn low_results(source: vec4<u32>) -> vec4<u32> {
    return hard_sigmoid_clamped(widen_low(source), params);
}

fn high_results(source: vec4<u32>) -> vec4<u32> {
    return hard_sigmoid_clamped(widen_high(source), params);
}
