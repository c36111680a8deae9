// Applies hard_sigmoid_bits (hard_sigmoid.wgsl, which the host puts in front) to a window of f32 words.
//
// A window is `len` words, from word `source_first` of the source binding to word `target_first` of the target binding.
// Three entry points differ only in where the source is: in a buffer of its own (across), at another place of the
// target's buffer through a binding of its own (arena), or in the target's binding (within: in place, or two ranges of
// one buffer that lie close together). Their vectors are aligned to the target; ROTATION is the source's word offset
// against them, modulo 4. Words outside the window are neither written nor read. A binding whose size is no multiple
// of 16 bytes has up to three last words that no vec4 reaches: the *_words entry points do those.

struct Window {
    source_first: u32,
    target_first: u32,
    len: u32,
}

// Threads in a workgroup: set by the host (plan.rs), which divides the work by it.
override WORKGROUP: u32;
override ROTATION: u32;

// How often the entry points load and store.
const VECTORS_PER_THREAD: u32 = 4u;

@group(0) @binding(0) var<uniform> params: HardSigmoid;
@group(0) @binding(1) var<uniform> window: Window;
@group(0) @binding(2) var<storage, read> across_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> across_words: array<u32>;
@group(0) @binding(2) var<storage, read_write> arena_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> arena_words: array<u32>;
@group(0) @binding(3) var<storage, read_write> target_vectors: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> target_words: array<u32>;

// From a target word to its source word. May wrap below zero before it is added to; sums of u32 are modulo 2^32.
fn source_word(word: u32) -> u32 {
    return word + window.source_first - window.target_first;
}

fn source_vector(vector: u32) -> u32 {
    return (source_word(4u * vector) - ROTATION) / 4u;
}

fn in_window(word: u32) -> bool {
    return word - window.target_first < window.len;
}

// Whether the thread that starts at this target vector has all its vectors, and every source vector they touch, inside
// the window.
fn is_interior(vector: u32) -> bool {
    let first = 4u * vector;
    let last = first + 4u * WORKGROUP * (VECTORS_PER_THREAD - 1u) + 3u;
    let before = ROTATION;
    let behind = (4u - ROTATION) % 4u;
    return first >= window.target_first + before && last + behind < window.target_first + window.len;
}

fn first_vector(group: vec3<u32>, lane: u32) -> u32 {
    return window.target_first / 4u + group.x * (WORKGROUP * VECTORS_PER_THREAD) + lane;
}

fn rotate(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    switch ROTATION {
        case 1u: { return vec4(a.yzw, b.x); }
        case 2u: { return vec4(a.zw, b.xy); }
        case 3u: { return vec4(a.w, b.xyz); }
        default: { return a; }
    }
}

fn store(vector: u32, x: vec4<u32>) {
    target_vectors[vector] = vec4(
        hard_sigmoid_bits(x.x, params),
        hard_sigmoid_bits(x.y, params),
        hard_sigmoid_bits(x.z, params),
        hard_sigmoid_bits(x.w, params),
    );
}

fn store_word(word: u32, x: u32) {
    target_vectors[word / 4u][word % 4u] = hard_sigmoid_bits(x, params);
}

fn load_across(vector: u32) -> vec4<u32> {
    let source = source_vector(vector);
    if ROTATION == 0u {
        return across_vectors[source];
    }
    return rotate(across_vectors[source], across_vectors[source + 1u]);
}

fn edge_across(vector: u32) {
    for (var lane = 0u; lane < 4u; lane++) {
        let word = 4u * vector + lane;
        if in_window(word) {
            let source = source_word(word);
            store_word(word, across_vectors[source / 4u][source % 4u]);
        }
    }
}

@compute @workgroup_size(WORKGROUP)
fn map_across(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = first_vector(group, lane);
    if is_interior(i) {
        let a = load_across(i);
        let b = load_across(i + WORKGROUP);
        let c = load_across(i + 2u * WORKGROUP);
        let d = load_across(i + 3u * WORKGROUP);
        store(i, a);
        store(i + WORKGROUP, b);
        store(i + 2u * WORKGROUP, c);
        store(i + 3u * WORKGROUP, d);
    } else {
        edge_across(i);
        edge_across(i + WORKGROUP);
        edge_across(i + 2u * WORKGROUP);
        edge_across(i + 3u * WORKGROUP);
    }
}

@compute @workgroup_size(WORKGROUP)
fn map_across_words(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < window.len {
        target_words[window.target_first + id.x] =
            hard_sigmoid_bits(across_words[window.source_first + id.x], params);
    }
}

fn load_arena(vector: u32) -> vec4<u32> {
    let source = source_vector(vector);
    if ROTATION == 0u {
        return arena_vectors[source];
    }
    return rotate(arena_vectors[source], arena_vectors[source + 1u]);
}

fn edge_arena(vector: u32) {
    for (var lane = 0u; lane < 4u; lane++) {
        let word = 4u * vector + lane;
        if in_window(word) {
            let source = source_word(word);
            store_word(word, arena_vectors[source / 4u][source % 4u]);
        }
    }
}

@compute @workgroup_size(WORKGROUP)
fn map_arena(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = first_vector(group, lane);
    if is_interior(i) {
        let a = load_arena(i);
        let b = load_arena(i + WORKGROUP);
        let c = load_arena(i + 2u * WORKGROUP);
        let d = load_arena(i + 3u * WORKGROUP);
        store(i, a);
        store(i + WORKGROUP, b);
        store(i + 2u * WORKGROUP, c);
        store(i + 3u * WORKGROUP, d);
    } else {
        edge_arena(i);
        edge_arena(i + WORKGROUP);
        edge_arena(i + 2u * WORKGROUP);
        edge_arena(i + 3u * WORKGROUP);
    }
}

@compute @workgroup_size(WORKGROUP)
fn map_arena_words(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < window.len {
        target_words[window.target_first + id.x] =
            hard_sigmoid_bits(arena_words[window.source_first + id.x], params);
    }
}

fn load_within(vector: u32) -> vec4<u32> {
    let source = source_vector(vector);
    if ROTATION == 0u {
        return target_vectors[source];
    }
    return rotate(target_vectors[source], target_vectors[source + 1u]);
}

fn edge_within(vector: u32) {
    for (var lane = 0u; lane < 4u; lane++) {
        let word = 4u * vector + lane;
        if in_window(word) {
            let source = source_word(word);
            store_word(word, target_vectors[source / 4u][source % 4u]);
        }
    }
}

@compute @workgroup_size(WORKGROUP)
fn map_within(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = first_vector(group, lane);
    if is_interior(i) {
        let a = load_within(i);
        let b = load_within(i + WORKGROUP);
        let c = load_within(i + 2u * WORKGROUP);
        let d = load_within(i + 3u * WORKGROUP);
        store(i, a);
        store(i + WORKGROUP, b);
        store(i + 2u * WORKGROUP, c);
        store(i + 3u * WORKGROUP, d);
    } else {
        edge_within(i);
        edge_within(i + WORKGROUP);
        edge_within(i + 2u * WORKGROUP);
        edge_within(i + 3u * WORKGROUP);
    }
}

@compute @workgroup_size(WORKGROUP)
fn map_within_words(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < window.len {
        target_words[window.target_first + id.x] =
            hard_sigmoid_bits(target_words[window.source_first + id.x], params);
    }
}
