// Buffers are arrays of words. A thread writes one word.

alias Unit = u32;

const UNIT_WORDS: u32 = 1u;

@compute @workgroup_size(WORKGROUP)
fn map_words(@builtin(global_invocation_id) id: vec3<u32>) {
    begin(id.y);
    map_word(word_start(id.x));
}

// Writes the word that begins with `element`.
fn map_word(element: u32) {
    let mask = present(element);
    if mask != 0u {
        let word = element / PER_WORD;
        let old = target_units[word];
        let fresh = result(vec4(joined_source(element)), vec4(joined_operand(element, old))).x;
        target_units[word] = (old & ~mask) | (fresh & mask);
    }
}

// The first element of the word that a thread writes, counted from the start of the target binding.
fn word_start(thread: u32) -> u32 {
    return (target_first() / PER_WORD + thread) * PER_WORD;
}

// The i-th word of a buffer, which lies in this unit.
fn word_of(unit: Unit, i: u32) -> u32 {
    return unit;
}
