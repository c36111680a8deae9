// The host knows how many elements a row has.

fn len() -> u32 {
    return dispatch.len;
}

fn vector_groups() -> u32 {
    return dispatch.vector_groups;
}
