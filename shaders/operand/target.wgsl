// The second operand of an operation that has one is what the target holds, which the result replaces.

fn operand_vector(i: u32) -> vec4<u32> {
    return target_vectors[dispatch.target_first + i];
}

fn operand_word(element: u32) -> u32 {
    return target_words[element / PER_WORD];
}
