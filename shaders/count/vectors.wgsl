// Counting with four vectors for each thread, and with one in the further workgroups of a mixed dispatch.

@compute @workgroup_size(WORKGROUP)
fn count_vectors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(group.y);
    add_up(thread, count_four(group.x, thread), PER_VECTOR * 4u);
}

@compute @workgroup_size(WORKGROUP)
fn count_mixed(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(group.y);
    var counts: vec3<u32>;
    var all = PER_VECTOR * 4u;
    if group.x < vector_groups() {
        counts = count_four(group.x, thread);
    } else {
        let element = edge_start(group.x, thread);
        counts = count_edge(element);
        all = elements_of_edge(element);
    }
    add_up(thread, counts, all);
}

@compute @workgroup_size(WORKGROUP)
fn map_count_vectors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(group.y);
    add_up(thread, map_count_four(group.x, thread), PER_VECTOR * 4u);
}

@compute @workgroup_size(WORKGROUP)
fn map_count_mixed(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(group.y);
    var counts: vec3<u32>;
    var all = PER_VECTOR * 4u;
    if group.x < vector_groups() {
        counts = map_count_four(group.x, thread);
    } else {
        let element = edge_start(group.x, thread);
        // First, since the result may replace the source.
        counts = count_edge(element);
        map_edge(element);
        all = elements_of_edge(element);
    }
    add_up(thread, counts, all);
}

// Counts the results for the four vectors of a thread.
fn count_four(group: u32, thread: u32) -> vec3<u32> {
    let i = group * WORKGROUP * 4u + thread;
    let a = load(i);
    let b = load(i + WORKGROUP);
    let c = load(i + WORKGROUP * 2u);
    let d = load(i + WORKGROUP * 3u);
    return count(count(count(count(vec3(0u), a, ALL), b, ALL), c, ALL), d, ALL);
}

// Counts the results for the four vectors of a thread, and writes them.
fn map_count_four(group: u32, thread: u32) -> vec3<u32> {
    let i = group * WORKGROUP * 4u + thread;
    let a = load(i);
    let b = load(i + WORKGROUP);
    let c = load(i + WORKGROUP * 2u);
    let d = load(i + WORKGROUP * 3u);
    // In this order, few values are alive at a time.
    store(i, a);
    var counts = count(vec3(0u), a, ALL);
    store(i + WORKGROUP, b);
    counts = count(counts, b, ALL);
    store(i + WORKGROUP * 2u, c);
    counts = count(counts, c, ALL);
    store(i + WORKGROUP * 3u, d);
    return count(counts, d, ALL);
}

fn count_edge(element: u32) -> vec3<u32> {
    return count(vec3(0u), vector_source(element), vector_present(element));
}

// How many elements of a vector are in the range.
fn elements_of_edge(element: u32) -> u32 {
    let bits = countOneBits(vector_present(element));
    return (bits.x + bits.y + bits.z + bits.w) * PER_WORD / 32u;
}
