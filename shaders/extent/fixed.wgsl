// The host knows how many elements there are.

fn len() -> u32 {
    return dispatch.len;
}

fn vector_groups() -> u32 {
    return dispatch.vector_groups;
}
