// Applies hard_sigmoid_bits (hard_sigmoid.wgsl, which the host puts in front) to a window of elements.
//
// map_* goes by vectors of four words, those of the target; ROTATION is how many elements the source lies further on than
// the vector that `source_first` names, so that a vector is put together from two where source and target are misaligned
// against each other. map_*_words goes by single words of the target, of which the first and the last may be in the
// window in part, for small ranges and for the ends of a range that fill no vector.
//
// The entry points differ only in where the source is: in a buffer of its own (across), at another place of the
// target's buffer through a binding of its own (arena), or in the target's binding (within: in place, or two ranges of
// one buffer that lie close together).

struct Window {
    // The first vector (in *_words: element) of the source and of the target within their bindings.
    source_first: u32,
    target_first: u32,
    // Vectors (in *_words: elements).
    len: u32,
}

const F16: u32 = 1u;
const BF16: u32 = 2u;

// Threads in a workgroup: set by the host (plan.rs), which divides the work by it.
override WORKGROUP: u32;
override ROTATION: u32;
// F16 or BF16, two of which fill a word; anything else is f32.
override ELEMENT: u32;

@group(0) @binding(0) var<uniform> params: HardSigmoid;
@group(0) @binding(1) var<uniform> window: Window;
@group(0) @binding(2) var<storage, read> across_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> across_words: array<u32>;
@group(0) @binding(2) var<storage, read_write> arena_vectors: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> arena_words: array<u32>;
@group(0) @binding(3) var<storage, read_write> target_vectors: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> target_words: array<u32>;

fn per_word() -> u32 {
    return select(1u, 2u, ELEMENT == F16 || ELEMENT == BF16);
}

// The f32 of an f16, in integers: what drivers make of NaN and infinities when they unpack differs.
fn from_f16(h: u32) -> u32 {
    let sign = (h & 0x8000u) << 16u;
    let rest = h & 0x7fffu;
    // A subnormal is an integer times 2^-24; as an f32 it is normal.
    let subnormal = bitcast<u32>(f32(rest) * 0x1p-24f);
    let normal = (rest << 13u) + (112u << 23u);
    let special = (rest << 13u) | 0x7f800000u;
    return sign | select(select(normal, subnormal, rest < 0x0400u), special, rest >= 0x7c00u);
}

// The f16 nearest to the f32 of a result, ties to even: from 0 to 1, or a quiet NaN.
fn to_f16(x: u32) -> u32 {
    // The sum rounds to a multiple of 2^-24, the ULP of 1/2 and the least subnormal.
    let subnormal = bitcast<u32>(bitcast<f32>(x) + 0.5) - 0x3f000000u;
    let normal = ((x + 0x0fffu + ((x >> 13u) & 1u)) >> 13u) - (112u << 10u);
    let special = ((x >> 16u) & 0x8000u) | 0x7c00u | ((x >> 13u) & 0x03ffu);
    let is_nan = (x & 0x7fffffffu) > 0x7f800000u;
    return select(select(normal, subnormal, x < 0x38800000u), special, is_nan);
}

// The bf16 nearest to the f32 of a result, ties to even.
fn to_bf16(x: u32) -> u32 {
    let is_nan = (x & 0x7fffffffu) > 0x7f800000u;
    return select(x + 0x7fffu + ((x >> 16u) & 1u), x, is_nan) >> 16u;
}

// The function of the one or two elements of a word.
fn map_word(x: u32) -> u32 {
    if ELEMENT == F16 {
        let low = to_f16(hard_sigmoid_bits(from_f16(x & 0xffffu), params));
        let high = to_f16(hard_sigmoid_bits(from_f16(x >> 16u), params));
        return low | (high << 16u);
    }
    if ELEMENT == BF16 {
        let low = to_bf16(hard_sigmoid_bits(x << 16u, params));
        let high = to_bf16(hard_sigmoid_bits(x & 0xffff0000u, params));
        return low | (high << 16u);
    }
    return hard_sigmoid_bits(x, params);
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
    if i < window.len {
        target_vectors[window.target_first + i] = vec4(map_word(x.x), map_word(x.y), map_word(x.z), map_word(x.w));
    }
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

// Within one binding, a 16-bit source may end in the word that its target begins in: one thread loads a half of a word
// that another writes back unchanged.

// Writes a word whose elements come from the low bits of `low` and, if there are two, `high`; those outside of the window
// stay as they are.
fn store_word(element: u32, low: u32, high: u32) {
    let word = element / per_word();
    if per_word() == 1u {
        target_words[word] = map_word(low);
        return;
    }
    let mask = select(0u, 0x0000ffffu, in_window(element)) | select(0u, 0xffff0000u, in_window(element + 1u));
    let result = map_word((low & 0xffffu) | (high << 16u));
    target_words[word] = (target_words[word] & ~mask) | (result & mask);
}

fn load_across(i: u32) -> vec4<u32> {
    let source = window.source_first + min(i, window.len - 1u);
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
    let source = window.source_first + min(i, window.len - 1u);
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
    let source = window.source_first + min(i, window.len - 1u);
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
