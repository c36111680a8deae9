// The backward pass with the roles exchanged: the source is the gradient, the operand is what the forward pass saved.

const HAS_OPERAND: bool = true;

fn result(source: vec4<u32>, operand: vec4<u32>) -> vec4<u32> {
    return backward(operand, source);
}
