// Applies hard_sigmoid_bits (hard_sigmoid.wgsl, which the host puts in front) to a window of f32 words.
//
// map_* goes by vectors of four words, those of the target; ROTATION is how many words the source lies further on than
// the vector that `source` names, so that a vector is put together from two where source and target are misaligned
// against each other. map_*_words goes word by word, for the ends of a range that fill no vector.
//
// The entry points differ only in where the source is: in a buffer of its own (across), at another place of the
// target's buffer through a binding of its own (arena), or in the target's binding (within: in place, or two ranges of
// one buffer that lie close together).

struct Window {
    // The first vector (in *_words: word) of the source and of the target within their bindings.
    source_first: u32,
    target_first: u32,
    // Vectors (in *_words: words).
    len: u32,
}

// Threads in a workgroup: set by the host (plan.rs), which divides the work by it.
override WORKGROUP: u32;
override ROTATION: u32;

@group(0) @binding(0) var<uniform> params: HardSigmoid;
@group(0) @binding(1) var<uniform> window: Window;
@group(0) @binding(2) var<storage, read> across_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> across_words: array<u32>;
@group(0) @binding(2) var<storage, read_write> arena_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> arena_words: array<u32>;
@group(0) @binding(3) var<storage, read_write> target_vectors: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> target_words: array<u32>;

fn rotate(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    switch ROTATION {
        case 1u: { return vec4(a.yzw, b.x); }
        case 2u: { return vec4(a.zw, b.xy); }
        case 3u: { return vec4(a.w, b.xyz); }
        default: { return a; }
    }
}

fn store(i: u32, x: vec4<u32>) {
    if i < window.len {
        target_vectors[window.target_first + i] = vec4(
            hard_sigmoid_bits(x.x, params),
            hard_sigmoid_bits(x.y, params),
            hard_sigmoid_bits(x.z, params),
            hard_sigmoid_bits(x.w, params),
        );
    }
}

fn load_across(i: u32) -> vec4<u32> {
    let source = window.source_first + min(i, window.len - 1u);
    if ROTATION == 0u {
        return across_vectors[source];
    }
    return rotate(across_vectors[source], across_vectors[source + 1u]);
}

@compute @workgroup_size(WORKGROUP)
fn map_across(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load_across(i);
    let b = load_across(i + WORKGROUP);
    let c = load_across(i + WORKGROUP * 2u);
    let d = load_across(i + WORKGROUP * 3u);
    store(i, a);
    store(i + WORKGROUP, b);
    store(i + WORKGROUP * 2u, c);
    store(i + WORKGROUP * 3u, d);
}

@compute @workgroup_size(WORKGROUP)
fn map_across_words(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < window.len {
        target_words[window.target_first + id.x] = hard_sigmoid_bits(across_words[window.source_first + id.x], params);
    }
}

fn load_arena(i: u32) -> vec4<u32> {
    let source = window.source_first + min(i, window.len - 1u);
    if ROTATION == 0u {
        return arena_vectors[source];
    }
    return rotate(arena_vectors[source], arena_vectors[source + 1u]);
}

@compute @workgroup_size(WORKGROUP)
fn map_arena(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load_arena(i);
    let b = load_arena(i + WORKGROUP);
    let c = load_arena(i + WORKGROUP * 2u);
    let d = load_arena(i + WORKGROUP * 3u);
    store(i, a);
    store(i + WORKGROUP, b);
    store(i + WORKGROUP * 2u, c);
    store(i + WORKGROUP * 3u, d);
}

@compute @workgroup_size(WORKGROUP)
fn map_arena_words(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < window.len {
        target_words[window.target_first + id.x] = hard_sigmoid_bits(arena_words[window.source_first + id.x], params);
    }
}

fn load_within(i: u32) -> vec4<u32> {
    let source = window.source_first + min(i, window.len - 1u);
    if ROTATION == 0u {
        return target_vectors[source];
    }
    return rotate(target_vectors[source], target_vectors[source + 1u]);
}

@compute @workgroup_size(WORKGROUP)
fn map_within(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load_within(i);
    let b = load_within(i + WORKGROUP);
    let c = load_within(i + WORKGROUP * 2u);
    let d = load_within(i + WORKGROUP * 3u);
    store(i, a);
    store(i + WORKGROUP, b);
    store(i + WORKGROUP * 2u, c);
    store(i + WORKGROUP * 3u, d);
}

@compute @workgroup_size(WORKGROUP)
fn map_within_words(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < window.len {
        target_words[window.target_first + id.x] = hard_sigmoid_bits(target_words[window.source_first + id.x], params);
    }
}
