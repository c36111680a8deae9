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

fn tally(y: u32) -> Tally {
    let one = select(select(0x3f800000u, 0x3f80u, ELEMENT == BF16), 0x3c00u, ELEMENT == F16);
    // No result but NaN is greater than 1, or has a sign.
    let is_zero = select(0u, 1u, y == 0u);
    let is_one = select(0u, 1u << 16u, y == one);
    let is_inside = select(0u, 1u, y - 1u < one - 1u);
    let is_nan = select(0u, 1u << 16u, y > one);
    return Tally(is_zero | is_one, is_inside | is_nan);
}

fn tally_word(y: u32) -> Tally {
    if per_word() == 1u {
        return tally(y);
    }
    return tally(y & 0xffffu) + tally(y >> 16u);
}

// Of the results for a vector.
fn tally_vector(x: vec4<u32>) -> Tally {
    let y = result(x, vec4(0u));
    return tally_word(y.x) + tally_word(y.y) + tally_word(y.z) + tally_word(y.w);
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
    for (var i = element; i < element + per_word(); i++) {
        if in_window(i) {
            own += tally_of_element(i);
        }
    }
    count(thread, own);
}

fn tally_of_element(element: u32) -> Tally {
    let x = pick_across(element);
    return tally(result_of_element(select(x, x & 0xffffu, per_word() == 2u), 0u));
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
