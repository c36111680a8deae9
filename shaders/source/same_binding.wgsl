// The source is in the target's binding: the same range, or another one that lies close to it.
//
// A 16-bit source may end in the word in which its target begins. One thread then loads half of a word that another
// thread writes back unchanged.

fn source_vector(i: u32) -> vec4<u32> {
    return target_vectors[i];
}

fn source_word(i: u32) -> u32 {
    return target_words[i];
}
