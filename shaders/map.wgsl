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

// hard_sigmoid of the source.
const FORWARD: u32 = 0u;
// The source as it is.
const COPY: u32 = 1u;
// What was saved is the source, and the gradient is in the target, which it is replaced in.
const BACKWARD: u32 = 2u;
// The other way round: the gradient is the source, and what was saved is in the target.
const BACKWARD_OVER_SAVED: u32 = 3u;

override OPERATION: u32;

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
@group(0) @binding(4) var<storage, read> grad_vectors: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> grad_words: array<u32>;

// A driver sees this once for each word of a thread, whatever the operation and the type are: it is kept short, since
// compiling it takes as long as it is.
fn result_of_element(source: u32, old: u32) -> u32 {
    let x = widen(source);
    if OPERATION == FORWARD {
        return narrow(hard_sigmoid_bits(x, HardSigmoid(params.x, params.y, params.z, params.w)));
    }
    let other = widen(old);
    let saved = select(x, other, OPERATION == BACKWARD_OVER_SAVED);
    let grad = select(other, x, OPERATION == BACKWARD_OVER_SAVED);
    return narrow(hard_sigmoid_backward_bits(saved, grad, HardSigmoidBackward(params.x, params.y, params.z)));
}

// The one or two elements of a word. `old` is the target's, or the gradient's of map_pair.
fn result_word(source: u32, old: u32) -> u32 {
    if OPERATION == COPY {
        return source;
    }
    let mask = select(0xffffffffu, 0xffffu, per_word() == 2u);
    let low = result_of_element(source & mask, old & mask);
    if per_word() == 1u {
        return low;
    }
    return low | (result_of_element(source >> 16u, old >> 16u) << 16u);
}

fn result(x: vec4<u32>, old: vec4<u32>) -> vec4<u32> {
    return vec4(result_word(x.x, old.x), result_word(x.y, old.y), result_word(x.z, old.z), result_word(x.w, old.w));
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
    let words = ROTATION / per_word();
    let low = rotate_words(a, b, words);
    if ROTATION % per_word() == 0u {
        return low;
    }
    // From the middle of a word on.
    let high = rotate_words(a, b, words + 1u);
    return (low >> vec4(16u)) | (high << vec4(16u));
}

fn store(i: u32, x: vec4<u32>) {
    let at = window.target_first + i;
    var old = vec4(0u);
    if OPERATION == BACKWARD || OPERATION == BACKWARD_OVER_SAVED {
        old = target_vectors[at];
    }
    target_vectors[at] = result(x, old);
}

// The first of the elements that thread `i` of a *_words entry point writes, counted from the target binding's start.
fn word_start(i: u32) -> u32 {
    return (window.target_first / per_word() + i) * per_word();
}

fn in_window(element: u32) -> bool {
    return element - window.target_first < window.len;
}

// An element of a word, in the low bits.
fn pick(word: u32, element: u32) -> u32 {
    return word >> (16u * (element % per_word()));
}

// The word of two elements that are in the low bits, or of one.
fn join(low: u32, high: u32) -> u32 {
    return select(low, (low & 0xffffu) | (high << 16u), per_word() == 2u);
}

// A word whose elements in the window come from `fresh`, and the others from `old`.
fn in_window_part(element: u32, fresh: u32, old: u32) -> u32 {
    if per_word() == 1u {
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
    let word = element / per_word();
    let old = target_words[word];
    target_words[word] = in_window_part(element, result_word(join(low, high), old), old);
}

fn load_across(i: u32) -> vec4<u32> {
    let source = window.source_first + i;
    if ROTATION == 0u {
        return across_vectors[source];
    }
    return rotate(across_vectors[source], across_vectors[source + 1u]);
}

fn pick_across(element: u32) -> u32 {
    if !in_window(element) {
        return 0u;
    }
    let source = element - window.target_first + window.source_first;
    return pick(across_words[source / per_word()], source);
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
    if in_window(element) || in_window(element + per_word() - 1u) {
        store_word(element, pick_across(element), pick_across(element + 1u));
    }
}

fn load_arena(i: u32) -> vec4<u32> {
    let source = window.source_first + i;
    if ROTATION == 0u {
        return arena_vectors[source];
    }
    return rotate(arena_vectors[source], arena_vectors[source + 1u]);
}

fn pick_arena(element: u32) -> u32 {
    if !in_window(element) {
        return 0u;
    }
    let source = element - window.target_first + window.source_first;
    return pick(arena_words[source / per_word()], source);
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
    if in_window(element) || in_window(element + per_word() - 1u) {
        store_word(element, pick_arena(element), pick_arena(element + 1u));
    }
}

fn load_within(i: u32) -> vec4<u32> {
    let source = window.source_first + i;
    if ROTATION == 0u {
        return target_vectors[source];
    }
    return rotate(target_vectors[source], target_vectors[source + 1u]);
}

fn pick_within(element: u32) -> u32 {
    if !in_window(element) {
        return 0u;
    }
    let source = element - window.target_first + window.source_first;
    return pick(target_words[source / per_word()], source);
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
    if in_window(element) || in_window(element + per_word() - 1u) {
        store_word(element, pick_within(element), pick_within(element + 1u));
    }
}

// A vector of a source that lies as `across` does.
fn load_grad(i: u32) -> vec4<u32> {
    let source = window.source_first + i;
    if ROTATION == 0u {
        return grad_vectors[source];
    }
    return rotate(grad_vectors[source], grad_vectors[source + 1u]);
}

fn pick_grad(element: u32) -> u32 {
    if !in_window(element) {
        return 0u;
    }
    let source = element - window.target_first + window.source_first;
    return pick(grad_words[source / per_word()], source);
}

fn store_pair(i: u32, saved: vec4<u32>, grad: vec4<u32>) {
    target_vectors[window.target_first + i] = result(saved, grad);
}

@compute @workgroup_size(WORKGROUP)
fn map_pair(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load_across(i);
    let b = load_across(i + WORKGROUP);
    let c = load_across(i + WORKGROUP * 2u);
    let d = load_across(i + WORKGROUP * 3u);
    store_pair(i, a, load_grad(i));
    store_pair(i + WORKGROUP, b, load_grad(i + WORKGROUP));
    store_pair(i + WORKGROUP * 2u, c, load_grad(i + WORKGROUP * 2u));
    store_pair(i + WORKGROUP * 3u, d, load_grad(i + WORKGROUP * 3u));
}

@compute @workgroup_size(WORKGROUP)
fn map_pair_words(@builtin(global_invocation_id) id: vec3<u32>) {
    let element = word_start(id.x);
    if in_window(element) || in_window(element + per_word() - 1u) {
        let saved = join(pick_across(element), pick_across(element + 1u));
        let grad = join(pick_grad(element), pick_grad(element + 1u));
        let word = element / per_word();
        target_words[word] = in_window_part(element, result_word(saved, grad), target_words[word]);
    }
}
