// Counting with a word for each thread.

@compute @workgroup_size(WORKGROUP)
fn count_words(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(id.y);
    let element = word_start(id.x);
    add_up(thread, count_word(element), elements_of_word(element));
}

@compute @workgroup_size(WORKGROUP)
fn map_count_words(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(id.y);
    let element = word_start(id.x);
    add_up(thread, map_count_word(element), elements_of_word(element));
}

fn map_count_word(element: u32) -> vec3<u32> {
    // First, since the result may replace the source.
    let counts = count_word(element);
    map_word(element);
    return counts;
}

fn count_word(element: u32) -> vec3<u32> {
    return count(vec3(0u), vec4(joined_source(element), 0u, 0u, 0u), vec4(present(element), 0u, 0u, 0u));
}

// How many elements of a word are in the range.
fn elements_of_word(element: u32) -> u32 {
    return countOneBits(present(element)) * PER_WORD / 32u;
}
