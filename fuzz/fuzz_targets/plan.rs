//! Makes recipes of arbitrary operations, ranges, rows and limits. The result is an error, or valid steps.

#![no_main]

use arbitrary::Arbitrary;
use hard_sigmoid::half::f16;
use hard_sigmoid::plan::{Elements, Limits, Operand, Place, Recipe, Resource, Rows, Step};
use hard_sigmoid::{Element, plan::PlanError};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Operation {
    Forward,
    Count,
    ForwardAndCount,
    Backward,
}

#[derive(Arbitrary, Debug)]
struct Case {
    operation: Operation,
    /// Buffers and first elements.
    ranges: [(u8, u64); 3],
    len: u64,
    buffer_bytes: [u64; 3],
    halves: bool,
    limits: (u64, u32, u32, u32, bool),
    /// Where a length is.
    length: Option<u64>,
    /// How many rows of `len` elements, and their pitches.
    rows: Option<(u16, [u32; 3])>,
}

/// By number.
type Buffer = usize;

const COUNTERS: Buffer = 3;
const LENGTH: Buffer = 4;
const LENGTH_BYTES: u64 = 1 << 32;

fuzz_target!(|case: Case| {
    if case.halves {
        check::<f16>(&case);
    } else {
        check::<f32>(&case);
    }
});

