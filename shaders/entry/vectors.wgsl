// Buffers are arrays of vectors of four words. A thread writes four vectors. If source and target are misaligned
// against each other, it puts each source vector together from two.
//
// In map_mixed, further workgroups write the vectors before and after those, of which only some elements are in the
// range: one for each thread.
//
// Vectors are written as a whole. A driver may write all four words to write one.

alias Unit = vec4<u32>;

const UNIT_WORDS: u32 = 4u;

const PER_VECTOR: u32 = PER_WORD * 4u;

// How many elements the source lies further on than a vector.
override ROTATION: u32;

@compute @workgroup_size(WORKGROUP)
fn map_vectors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(group.y);
    map_four(group.x, thread);
}

@compute @workgroup_size(WORKGROUP)
fn map_mixed(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(group.y);
    if group.x < vector_groups() {
        map_four(group.x, thread);
    } else {
        map_edge(edge_start(group.x, thread));
    }
}

fn map_four(group: u32, thread: u32) {
    let i = group * WORKGROUP * 4u + thread;
    let a = load(i);
    let b = load(i + WORKGROUP);
    let c = load(i + WORKGROUP * 2u);
    let d = load(i + WORKGROUP * 3u);
    store(i, a);
    store(i + WORKGROUP, b);
    store(i + WORKGROUP * 2u, c);
    store(i + WORKGROUP * 3u, d);
}

fn load(i: u32) -> vec4<u32> {
    let at = source_index(i);
    var x = source_unit(at);
    if ROTATION != 0u {
        x = rotate(x, source_unit(at + 1u));
    }
    return x;
}

fn store(i: u32, source: vec4<u32>) {
    var operand = vec4(0u);
    if HAS_OPERAND {
        operand = operand_vector(i);
    }
    target_units[target_index(i)] = result(source, operand);
}

fn operand_vector(i: u32) -> vec4<u32> {
    if OPERAND_IS_TARGET {
        return operand_unit(target_index(i));
    }
    let at = source_index(i);
    var x = operand_unit(at);
    if ROTATION != 0u {
        x = rotate(x, operand_unit(at + 1u));
    }
    return x;
}

// Where the i-th vector lies in the source and in the target.
fn source_index(i: u32) -> u32 {
    return (source_first() + dispatch.head) / PER_VECTOR + i;
}

fn target_index(i: u32) -> u32 {
    return (target_first() + dispatch.head) / PER_VECTOR + i;
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

// The first element of the vector that a thread of the further workgroups writes, counted from the start of the target
// binding.
fn edge_start(group: u32, thread: u32) -> u32 {
    let i = (group - vector_groups()) * WORKGROUP + thread;
    let before = (target_first() % PER_VECTOR + dispatch.head) / PER_VECTOR;
    let between = select(0u, vector_groups() * WORKGROUP * 4u, i >= before);
    return (target_first() / PER_VECTOR + i + between) * PER_VECTOR;
}

// Writes those elements that are in the range of the vector that begins with `element`.
fn map_edge(element: u32) {
    let mask = vector_present(element);
    if any(mask != vec4(0u)) {
        let vector = element / PER_VECTOR;
        let old = target_units[vector];
        let operand = vec4(
            joined_operand(element, old.x),
            joined_operand(element + PER_WORD, old.y),
            joined_operand(element + PER_WORD * 2u, old.z),
            joined_operand(element + PER_WORD * 3u, old.w),
        );
        let fresh = result(vector_source(element), operand);
        target_units[vector] = (old & ~mask) | (fresh & mask);
    }
}

fn vector_source(element: u32) -> vec4<u32> {
    return vec4(
        joined_source(element),
        joined_source(element + PER_WORD),
        joined_source(element + PER_WORD * 2u),
        joined_source(element + PER_WORD * 3u),
    );
}

fn vector_present(element: u32) -> vec4<u32> {
    return vec4(
        present(element),
        present(element + PER_WORD),
        present(element + PER_WORD * 2u),
        present(element + PER_WORD * 3u),
    );
}

// The i-th word of a buffer, which lies in this vector.
fn word_of(unit: Unit, i: u32) -> u32 {
    return unit[i % 4u];
}
