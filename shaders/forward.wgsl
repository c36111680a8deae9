// The operation of map.wgsl: hard_sigmoid of the source.

const READS_TARGET: bool = false;

fn result_of_elements(source: vec4<u32>, old: vec4<u32>) -> vec4<u32> {
    return narrow(hard_sigmoid_vec4_bits(widen(source), HardSigmoid(params.x, params.y, params.z, params.w)));
}
