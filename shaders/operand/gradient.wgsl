// The second operand is in a buffer of its own, aligned as the source is.

const OPERAND_IS_TARGET: bool = false;

@group(0) @binding(4) var<storage, read> gradient_units: array<Unit>;

fn operand_unit(i: u32) -> Unit {
    return gradient_units[i];
}
