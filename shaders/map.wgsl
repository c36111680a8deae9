// One dispatch: computes a range of target elements from source elements of the same number.
//
// The host joins whole files into one module: hard_sigmoid.wgsl, then one or two of element/ (how elements lie in
// words), one of source/ (where the source lies) and of operand/ (where a second operand lies), one or two of op/ (what
// is computed), and this one. Counting adds count.wgsl.
//
// map_vectors writes whole vectors of four words. If source and target are misaligned against each other, it puts each
// source vector together from two. map_words writes single words and takes any range, so it also serves the ends of a
// range that fill no workgroup of vectors.

struct Dispatch {
    // The first source and target vector within their bindings; for map_words, the first element.
    source_first: u32,
    target_first: u32,
    // How many elements map_words computes. Vectors come in whole workgroups, which the host counts.
    len: u32,
}

// Threads in a workgroup.
override WORKGROUP: u32;

// How many elements the source lies further on than the vector at source_first.
override ROTATION: u32;

@group(0) @binding(1) var<uniform> dispatch: Dispatch;
@group(0) @binding(3) var<storage, read_write> target_vectors: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> target_words: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn map_vectors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load(i);
    let b = load(i + WORKGROUP);
    let c = load(i + WORKGROUP * 2u);
    let d = load(i + WORKGROUP * 3u);
    store(i, a);
    store(i + WORKGROUP, b);
    store(i + WORKGROUP * 2u, c);
    store(i + WORKGROUP * 3u, d);
}

@compute @workgroup_size(WORKGROUP)
fn map_words(@builtin(global_invocation_id) id: vec3<u32>) {
    map_word(word_start(id.x));
}

// Writes the word that begins with `element`.
fn map_word(element: u32) {
    if in_range(element) || in_range(element + PER_WORD - 1u) {
        var operand = 0u;
        if HAS_OPERAND {
            operand = operand_word(element);
        }
        let word = element / PER_WORD;
        let fresh = result(vec4(joined_source(element)), vec4(operand)).x;
        target_words[word] = merge(element, fresh, target_words[word]);
    }
}

// The source of the word that begins with `element`.
fn joined_source(element: u32) -> u32 {
    return join(source_element(element), source_element(element + 1u));
}

fn load(i: u32) -> vec4<u32> {
    let at = dispatch.source_first + i;
    var x = source_vector(at);
    if ROTATION != 0u {
        x = rotate(x, source_vector(at + 1u));
    }
    return x;
}

fn store(i: u32, source: vec4<u32>) {
    var operand = vec4(0u);
    if HAS_OPERAND {
        operand = operand_vector(i);
    }
    target_vectors[dispatch.target_first + i] = result(source, operand);
}

// Four words of two neighbouring vectors, from element ROTATION of the first one on.
fn rotate(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let words = ROTATION / PER_WORD;
    let low = rotate_words(a, b, words);
    if ROTATION % PER_WORD == 0u {
        return low;
    }
    // From the middle of a word on.
    let high = rotate_words(a, b, words + 1u);
    return (low >> vec4(16u)) | (high << vec4(16u));
}

fn rotate_words(a: vec4<u32>, b: vec4<u32>, words: u32) -> vec4<u32> {
    switch words {
        case 1u: { return vec4(a.yzw, b.x); }
        case 2u: { return vec4(a.zw, b.xy); }
        case 3u: { return vec4(a.w, b.xyz); }
        case 4u: { return b; }
        default: { return a; }
    }
}

// The first element of the word that a thread of map_words writes, counted from the start of the target binding.
fn word_start(thread: u32) -> u32 {
    return (dispatch.target_first / PER_WORD + thread) * PER_WORD;
}

fn in_range(element: u32) -> bool {
    return element - dispatch.target_first < dispatch.len;
}

// The source of a target element, in the low bits; 0 outside of the range.
fn source_element(element: u32) -> u32 {
    if !in_range(element) {
        return 0u;
    }
    let at = element - dispatch.target_first + dispatch.source_first;
    return pick(source_word(at / PER_WORD), at);
}

// An element of a word, in the low bits. The high bits may hold its neighbour.
fn pick(word: u32, element: u32) -> u32 {
    return word >> (16u * (element % PER_WORD));
}

// The word of two elements that are in the low bits, or of one.
fn join(low: u32, high: u32) -> u32 {
    return select(low, (low & 0xffffu) | (high << 16u), PER_WORD == 2u);
}

// A word of fresh elements where they are in the range, and old ones elsewhere.
fn merge(element: u32, fresh: u32, old: u32) -> u32 {
    let mask = present(element);
    return (old & ~mask) | (fresh & mask);
}

// The bits of those elements of a word that are in the range.
fn present(element: u32) -> u32 {
    return mask(vec4(in_range(element)), vec4(in_range(element + PER_WORD - 1u))).x;
}
