// Counts how many results are 0, 1, between, and NaN, with the function applied (map_*_count) or only looked at.
//
// Each workgroup counts its own in its memory and adds them to the counters once.

// Four u64 as pairs of low and high word: zero, one, inside, nan, as `Saturation` in Rust.
@group(0) @binding(5) var<storage, read_write> counters: array<atomic<u32>, 8>;

// Two counters a word, since a workgroup counts less than 2^16 elements: zero and one, and inside and nan.
alias Tally = vec2<u32>;

const SUMS: u32 = 16u;

var<workgroup> tallies: array<Tally, WORKGROUP>;
var<workgroup> sums: array<Tally, SUMS>;

// Of four results, each in the low bits of a word.
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

// Of the results for a vector.
fn tally_vector(x: vec4<u32>) -> Tally {
    let y = result(x, vec4(0u));
    if PER_WORD == 1u {
        return tally(y);
    }
    return tally(y & vec4(0xffffu)) + tally(y >> vec4(16u));
}

fn count(thread: u32, own: Tally) {
    tallies[thread] = own;
    workgroupBarrier();
    if thread < SUMS {
        var sum = Tally();
        for (var i = thread; i < WORKGROUP; i += SUMS) {
            sum += tallies[i];
        }
        sums[thread] = sum;
    }
    workgroupBarrier();
    if thread == 0u {
        var sum = Tally();
        for (var i = 0u; i < SUMS; i++) {
            sum += sums[i];
        }
        add(0u, sum.x & 0xffffu);
        add(2u, sum.x >> 16u);
        add(4u, sum.y & 0xffffu);
        add(6u, sum.y >> 16u);
    }
}

// Adds to a counter of 64 bits. Whoever makes the low word wrap carries.
fn add(low: u32, n: u32) {
    if n > 0u && atomicAdd(&counters[low], n) > ~n {
        atomicAdd(&counters[low + 1u], 1u);
    }
}

@compute @workgroup_size(WORKGROUP)
fn count_across(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load_across(i);
    let b = load_across(i + WORKGROUP);
    let c = load_across(i + WORKGROUP * 2u);
    let d = load_across(i + WORKGROUP * 3u);
    count(thread, tally_vector(a) + tally_vector(b) + tally_vector(c) + tally_vector(d));
}

@compute @workgroup_size(WORKGROUP)
fn count_across_words(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let element = word_start(id.x);
    var own = Tally();
    for (var i = element; i < element + PER_WORD; i++) {
        if in_window(i) {
            own += tally_of_element(i);
        }
    }
    count(thread, own);
}

// Four times the same are counted four times.
fn tally_of_element(element: u32) -> Tally {
    let x = pick_across(element);
    let y = result_of_elements(vec4(select(x, x & 0xffffu, PER_WORD == 2u)), vec4(0u));
    return tally(y) / 4u;
}

@compute @workgroup_size(WORKGROUP)
fn map_across_count(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load_across(i);
    let b = load_across(i + WORKGROUP);
    let c = load_across(i + WORKGROUP * 2u);
    let d = load_across(i + WORKGROUP * 3u);
    store(i, a);
    store(i + WORKGROUP, b);
    store(i + WORKGROUP * 2u, c);
    store(i + WORKGROUP * 3u, d);
    count(thread, tally_vector(a) + tally_vector(b) + tally_vector(c) + tally_vector(d));
}

@compute @workgroup_size(WORKGROUP)
fn map_within_count(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let i = group.x * WORKGROUP * 4u + thread;
    let a = load_within(i);
    let b = load_within(i + WORKGROUP);
    let c = load_within(i + WORKGROUP * 2u);
    let d = load_within(i + WORKGROUP * 3u);
    store(i, a);
    store(i + WORKGROUP, b);
    store(i + WORKGROUP * 2u, c);
    store(i + WORKGROUP * 3u, d);
    count(thread, tally_vector(a) + tally_vector(b) + tally_vector(c) + tally_vector(d));
}
