// Runs an operation over a window of elements.
//
// map_* goes by vectors of four words, those of the target; ROTATION is how many elements the source lies further on than
// the vector that `source_first` names, so that a vector is put together from two where source and target are misaligned
// against each other. map_*_words goes by single words of the target, of which the first and the last may be in the
// window in part, for small ranges and for the ends of a range that fill no workgroup of vectors.
//
// The entry points differ only in where the source is: in a buffer of its own (across), at another place of the
// target's buffer through a binding of its own (arena), or in the target's binding (within: in place, or two ranges of
// one buffer that lie close together). map_pair has two sources, each in a buffer of its own, that are aligned alike.

struct Window {
    // The first vector (in *_words: element) of the source and of the target within their bindings.
    source_first: u32,
    target_first: u32,
    // Elements, for *_words: vectors come in whole workgroups.
    len: u32,
}

// Threads in a workgroup: set by the host (plan.rs), which divides the work by it.
override WORKGROUP: u32;
override ROTATION: u32;

// The fields of HardSigmoid, or of HardSigmoidBackward.
@group(0) @binding(0) var<uniform> params: vec4<f32>;
@group(0) @binding(1) var<uniform> window: Window;
@group(0) @binding(2) var<storage, read> across_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> across_words: array<u32>;
@group(0) @binding(2) var<storage, read_write> arena_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> arena_words: array<u32>;
@group(0) @binding(3) var<storage, read_write> target_vectors: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> target_words: array<u32>;

// The one or two elements of each word. `old` is the target's, or the gradient's of map_pair.
fn result(source: vec4<u32>, old: vec4<u32>) -> vec4<u32> {
    if PER_WORD == 1u {
        return result_of_elements(source, old);
    }
    let low = result_of_elements(source & vec4(0xffffu), old & vec4(0xffffu));
    return low | (result_of_elements(source >> vec4(16u), old >> vec4(16u)) << vec4(16u));
}

fn result_word(source: u32, old: u32) -> u32 {
    return result(vec4(source), vec4(old)).x;
}

// Four of the eight words of two vectors, from the `words`-th on.
fn rotate_words(a: vec4<u32>, b: vec4<u32>, words: u32) -> vec4<u32> {
    switch words {
        case 1u: { return vec4(a.yzw, b.x); }
        case 2u: { return vec4(a.zw, b.xy); }
        case 3u: { return vec4(a.w, b.xyz); }
        case 4u: { return b; }
        default: { return a; }
    }
}

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

fn store(i: u32, x: vec4<u32>) {
    let at = window.target_first + i;
    var old = vec4(0u);
    if READS_TARGET {
        old = target_vectors[at];
    }
    target_vectors[at] = result(x, old);
}

// The first of the elements that thread `i` of a *_words entry point writes, counted from the target binding's start.
fn word_start(i: u32) -> u32 {
    return (window.target_first / PER_WORD + i) * PER_WORD;
}

fn in_window(element: u32) -> bool {
    return element - window.target_first < window.len;
}

// An element of a word, in the low bits.
fn pick(word: u32, element: u32) -> u32 {
    return word >> (16u * (element % PER_WORD));
}

// The word of two elements that are in the low bits, or of one.
fn join(low: u32, high: u32) -> u32 {
    return select(low, (low & 0xffffu) | (high << 16u), PER_WORD == 2u);
}

// A word whose elements in the window come from `fresh`, and the others from `old`.
fn in_window_part(element: u32, fresh: u32, old: u32) -> u32 {
    if PER_WORD == 1u {
        return fresh;
    }
    let mask = select(0u, 0x0000ffffu, in_window(element)) | select(0u, 0xffff0000u, in_window(element + 1u));
    return (old & ~mask) | (fresh & mask);
}

// Within one binding, a 16-bit source may end in the word that its target begins in: one thread loads a half of a word
// that another writes back unchanged.

// Writes a word whose elements come from the low bits of `low` and, if there are two, `high`; those outside of the window
// stay as they are.
fn store_word(element: u32, low: u32, high: u32) {
    let word = element / PER_WORD;
    let old = target_words[word];
    target_words[word] = in_window_part(element, result_word(join(low, high), old), old);
}

fn load_across(i: u32) -> vec4<u32> {
    let source = window.source_first + i;
    var x = across_vectors[source];
    if ROTATION != 0u {
        x = rotate(x, across_vectors[source + 1u]);
    }
    return x;
}

fn pick_across(element: u32) -> u32 {
    if !in_window(element) {
        return 0u;
    }
    let source = element - window.target_first + window.source_first;
    return pick(across_words[source / PER_WORD], source);
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
    let element = word_start(id.x);
    if in_window(element) || in_window(element + PER_WORD - 1u) {
        store_word(element, pick_across(element), pick_across(element + 1u));
    }
}

fn load_arena(i: u32) -> vec4<u32> {
    let source = window.source_first + i;
    var x = arena_vectors[source];
    if ROTATION != 0u {
        x = rotate(x, arena_vectors[source + 1u]);
    }
    return x;
}

fn pick_arena(element: u32) -> u32 {
    if !in_window(element) {
        return 0u;
    }
    let source = element - window.target_first + window.source_first;
    return pick(arena_words[source / PER_WORD], source);
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
    let element = word_start(id.x);
    if in_window(element) || in_window(element + PER_WORD - 1u) {
        store_word(element, pick_arena(element), pick_arena(element + 1u));
    }
}

fn load_within(i: u32) -> vec4<u32> {
    let source = window.source_first + i;
    var x = target_vectors[source];
    if ROTATION != 0u {
        x = rotate(x, target_vectors[source + 1u]);
    }
    return x;
}

fn pick_within(element: u32) -> u32 {
    if !in_window(element) {
        return 0u;
    }
    let source = element - window.target_first + window.source_first;
    return pick(target_words[source / PER_WORD], source);
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
    let element = word_start(id.x);
    if in_window(element) || in_window(element + PER_WORD - 1u) {
        store_word(element, pick_within(element), pick_within(element + 1u));
    }
}
