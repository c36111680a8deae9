//! What each program calculates with floats: the function's formula, and what f16 takes. Drivers may fuse, reorder or
//! flush what is calculated with floats. Integers have the same bits everywhere.

use naga::{Expression, Handle, ScalarKind};

use super::tests::{Shader, programs};
use super::*;

impl Shader {
    /// Whatever calculates with floats, compares, converts or chooses them, as naga calls it, in alphabetical order.
    fn float_operations(&self) -> Vec<String> {
        let functions = self.module.functions.iter().map(|(handle, function)| (function, &self.info[handle]));
        let entry_point = (&self.module.entry_points[0].function, self.info.get_entry_point(0));
        let mut operations = Vec::new();
        for (function, info) in functions.chain([entry_point]) {
            let is_float = |expression: Handle<Expression>| {
                info[expression].ty.inner_with(&self.module.types).scalar_kind() == Some(ScalarKind::Float)
            };
            for (result, expression) in function.expressions.iter() {
                let (name, operand) = match *expression {
                    Expression::Binary { op, left, .. } => (format!("{op:?}"), left),
                    Expression::Unary { op, expr } => (format!("{op:?}"), expr),
                    Expression::Math { fun, arg, .. } => (format!("{fun:?}"), arg),
                    Expression::Relational { fun, argument } => (format!("{fun:?}"), argument),
                    Expression::Select { accept, .. } => ("Select".to_owned(), accept),
                    // Without a conversion, the bits stay the same.
                    Expression::As { expr, convert: Some(_), .. } => ("As".to_owned(), expr),
                    _ => continue,
                };
                if is_float(operand) || is_float(result) {
                    operations.push(name);
                }
            }
        }
        operations.sort();
        operations
    }
}

/// What these are for a program. No floats are compared, clamped or fused.
pub(super) fn float_operations(program: Program, element: &str) -> Vec<&'static str> {
    let mut operations = match program.operation {
        Operation::Copy => return Vec::new(),
        Operation::Forward | Operation::Count | Operation::ForwardAndCount => vec!["Add", "Multiply"],
        Operation::Backward | Operation::BackwardOverSaved | Operation::BackwardOfPair => vec!["Multiply"],
    };
    // Rounds to f16. Counting does not.
    if element.contains("fn round_to_low(") && program.operation != Operation::Count {
        operations.push("Add");
    }
    if element.contains("unpack2x16float(") {
        operations.extend(["Unpack2x16float"; 8]);
    }
    // Converts subnormal f16 from integers.
    if element.contains("* 0x1p-24f") {
        operations.extend(["As", "Multiply"]);
    }
    operations.sort_unstable();
    operations
}

#[test]
fn floats_are_only_added_and_multiplied() {
    for (program, element) in programs() {
        let operations = Shader::new(program, element).float_operations();
        assert_eq!(operations, float_operations(program, element), "{program:?}");
    }
}
