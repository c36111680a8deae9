// Counting with a word for each thread.

@compute @workgroup_size(WORKGROUP)
fn count_words(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let element = word_start(id.x);
    add_up(thread, count_word(element), elements_of_word(element));
}

@compute @workgroup_size(WORKGROUP)
fn map_count_words(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let element = word_start(id.x);
    add_up(thread, map_count_word(element), elements_of_word(element));
}
