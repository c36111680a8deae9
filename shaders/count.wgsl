// Counts how many results are 0, 1, between them, and NaN: alone, or while the function is applied.
//
// Each workgroup adds up its own counts in workgroup memory, then adds them to the counters once.

// Four u64 as pairs of a low and a high word: zero, one, inside, nan.
@group(0) @binding(5) var<storage, read_write> counters: array<atomic<u32>, 8>;

// Two counts a word, since a workgroup counts fewer than 2^16 elements: zero and one, then inside and nan.
alias Tally = vec2<u32>;

const PARTIAL_SUMS: u32 = 16u;

var<workgroup> tallies: array<Tally, WORKGROUP>;
var<workgroup> partial_sums: array<Tally, PARTIAL_SUMS>;

@compute @workgroup_size(WORKGROUP)
fn count_vectors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    count(thread, load(i), load(i + WORKGROUP), load(i + WORKGROUP * 2u), load(i + WORKGROUP * 3u));
}

@compute @workgroup_size(WORKGROUP)
fn map_count_vectors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load(i);
    let b = load(i + WORKGROUP);
    let c = load(i + WORKGROUP * 2u);
    let d = load(i + WORKGROUP * 3u);
    store(i, a);
    store(i + WORKGROUP, b);
    store(i + WORKGROUP * 2u, c);
    store(i + WORKGROUP * 3u, d);
    count(thread, a, b, c, d);
}

@compute @workgroup_size(WORKGROUP)
fn count_words(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    add_up(thread, tally_word(word_start(id.x)));
}

@compute @workgroup_size(WORKGROUP)
fn map_count_words(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let element = word_start(id.x);
    // First, since the result may replace the source.
    let own = tally_word(element);
    map_word(element);
    add_up(thread, own);
}

fn count(thread: u32, a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>) {
    add_up(thread, tally_vector(a) + tally_vector(b) + tally_vector(c) + tally_vector(d));
}

// Counts the results for the word that begins with `element`.
fn tally_word(element: u32) -> Tally {
    var own = Tally();
    for (var i = element; i < element + PER_WORD; i++) {
        if in_range(i) {
            let x = source_element(i);
            let y = result_of_elements(vec4(select(x, x & 0xffffu, PER_WORD == 2u)), vec4(0u));
            // The four are the same element.
            own += tally(y) / 4u;
        }
    }
    return own;
}

// Counts the results for a vector of the source.
fn tally_vector(x: vec4<u32>) -> Tally {
    let y = result(x, vec4(0u));
    if PER_WORD == 1u {
        return tally(y);
    }
    return tally(y & vec4(0xffffu)) + tally(y >> vec4(16u));
}

// Counts four results, each in the low bits of a word.
fn tally(y: vec4<u32>) -> Tally {
    // No result but NaN is greater than 1, or has a sign.
    let is_zero = select(vec4(0u), vec4(1u), y == vec4(0u));
    let is_one = select(vec4(0u), vec4(1u << 16u), y == vec4(ONE));
    let is_inside = select(vec4(0u), vec4(1u), y - 1u < vec4(ONE - 1u));
    let is_nan = select(vec4(0u), vec4(1u << 16u), y > vec4(ONE));
    let saturated = is_zero | is_one;
    let others = is_inside | is_nan;
    return Tally(
        saturated.x + saturated.y + saturated.z + saturated.w,
        others.x + others.y + others.z + others.w,
    );
}

// Adds the tallies of a workgroup to the counters.
fn add_up(thread: u32, own: Tally) {
    tallies[thread] = own;
    workgroupBarrier();
    if thread < PARTIAL_SUMS {
        var sum = Tally();
        for (var i = thread; i < WORKGROUP; i += PARTIAL_SUMS) {
            sum += tallies[i];
        }
        partial_sums[thread] = sum;
    }
    workgroupBarrier();
    if thread == 0u {
        var sum = Tally();
        for (var i = 0u; i < PARTIAL_SUMS; i++) {
            sum += partial_sums[i];
        }
        add(0u, sum.x & 0xffffu);
        add(2u, sum.x >> 16u);
        add(4u, sum.y & 0xffffu);
        add(6u, sum.y >> 16u);
    }
}

// Adds to a counter of 64 bits. Whoever makes the low word wrap carries into the high one.
fn add(low: u32, n: u32) {
    if n > 0u && atomicAdd(&counters[low], n) > ~n {
        atomicAdd(&counters[low + 1u], 1u);
    }
}
