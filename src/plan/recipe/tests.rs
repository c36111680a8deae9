//! Which operations a recipe takes, and where they read and write.

use super::*;
use crate::plan::step::Resource;

const LIMITS: Limits =
    Limits { binding_bytes: 128 << 20, alignment_bytes: 256, storage_buffers: 8, groups: 65_535, mixed: true };

const TWO_BUFFERS: Limits = Limits { storage_buffers: 2, ..LIMITS };

fn operand(buffer: char, first: u64) -> Operand<char> {
    Operand { buffer, buffer_bytes: 1 << 16, elements: first..first + 1000 }
}

/// The operations, and where their storage bindings begin.
fn steps(recipe: Result<Recipe<char>, PlanError>) -> Vec<(Operation, Vec<(char, u64)>)> {
    let storage = |resource| match resource {
        Resource::Storage { buffer, offset_bytes, .. } => Some((buffer, offset_bytes)),
        Resource::Parameters | Resource::Block => None,
    };
    let bindings = |step: &Step<char>| step.bindings().filter_map(|(_, resource)| storage(resource)).collect();
    recipe.unwrap().steps().map(|step| (step.program().operation, bindings(&step))).collect()
}

#[test]
fn backward_takes_one_pass_where_buffers_and_alignment_allow() {
    use Operation::{Backward, BackwardOfPair, BackwardOverSaved, Copy};
    let [saved, grad_x] = [operand('s', 64), operand('x', 0)];
    let backward = |grad_y: &Operand<char>, limits| steps(Recipe::backward::<f32>(&saved, grad_y, &grad_x, limits));
    // As far from each other as an alignment, so that both sources have bindings of one size.
    let pair = |at| vec![(BackwardOfPair, vec![('s', 256), ('x', 0), ('y', at)])];
    assert_eq!(backward(&operand('y', 64), LIMITS), pair(256));
    assert_eq!(backward(&operand('y', 0), LIMITS), pair(0));
    let two = |at| vec![(Copy, vec![('y', at), ('x', 0)]), (Backward, vec![('s', 256), ('x', 0)])];
    assert_eq!(backward(&operand('y', 1), LIMITS), two(0));
    assert_eq!(backward(&operand('y', 64), TWO_BUFFERS), two(256));
    // In place.
    assert_eq!(backward(&grad_x, LIMITS), [(Backward, vec![('s', 256), ('x', 0)])]);
    let over_saved = steps(Recipe::backward::<f32>(&grad_x, &operand('y', 64), &grad_x, LIMITS));
    assert_eq!(over_saved, [(BackwardOverSaved, vec![('y', 256), ('x', 0)])]);
    // Another range of the target's buffer.
    let shared = steps(Recipe::backward::<f32>(&operand('x', 2000), &operand('y', 0), &grad_x, LIMITS));
    assert_eq!(shared, [(Copy, vec![('y', 0), ('x', 0)]), (Backward, vec![('x', 0)])]);
}

#[test]
fn counting_takes_a_pass_of_its_own_with_two_buffers() {
    let (x, y) = (operand('x', 0), operand('y', 1));
    let both = |limits| steps(Recipe::forward_and_count::<f32>(&x, &y, ('c', 512), limits));
    let names = vec![('x', 0), ('y', 0), ('c', 512)];
    assert_eq!(both(LIMITS), [(Operation::ForwardAndCount, names)]);
    let counted = (Operation::Count, vec![('x', 0), ('c', 512)]);
    assert_eq!(both(TWO_BUFFERS), [counted, (Operation::Forward, vec![('x', 0), ('y', 0)])]);
}

#[test]
fn errors_name_the_operand() {
    let a = operand('a', 0);
    let long = Operand { elements: 0..1001, ..operand('b', 0) };
    let lengths = |role, source_len, target_len| PlanError::Lengths { role, source_len, target_len };
    let backward = |saved, grad_y, grad_x| Recipe::backward::<f32>(saved, grad_y, grad_x, LIMITS).unwrap_err();
    assert_eq!(backward(&long, &a, &a), lengths(BufferRole::Source, 1001, 1000));
    assert_eq!(backward(&a, &long, &a), lengths(BufferRole::Gradient, 1001, 1000));
    let far = operand('g', 1 << 14);
    let out = PlanError::OutOfRange { role: BufferRole::Gradient, first: 1 << 14, len: 1000, available: 1 << 14 };
    assert_eq!(backward(&a, &far, &operand('x', 0)), out);
    #[allow(clippy::reversed_empty_ranges, reason = "what is refused")]
    let reversed = Operand { elements: 9..3, ..operand('r', 0) };
    let error = Recipe::count::<f32>(&reversed, ('c', 0), LIMITS).unwrap_err();
    assert_eq!(error, PlanError::Reversed { role: BufferRole::Source, start: 9, end: 3 });
    let error = Recipe::forward::<f64>(&a, &a, LIMITS).unwrap_err();
    assert_eq!(error, PlanError::NotOnGpu { element: "f64" });
}
