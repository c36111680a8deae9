// The backward pass: the source is what the forward pass saved, the operand is the gradient with respect to y.

const HAS_OPERAND: bool = true;

fn result(source: vec4<u32>, operand: vec4<u32>) -> vec4<u32> {
    return backward(source, operand);
}
