// The source is in a buffer of its own.

@group(0) @binding(2) var<storage, read> source_units: array<Unit>;

fn source_unit(i: u32) -> Unit {
    return source_units[i];
}
