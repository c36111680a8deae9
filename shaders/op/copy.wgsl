// The source as it is.

const HAS_OPERAND: bool = false;

fn result(source: vec4<u32>, operand: vec4<u32>) -> vec4<u32> {
    return source;
}
