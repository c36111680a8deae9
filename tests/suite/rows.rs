//! Rows with a pitch.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Ahead, cpu, plan::Rows};
use proptest::prelude::*;

use crate::numbers::{Number, assert_bits, expected, gradients, numbers};
use crate::operations::{self, Buffers, Operation};
use crate::properties::run;
use crate::rig::{Bench, F, at, bench};
use crate::subject::{Subject, Test};

/// On the CPU path.
pub(crate) const TESTS: &[Test] = &[("rows_of_slices", of_slices)];

pub(crate) const GPU_TESTS: &[Test] = &[
    ("rows_of_any_operation_f32", any_operation::<f32>),
    ("rows_of_any_operation_f16", any_operation::<f16>),
    ("rows_of_any_operation_bf16", any_operation::<bf16>),
    ("rows_beyond_a_dimension_of_workgroups", many),
    ("rows_mistakes_say_what_to_do", mistakes),
];

/// The elements of the rows, one row after the other.
fn indices(rows: Rows) -> Vec<usize> {
    let Rows { first, width, pitch, number } = rows;
    (0..number).flat_map(|row| (0..width).map(move |i| (first + row * pitch + i) as usize)).collect()
}

/// Elements between and around the rows must not change.
fn any_operation<T: Number>(subject: &Subject) {
    let devices = [(10, 1, false), (17, 7, true), (20, 65_535, false)]
        .map(|(binding, groups, mixed)| Bench::with_limits(subject, 1 << binding, groups, mixed));
    let width = prop_oneof![0..40_u64, 0..900_u64, 16_300..16_500_u64];
    // Pitches that are often multiples of 16 bytes, and often the width.
    let padding = || prop_oneof![Just(0..1_u64), Just(0..20), Just(0..300)].prop_flat_map(|range| range);
    let first = || prop_oneof![Just(0..1_u64), Just(64..65), Just(0..30)].prop_flat_map(|range| range);
    let rows = (width, [padding(), padding(), padding()], [first(), first(), first()], 0..9_u64);
    let cases = (0..3_usize, operations::any(), rows, any::<bool>(), any::<bool>());
    run(60, cases, |(device, op, (width, paddings, firsts, number), whole, beside)| {
        let bench = &devices[device];
        let width = if device == 0 { width % 500 } else { width };
        let mut rows = [0, 1, 2].map(|i| {
            let pitch = width + paddings[i];
            Rows { first: firsts[i], width, pitch: if whole { pitch.next_multiple_of(8) } else { pitch }, number }
        });
        if matches!(op, Operation::Arena) {
            let [x, y, _] = &mut rows;
            if beside {
                // Two halves of wider rows.
                x.pitch += width + y.first;
                *y = Rows { first: x.first + width + y.first, ..*x };
            } else {
                y.first += x.first + number * x.pitch;
            }
        }
        let at = rows.map(indices);
        let end = |rows: Rows| (rows.first + number * rows.pitch + 37).next_multiple_of(2) as usize;
        let total = rows.map(end).into_iter().max().unwrap();
        let buffers = Buffers::new(bench, [numbers::<T>(total), numbers::<T>(total), gradients::<T>(total)]);
        let binding = buffers.bind(&bench.kernel, op, rows);
        buffers.check(&binding, op, at.each_ref().map(Vec::as_slice), &(device, op, rows));
    });
}

/// More rows than a dispatch has workgroups in a dimension; what was compiled ahead serves them.
fn many(subject: &Subject) {
    let bench = bench(subject);
    let rows = Rows { first: 1, width: 3, pitch: 5, number: 70_001 };
    let source = numbers::<f32>(5 * 70_001);
    let data = bench.buffer(&source);
    let list = [Ahead::bind::<f32>().in_place().rows(), Ahead::bind::<f32>().in_place()];
    let warm_up = bench.kernel.compile_ahead(list).unwrap();
    let count = || bench.device.get_internal_counters().hal.compute_pipelines.read();
    let compiled = count();
    let binding = bench.kernel.bind_in_place::<f32>(F, (&data, rows)).unwrap();
    assert_eq!(count(), compiled);
    bench.submit(|encoder| {
        warm_up.record(encoder);
        binding.record(encoder);
    });
    let mut right = source.clone();
    indices(rows).into_iter().for_each(|i| right[i] = F.eval(source[i]));
    assert_bits(&bench.read::<f32>(&data), &right, &rows);
}

fn mistakes(subject: &Subject) {
    let bench = bench(subject);
    let data = bench.buffer(&numbers::<f32>(100));
    let rows = |first, pitch| Rows { first, width: 10, pitch, number: 5 };
    let bind = |kernel: &hard_sigmoid::Kernel, from, to| kernel.bind::<f32>(F, (&data, from), (&data, to)).unwrap_err();
    let refused = |from, to| bind(&bench.kernel, from, to).to_string();
    assert!(refused(rows(0, 9), rows(50, 10)).contains("begin 9 elements apart: make the pitch the width or more"));
    assert!(refused(rows(0, 10), Rows { number: 4, ..rows(50, 10) }).contains("make them alike"));
    assert!(refused(rows(0, 20), rows(5, 20)).contains("overlap in one buffer"));
    assert!(
        refused(rows(0, 20), rows(11, 20)).contains("row 4 of the target does not fit its buffer, which holds 100")
    );
    let length = bench.buffer(&[0.0_f32]);
    let error = bind(&bench.kernel.with_length(at(&length, 0)), rows(0, 20), rows(10, 20));
    assert!(error.to_string().contains("bind one range"), "{error}");
}

fn of_slices(_: &Subject) {
    let (padded, tight) =
        (Rows { first: 2, width: 33, pitch: 40, number: 9 }, Rows { first: 1, width: 33, pitch: 33, number: 9 });
    let (x, mut y) = (numbers::<f16>(400), vec![f16::WRONG; 300]);
    for (x, y) in padded.of(&x).unwrap().zip(tight.of_mut(&mut y).unwrap()) {
        cpu::apply(F, x, y).unwrap();
    }
    let mut right = vec![f16::WRONG; 300];
    for (from, to) in indices(padded).into_iter().zip(indices(tight)) {
        right[to] = F.eval(x[from]);
    }
    assert_bits(&y, &right, &padded);
    assert_bits(&y[1..34], &expected(F, &x[2..35]), &"the first row");
}
