// A buffer says how many elements there are, of those that the host has planned for. The further ones are not touched.

@group(0) @binding(6) var<storage, read> length_units: array<u32>;

fn len() -> u32 {
    let given = length_units[dispatch.length_at];
    return min(max(given, dispatch.before) - dispatch.before, dispatch.len);
}

// As many as the host would plan for. The other vectors are at an end of the range, which may take all workgroups that
// follow.
fn vector_groups() -> u32 {
    let beside = dispatch.head + dispatch.behind;
    return (max(len(), beside) - beside) / (WORKGROUP * 4u * UNIT_WORDS * PER_WORD);
}
