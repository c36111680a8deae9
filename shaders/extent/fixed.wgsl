// The host knows how many elements there are.

// There is one row.
fn begin(row: u32) {}

fn source_first() -> u32 {
    return dispatch.source_first;
}

fn target_first() -> u32 {
    return dispatch.target_first;
}

fn len() -> u32 {
    return dispatch.len;
}

fn vector_groups() -> u32 {
    return dispatch.vector_groups;
}
