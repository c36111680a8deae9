// The operations of map.wgsl that the backward pass takes, and map_pair, which has two sources, each in a buffer of its own,
// that are aligned alike.

// The source as it is.
const COPY: u32 = 0u;
// What was saved is the source, and the gradient is in the target, which it is replaced in, or of map_pair the other source.
const BACKWARD: u32 = 1u;
// The other way round: the gradient is the source, and what was saved is in the target.
const BACKWARD_OVER_SAVED: u32 = 2u;

override OPERATION: u32;

override READS_TARGET: bool = OPERATION != COPY;

@group(0) @binding(4) var<storage, read> grad_vectors: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> grad_words: array<u32>;

fn result_of_elements(source: vec4<u32>, old: vec4<u32>) -> vec4<u32> {
    if OPERATION == COPY {
        return source;
    }
    let x = widen(source);
    let other = widen(old);
    let saved = select(x, other, OPERATION == BACKWARD_OVER_SAVED);
    let grad = select(other, x, OPERATION == BACKWARD_OVER_SAVED);
    return narrow(hard_sigmoid_backward_vec4_bits(saved, grad, HardSigmoidBackward(params.x, params.y, params.z)));
}

// A vector of a source that lies as `across` does.
fn load_grad(i: u32) -> vec4<u32> {
    let source = window.source_first + i;
    var x = grad_vectors[source];
    if ROTATION != 0u {
        x = rotate(x, grad_vectors[source + 1u]);
    }
    return x;
}

fn pick_grad(element: u32) -> u32 {
    if !in_window(element) {
        return 0u;
    }
    let source = element - window.target_first + window.source_first;
    return pick(grad_words[source / PER_WORD], source);
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
    if in_window(element) || in_window(element + PER_WORD - 1u) {
        let saved = join(pick_across(element), pick_across(element + 1u));
        let grad = join(pick_grad(element), pick_grad(element + 1u));
        let word = element / PER_WORD;
        target_words[word] = in_window_part(element, result_word(saved, grad), target_words[word]);
    }
}
