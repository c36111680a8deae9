// The second operand of an operation that has one is what the target holds, which the result replaces.

const OPERAND_IS_TARGET: bool = true;

fn operand_unit(i: u32) -> Unit {
    return target_units[i];
}
