#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashMap;

use half::f16;
use proptest::prelude::*;

use super::*;
use crate::Element;
use crate::plan::dispatch::{Access, Extent, Unit, VECTORS_PER_GROUP};
use crate::plan::{Limits, Operand, Recipe};

/// Two operands, in one buffer or in two, of `bytes` bytes each.
fn recipe<T: Element>(rows: [Rows; 2], buffers: [u8; 2], bytes: u64, limits: Limits) -> Result<Recipe<u8>, PlanError> {
    let operand = |i: usize| Operand { buffer: buffers[i], buffer_bytes: bytes, elements: rows[i].into() };
    Recipe::forward::<T>(&operand(0), &operand(1), limits)
}

/// Checks that each element of the rows is computed once, from its source, through bindings that hold it, and that no
/// two threads of a dispatch write into one word or vector. Returns the number of dispatches.
fn check<T: Element>(rows: [Rows; 2], buffers: [u8; 2], limits: Limits) -> usize {
    let size = size_of::<T>() as u64;
    let further = |rows: Rows| if rows.number > 1 { (rows.number - 1) * rows.pitch } else { 0 };
    let end = |rows: Rows| (rows.first + further(rows) + rows.width) * size;
    let bytes = end(rows[0]).max(end(rows[1])).next_multiple_of(4);
    let case = format!("{} {rows:?} {buffers:?} {limits:?}", T::NAME);
    let steps: Vec<_> = recipe::<T>(rows, buffers, bytes, limits).expect(&case).steps().collect();
    let mut sources = HashMap::new();
    for step in &steps {
        let d = step.dispatch;
        assert!(d.rows > 0 && d.rows <= limits.groups && d.groups <= limits.groups, "{case}");
        assert_eq!(d.extent == Extent::Rows, d.rows > 1, "{case}");
        let (per_unit, rotation) = match d.unit {
            Unit::Word => (4 / size, None),
            Unit::Vector { rotation } | Unit::Mixed { rotation } => (16 / size, Some(u64::from(rotation))),
        };
        let vectors = u64::from(d.vector_groups) * VECTORS_PER_GROUP * per_unit;
        for span in [d.source, d.target] {
            assert!(span.size_bytes <= limits.binding_bytes && span.offset_bytes + span.size_bytes <= bytes, "{case}");
            assert_eq!(span.offset_bytes % u64::from(limits.alignment_bytes), 0, "{case}");
        }
        if d.access == Access::SameBuffer {
            let [low, high] =
                if d.source.offset_bytes < d.target.offset_bytes { [d.source, d.target] } else { [d.target, d.source] };
            assert!(low.offset_bytes + low.size_bytes <= high.offset_bytes, "{case}");
        }
        let mut written = HashMap::new();
        for row in 0..u64::from(d.rows) {
            let first = |first: u32, pitch: u32| u64::from(first) + row * u64::from(pitch);
            let (from, to) = (first(d.source_first, d.pitches[0]), first(d.target_first, d.pitches[1]));
            let (len, head) = (u64::from(d.len), u64::from(d.head));
            if let Some(rotation) = rotation {
                assert_eq!(((to + head) % per_unit, (from + head) % per_unit), (0, rotation), "{case}");
            }
            let behind = if rotation.is_some_and(|rotation| rotation > 0) { per_unit } else { 0 };
            assert!((from + len.max(head + vectors + behind)) * size <= d.source.size_bytes + 16, "{case}");
            assert!((from + len) * size <= d.source.size_bytes && (to + len) * size <= d.target.size_bytes, "{case}");
            // The threads that follow the vectors compute the rest of each row.
            let (units_end, units) = ((to + len - 1) / per_unit, to / per_unit);
            let threads = units_end - units + 1 - vectors / per_unit;
            assert!(u64::from(d.groups - d.vector_groups) * 256 >= threads, "{case}");
            for i in 0..len {
                let source = d.source.offset_bytes / size + from + i;
                let target = d.target.offset_bytes / size + to + i;
                assert_eq!(sources.insert(target, source), None, "{case}");
                assert_eq!(*written.entry((to + i) / per_unit).or_insert(row), row, "{case}");
            }
        }
    }
    let indices = |rows: Rows| {
        (0..rows.number).flat_map(move |row| {
            let start = rows.first + if row > 0 { row * rows.pitch } else { 0 };
            start..start + rows.width
        })
    };
    assert_eq!(sources, indices(rows[1]).zip(indices(rows[0])).collect(), "{case}");
    steps.len()
}

fn limits(binding_bytes: u64, groups: u32, mixed: bool) -> Limits {
    Limits { binding_bytes, groups, mixed, ..Limits::default() }
}

#[test]
fn an_image_takes_one_dispatch() {
    // Rows of a texture that is read back are 256 bytes' multiples apart.
    let rows = |first, pitch| Rows { first, width: 300, pitch, number: 200 };
    for mixed in [false, true] {
        let limits = limits(1 << 27, 65_535, mixed);
        for pitches in [[320, 300], [320, 320], [300, 320], [301, 307], [5000, 300]] {
            assert_eq!(check::<f32>(pitches.map(|pitch| rows(3, pitch)), [0, 1], limits), 1, "{pitches:?}");
        }
        assert_eq!(check::<f16>([rows(0, 320), rows(4, 300)], [0, 1], limits), 1);
        // Two rows share a word.
        assert_eq!(check::<f16>([rows(0, 320), rows(1, 300)], [0, 1], limits), 2);
        // In place, and from the left half to the right one.
        assert_eq!(check::<f16>([rows(1, 320); 2], [0, 0], limits), 1);
        assert_eq!(check::<f32>([rows(0, 700), rows(350, 700)], [0, 0], limits), 1);
        // Tight rows are one range.
        assert_eq!(check::<f32>([rows(5, 300); 2], [0, 1], limits), check::<f32>([rows(5, 300); 2], [0, 0], limits));
    }
    let wide = |pitch| Rows { first: 0, width: 10_000, pitch, number: 9 };
    assert_eq!(check::<f32>([wide(10_004), wide(10_008)], [0, 1], limits(1 << 27, 65_535, true)), 1);
    assert_eq!(check::<f32>([wide(10_001), wide(10_004)], [0, 1], limits(1 << 27, 65_535, true)), 4);
}

