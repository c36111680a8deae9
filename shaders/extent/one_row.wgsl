// There is one row.

fn begin(row: u32) {}

fn source_first() -> u32 {
    return dispatch.source_first;
}

fn target_first() -> u32 {
    return dispatch.target_first;
}