fn check<T: Element>(case: &Case) {
    let (binding_bytes, alignment_bytes, storage_buffers, groups, mixed) = case.limits;
    let mut limits = Limits::default();
    limits.binding_bytes = binding_bytes;
    limits.alignment_bytes = alignment_bytes;
    limits.storage_buffers = storage_buffers;
    limits.groups = groups;
    limits.mixed = mixed;
    let operands: [_; 3] = std::array::from_fn(|i| {
        let (buffer, first) = (usize::from(case.ranges[i].0 % 3), case.ranges[i].1);
        let elements = match case.rows {
            Some((number, pitches)) => {
                Rows { first, width: case.len, pitch: pitches[i].into(), number: number.into() }.into()
            }
            None => (first..first.wrapping_add(case.len)).into(),
        };
        Operand { buffer, buffer_bytes: case.buffer_bytes[buffer], elements }
    });
    let Ok(mut recipe) = recipe::<T>(&case.operation, &operands, limits) else { return };
    let len = case.len * case.rows.map_or(1, |(number, _)| number.into());
    // Of a longer range, no length reaches what is behind 2^32 elements, which then has no steps.
    let length = case.length.filter(|_| len < 1 << 32);
    if let Some(offset_bytes) = length {
        let place = Place { buffer: LENGTH, buffer_bytes: LENGTH_BYTES, offset_bytes };
        let Ok(with_length) = recipe.with_length(&place, limits) else { return };
        recipe = with_length;
    }
    let [first, second, third] = &operands;
    let target = if matches!(case.operation, Operation::Backward) { third } else { second };
    // A step for each part of the range, or two: elements that were written, and those that were counted.
    let (mut written, mut counted) = (0, 0);
    let mut all = recipe.steps();
    for step in all.by_ref().take(1000) {
        let [source_first, target_first, step_len, head, vector_groups, before, of_block, length_at, further @ ..] =
            block(&step);
        let [workgroups, rows] = step.workgroups();
        assert!(step_len > 0 && workgroups <= groups && vector_groups <= u64::from(workgroups));
        assert!(rows > 0 && rows <= groups && (rows == 1 || case.rows.is_some()));
        // The last row is the furthest.
        let [source_last, target_last] = further.map(|pitch| u64::from(rows - 1) * pitch);
        let elements = step_len * u64::from(rows);
        let size = size_of::<T>() as u64;
        let vectors = vector_groups * 1024 * 16 / size;
        assert!(head + vectors <= step_len);
        let per_thread = if vectors == 0 { 4 / size } else { 16 / size };
        assert!((u64::from(workgroups) - vector_groups) * 256 * per_thread >= step_len - vectors);
        let constants = step.program().constants();
        let rotation = constants.iter().find(|(name, _)| *name == "ROTATION").map_or(0, |&(_, value)| value as u64);
        let behind = if rotation == 0 { 0 } else { 16 / size - rotation };
        let mut parts = Vec::new();
        for (_, resource) in step.bindings() {
            let Resource::Storage { buffer, offset_bytes, size_bytes, .. } = resource else { continue };
            if buffer == COUNTERS {
                assert_eq!((offset_bytes, size_bytes), (0, 32));
                counted += elements;
                continue;
            }
            if buffer == LENGTH {
                assert_eq!(Some(offset_bytes + 4 * length_at), length);
                assert_eq!((size_bytes, offset_bytes % u64::from(alignment_bytes)), (4 * length_at + 4, 0));
                // A workgroup of vectors, and those around it.
                assert!(vectors == 0 || u64::from(workgroups) - vector_groups >= 5);
                assert!(vectors == 0 || of_block == behind);
                continue;
            }
            assert!(size_bytes <= binding_bytes && size_bytes % 4 == 0);
            assert!(offset_bytes + size_bytes <= case.buffer_bytes[buffer]);
            assert_eq!(offset_bytes % u64::from(alignment_bytes), 0);
            // What is written has no other binding.
            assert!(parts.iter().all(|&(other, low, high)| {
                buffer != other || other != target.buffer || offset_bytes + size_bytes <= low || high <= offset_bytes
            }));
            parts.push((buffer, offset_bytes, offset_bytes + size_bytes));
        }
        let [from, to] = match parts[..] {
            [both] => [both, both],
            [from, to, ..] => [from, to],
            [] => unreachable!("{step:?}"),
        };
        // Reads and writes are within the bindings.
        let read = step_len.max(head + vectors + behind);
        let is_counting = step.program().entry_point().starts_with("count");
        // A copy of the gradient comes before the rest of a backward pass.
        let done = if is_counting { counted - elements } else { written % len };
        assert!(length.is_none() || before == done);
        let begins = |part: (Buffer, u64, u64), at: u64, of: &Operand<Buffer>| {
            match &of.elements {
                Elements::Range(range) => (part.0, part.1 / size + at) == (of.buffer, range.start + done),
                // The tests of rows say where each begins.
                Elements::Rows(_) => part.0 == of.buffer,
            }
        };
        assert!(from.1 + (source_first + source_last + read) * size <= from.2);
        let is_backward = matches!(case.operation, Operation::Backward);
        assert!(begins(from, source_first, first) || is_backward && begins(from, source_first, second));
        if let [_, _, gradient] = parts[..] {
            assert!(is_backward && begins(gradient, source_first, second));
            assert!(gradient.1 + (source_first + source_last + read) * size <= gradient.2);
        }
        if !is_counting {
            assert!(to.1 + (target_first + target_last + step_len) * size <= to.2);
            assert!(begins(to, target_first, target));
            written = done + elements;
        }
    }
    if all.next().is_none() {
        let counts = matches!(case.operation, Operation::Count | Operation::ForwardAndCount);
        let writes = !matches!(case.operation, Operation::Count);
        assert_eq!((written, counted), (if writes { len } else { 0 }, if counts { len } else { 0 }));
    }
}

fn recipe<T: Element>(
    operation: &Operation,
    [a, b, c]: &[Operand<Buffer>; 3],
    limits: Limits,
) -> Result<Recipe<Buffer>, PlanError> {
    let counters = Place { buffer: COUNTERS, buffer_bytes: 32, offset_bytes: 0 };
    match operation {
        Operation::Forward => Recipe::forward::<T>(a, b, limits),
        Operation::Count => Recipe::count::<T>(a, &counters, limits),
        Operation::ForwardAndCount => Recipe::forward_and_count::<T>(a, b, &counters, limits),
        Operation::Backward => Recipe::backward::<T>(a, b, c, limits),
    }
}

/// The numbers of a step's block.
fn block(step: &Step<Buffer>) -> [u64; 10] {
    let bytes = step.block();
    std::array::from_fn(|i| u32::from_le_bytes(std::array::from_fn(|byte| bytes[4 * i + byte])).into())
}
