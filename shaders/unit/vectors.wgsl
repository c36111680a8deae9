// Buffers are arrays of vectors of four words. A thread writes four vectors. If source and target are misaligned
// against each other, it puts each source vector together from two.
//
// In map_mixed, further workgroups write the words before and after the vectors.

alias Unit = vec4<u32>;

const UNIT_WORDS: u32 = 4u;

const PER_VECTOR: u32 = PER_WORD * 4u;

// How many elements the source lies further on than a vector.
override ROTATION: u32;

@compute @workgroup_size(WORKGROUP)
fn map_vectors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    map_four(group.x, thread);
}

@compute @workgroup_size(WORKGROUP)
fn map_mixed(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if group.x < dispatch.vector_groups {
        map_four(group.x, thread);
    } else {
        map_word(word_start((group.x - dispatch.vector_groups) * WORKGROUP + thread));
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
    return (dispatch.source_first + dispatch.head) / PER_VECTOR + i;
}

fn target_index(i: u32) -> u32 {
    return (dispatch.target_first + dispatch.head) / PER_VECTOR + i;
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

// The i-th word of a buffer, which lies in this vector.
fn word_of(unit: Unit, i: u32) -> u32 {
    return unit[i % 4u];
}

fn set_target_word(i: u32, word: u32) {
    target_units[i / 4u][i % 4u] = word;
}