/// The first rows would fit one binding, and the last ones do not.
#[test]
fn rows_of_one_buffer_that_drift_apart_have_bindings_of_their_own() {
    let source = Rows { first: 132, width: 1, pitch: 61, number: 8 };
    let target = Rows { first: 124, pitch: 1, ..source };
    check::<f16>([source, target], [0, 0], limits(1 << 10, 65_535, true));
}

#[test]
fn any_rows_are_computed_once() {
    let rows = (0..40_u64, prop_oneof![0..40_u64, 0..400_u64, 16_300..16_500_u64], [0..20_u64, 0..20], 0..12_u64);
    let devices = prop_oneof![
        Just(limits(1 << 10, 1, false)),
        Just(limits(1 << 16, 3, false)),
        Just(limits(1 << 16, 7, true)),
        Just(limits(1 << 20, 65_535, true))
    ];
    let layout = prop_oneof![Just(0), Just(1), Just(2), Just(3), Just(4)];
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() };
    let cases = (rows, 0..40_u64, devices, layout, any::<bool>());
    proptest!(config, |(((first, width, more, number), to, limits, layout, halves) in cases)| {
        let width = if limits.binding_bytes < 1 << 16 { width % 500 } else { width };
        let source = Rows { first, width, pitch: width + more[0], number };
        let target = match layout {
            // Two buffers, in place, the whole behind or before, and beside each other.
            0 => Rows { first: to, pitch: width + more[1], ..source },
            1 => source,
            2 => Rows { first: first + number * source.pitch + to, pitch: width + more[1], ..source },
            4 => Rows { first: to, pitch: width + more[1], ..source },
            _ => Rows { first: first + width + to, pitch: 2 * width + to + more[0], ..source },
        };
        let source = match layout {
            3 => Rows { pitch: target.pitch, ..source },
            4 => Rows { first: first + to + number * target.pitch, ..source },
            _ => source,
        };
        let buffers = [0, u8::from(layout == 0)];
        if halves {
            check::<f16>([source, target], buffers, limits);
        } else {
            check::<f32>([source, target], buffers, limits);
        }
    });
}

#[test]
fn rows_that_overlap_or_leave_their_buffer_are_refused() {
    let rows = |first, pitch| Rows { first, width: 10, pitch, number: 5 };
    let refused =
        |source, target, bytes| recipe::<f32>([source, target], [0, 0], bytes, Limits::default()).unwrap_err();
    let overlap = PlanError::RowsOverlap { role: BufferRole::Source };
    assert_eq!(refused(rows(0, 20), rows(11, 20), 4000), overlap);
    assert_eq!(refused(rows(51, 20), rows(0, 20), 4000), overlap);
    assert_eq!(refused(rows(0, 20), rows(10, 21), 4000), overlap);
    // The first rows already.
    let overlap = PlanError::Overlap { role: BufferRole::Source, source_first: 0, target_first: 9, len: 10 };
    assert_eq!(refused(rows(0, 20), rows(9, 20), 4000), overlap);
    assert!(recipe::<f32>([rows(0, 20), rows(90, 20)], [0, 0], 4000, Limits::default()).is_ok());
    let out = PlanError::RowOutOfRange { role: BufferRole::Target, row: 4, first: 104, len: 10, available: 100 };
    assert_eq!(refused(rows(0, 10), rows(60, 11), 400), out);
    let pitch = PlanError::Pitch { role: BufferRole::Target, width: 10, pitch: 9 };
    assert_eq!(refused(rows(0, 10), rows(50, 9), 400), pitch);
    let fewer = Rows { number: 4, ..rows(50, 10) };
    let rows_differ = PlanError::Rows { role: BufferRole::Source, source_rows: [5, 10], target_rows: [4, 10] };
    assert_eq!(refused(rows(0, 10), fewer, 400), rows_differ);
    let error = rows(7, 20).of(&[0.0; 96]).err();
    let out = PlanError::RowOutOfRange { role: BufferRole::Data, row: 4, first: 87, len: 10, available: 96 };
    assert_eq!(error, Some(out));
    assert_eq!(rows(7, 20).of(&[0.0; 97]).unwrap().count(), 5);
    // The pitch of one row, and the place of none, say nothing.
    for pitch in [0, 3, u64::MAX] {
        let one = Rows { first: 1, width: 3, pitch, number: 1 };
        assert_eq!(one.of(&[0, 1, 2, 3]).unwrap().collect::<Vec<_>>(), [[1, 2, 3]]);
        assert_eq!(check::<f32>([one, Rows { first: 9, ..one }], [0, 1], Limits::default()), 1);
        assert_eq!(Rows { number: 0, ..one }.of(&[0; 0]).unwrap().count(), 0);
    }
    let empty = Rows { first: 0, width: 0, pitch: 1, number: 1 << 61 };
    assert_eq!(recipe::<f32>([empty; 2], [0, 1], u64::MAX, Limits::default()).unwrap().steps().count(), 0);
}
