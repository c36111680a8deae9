// The source is in a buffer of its own.

@group(0) @binding(2) var<storage, read> source_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> source_words: array<u32>;

fn source_vector(i: u32) -> vec4<u32> {
    return source_vectors[i];
}

fn source_word(i: u32) -> u32 {
    return source_words[i];
}
