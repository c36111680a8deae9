// Each row of workgroups computes a row of elements. The rows are aligned alike.

var<private> row: u32;

fn begin(y: u32) {
    row = y;
}

fn source_first() -> u32 {
    return dispatch.source_first + row * dispatch.source_pitch;
}

fn target_first() -> u32 {
    return dispatch.target_first + row * dispatch.target_pitch;
}
