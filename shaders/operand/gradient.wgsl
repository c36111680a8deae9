// The second operand is in a buffer of its own, aligned as the source is.

@group(0) @binding(4) var<storage, read> gradient_vectors: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> gradient_words: array<u32>;

fn operand_vector(i: u32) -> vec4<u32> {
    let at = dispatch.source_first + i;
    var x = gradient_vectors[at];
    if ROTATION != 0u {
        x = rotate(x, gradient_vectors[at + 1u]);
    }
    return x;
}

fn operand_word(element: u32) -> u32 {
    return join(gradient_element(element), gradient_element(element + 1u));
}

fn gradient_element(element: u32) -> u32 {
    if !in_range(element) {
        return 0u;
    }
    let at = element - dispatch.target_first + dispatch.source_first;
    return pick(gradient_words[at / PER_WORD], at);
}
