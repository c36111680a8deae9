// Buffers are arrays of words. A thread writes one word.

alias Unit = u32;

const UNIT_WORDS: u32 = 1u;

@compute @workgroup_size(WORKGROUP)
fn map_words(@builtin(global_invocation_id) id: vec3<u32>) {
    map_word(word_start(id.x));
}

// The i-th word of a buffer, which lies in this unit.
fn word_of(unit: Unit, i: u32) -> u32 {
    return unit;
}

fn set_target_word(i: u32, word: u32) {
    target_units[i] = word;
}
