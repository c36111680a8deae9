// The source is in the target's buffer, through a binding of its own. Bindings of one buffer must have the same access.

@group(0) @binding(2) var<storage, read_write> source_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> source_words: array<u32>;

fn source_vector(i: u32) -> vec4<u32> {
    return source_vectors[i];
}

fn source_word(i: u32) -> u32 {
    return source_words[i];
}
