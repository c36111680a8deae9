// The source is in the target's buffer, through a binding of its own. Bindings of one buffer must have the same access.

@group(0) @binding(2) var<storage, read_write> source_units: array<Unit>;

fn source_unit(i: u32) -> Unit {
    return source_units[i];
}
