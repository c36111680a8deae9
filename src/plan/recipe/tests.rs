//! Which operations a recipe takes, and where they read and write.

use super::*;
use crate::plan::step::Resource;

fn operand(buffer: char, first: u64) -> Operand<char> {
    Operand { buffer, buffer_bytes: 1 << 16, elements: (first..first + 1000).into() }
}

fn two_buffers() -> Limits {
    Limits { storage_buffers: 2, ..Limits::default() }
}

fn counters(offset_bytes: u64) -> Place<char> {
    Place { buffer: 'c', buffer_bytes: 1024, offset_bytes }
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
    assert_eq!(backward(&operand('y', 64), Limits::default()), pair(256));
    assert_eq!(backward(&operand('y', 0), Limits::default()), pair(0));
    let two = |at| vec![(Copy, vec![('y', at), ('x', 0)]), (Backward, vec![('s', 256), ('x', 0)])];
    assert_eq!(backward(&operand('y', 1), Limits::default()), two(0));
    assert_eq!(backward(&operand('y', 64), two_buffers()), two(256));
    // In place.
    assert_eq!(backward(&grad_x, Limits::default()), [(Backward, vec![('s', 256), ('x', 0)])]);
    let over_saved = steps(Recipe::backward::<f32>(&grad_x, &operand('y', 64), &grad_x, Limits::default()));
    assert_eq!(over_saved, [(BackwardOverSaved, vec![('y', 256), ('x', 0)])]);
    // The same place, given in another way.
    for pitch in [1000, 0, 2000] {
        let elements = Rows { first: 0, width: 1000, pitch, number: 1 }.into();
        let saved = Operand { elements, ..grad_x.clone() };
        let over = steps(Recipe::backward::<f32>(&saved, &operand('y', 64), &grad_x, Limits::default()));
        assert_eq!(over, over_saved);
    }
    // Another range of the target's buffer.
    let shared = steps(Recipe::backward::<f32>(&operand('x', 2000), &operand('y', 0), &grad_x, Limits::default()));
    assert_eq!(shared, [(Copy, vec![('y', 0), ('x', 0)]), (Backward, vec![('x', 0)])]);
}

#[test]
fn counting_takes_a_pass_of_its_own_with_two_buffers() {
    let (x, y) = (operand('x', 0), operand('y', 1));
    let both = |limits| steps(Recipe::forward_and_count::<f32>(&x, &y, &counters(512), limits));
    let names = vec![('x', 0), ('y', 0), ('c', 512)];
    assert_eq!(both(Limits::default()), [(Operation::ForwardAndCount, names)]);
    let counted = (Operation::Count, vec![('x', 0), ('c', 512)]);
    assert_eq!(both(two_buffers()), [counted, (Operation::Forward, vec![('x', 0), ('y', 0)])]);
}

#[test]
fn errors_name_the_operand() {
    let a = operand('a', 0);
    let long = Operand { elements: (0..1001).into(), ..operand('b', 0) };
    let lengths = |role, source_len, target_len| PlanError::Lengths { role, source_len, target_len };
    let backward =
        |saved, grad_y, grad_x| Recipe::backward::<f32>(saved, grad_y, grad_x, Limits::default()).unwrap_err();
    assert_eq!(backward(&long, &a, &a), lengths(BufferRole::Source, 1001, 1000));
    assert_eq!(backward(&a, &long, &a), lengths(BufferRole::Gradient, 1001, 1000));
    let far = operand('g', 1 << 14);
    let out = PlanError::OutOfRange { role: BufferRole::Gradient, first: 1 << 14, len: 1000, available: 1 << 14 };
    assert_eq!(backward(&a, &far, &operand('x', 0)), out);
    #[allow(clippy::reversed_empty_ranges, reason = "what is refused")]
    let reversed = Operand { elements: (9..3).into(), ..operand('r', 0) };
    let error = Recipe::count::<f32>(&reversed, &counters(0), Limits::default()).unwrap_err();
    assert_eq!(error, PlanError::Reversed { role: BufferRole::Source, start: 9, end: 3 });
    let shared = Place { buffer: 'a', ..counters(0) };
    let error = Recipe::forward_and_count::<f32>(&far, &a, &shared, Limits::default()).unwrap_err();
    assert_eq!(error, PlanError::Shared { role: BufferRole::Counters, other: BufferRole::Target });
    let count = |offset| Recipe::count::<f32>(&a, &counters(offset), Limits::default()).unwrap_err();
    assert_eq!(count(128), PlanError::Alignment { role: BufferRole::Counters, offset: 128, alignment: 256 });
    let size = 1024;
    assert_eq!(count(size), PlanError::TooShort { role: BufferRole::Counters, offset: size, bytes: 32, size });
    let error = Recipe::forward::<f64>(&a, &a, Limits::default()).unwrap_err();
    assert_eq!(error, PlanError::NotOnGpu { element: "f64" });
}
