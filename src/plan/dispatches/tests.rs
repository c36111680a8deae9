#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;

const SOURCE: BufferRole = BufferRole::Source;

const TINY: Limits = Limits { binding_bytes: 64, alignment_bytes: 32, storage_buffers: 2, groups: 1, mixed: false };
const USUAL: Limits =
    Limits { binding_bytes: 128 << 20, alignment_bytes: 256, storage_buffers: 8, groups: 65_535, mixed: false };
const MIXED: Limits = Limits { mixed: true, ..USUAL };

/// A range in a buffer that extends `slack` bytes beyond the last word of the range.
fn start(element: u64, len: u64, element_bytes: u64, slack: u64) -> Start {
    Start { element, buffer_bytes: ((element + len) * element_bytes).next_multiple_of(4) + slack }
}

/// The most dispatches that `check` looks at. The ranges of the property tests may have far more.
const MOST: usize = 10_000;

/// Checks that the dispatches cover each element of both ranges once, in order, through valid bindings.
fn check(source: Start, target: Start, len: u64, bytes: u64, buffers: Buffers, limits: Limits) -> Vec<Dispatch> {
    let case = format!("{source:?} {target:?} {len} of {bytes} {buffers:?} {limits:?}");
    let windows: Vec<_> =
        dispatches(SOURCE, source, target, len, bytes, buffers, limits).expect(&case).take(MOST).collect();
    let (vector, per_word) = (16 / bytes, 4 / bytes);
    let mut done = 0;
    for w in &windows {
        let vectors = u64::from(w.vector_groups) * VECTORS_PER_GROUP * vector;
        let (head, length) = (u64::from(w.head), u64::from(w.len));
        let rotation = match w.unit {
            Unit::Vector { rotation } => {
                assert!(w.vector_groups == w.groups && head == 0 && vectors == length, "{case}");
                rotation
            }
            Unit::Word => {
                assert!(w.vector_groups == 0 && head == 0, "{case}");
                0
            }
            Unit::Mixed { rotation } => {
                assert!(limits.mixed && 0 < w.vector_groups && w.vector_groups < w.groups, "{case}");
                rotation
            }
        };
        let first = |span: Span, first: u32| span.offset_bytes / bytes + u64::from(first);
        let (from, to) = (first(w.source, w.source_first), first(w.target, w.target_first));
        assert_eq!((from, to), (source.element + done, target.element + done), "{case}");
        // A misaligned dispatch also reads the vector after the last one.
        let behind = if rotation == 0 { 0 } else { vector - u64::from(rotation) };
        if vectors > 0 {
            assert_eq!((to + head) % vector, 0, "{case}");
            assert_eq!((from + head) % vector, u64::from(rotation), "{case}");
            assert!(from + head - u64::from(rotation) >= source.element, "{case}");
            assert!(from + head + vectors + behind <= source.element + len, "{case}");
        }
        let read = if vectors > 0 { length.max(head + vectors + behind) } else { length };
        for (span, reach, start) in [
            (w.source, u64::from(w.source_first) + read, source),
            (w.target, u64::from(w.target_first) + length, target),
        ] {
            assert!(span.size_bytes <= limits.binding_bytes && span.size_bytes % 4 == 0, "{case}");
            assert!(span.offset_bytes + span.size_bytes <= start.buffer_bytes, "{case}");
            assert_eq!(span.offset_bytes % u64::from(limits.alignment_bytes), 0, "{case}");
            assert!(reach * bytes <= span.size_bytes, "{case}");
            assert!(w.unit == Unit::Word || span.size_bytes % 16 == 0, "{case}");
        }
        // The threads of the other groups process a word each, or a vector before or after the others.
        let (into_word, into_vector) = (u64::from(w.target_first) % per_word, u64::from(w.target_first) % vector);
        let edges = (into_vector + head) / vector + (length - head - vectors).div_ceil(vector);
        let threads = if vectors == 0 { (into_word + length).div_ceil(per_word) } else { edges };
        let others = u64::from(w.groups - w.vector_groups);
        assert!(w.groups <= limits.groups && length > 0, "{case}");
        assert!(others * 256 >= threads && (others == 0 || (others - 1) * 256 < threads), "{case}");
        match (buffers, w.access) {
            (Buffers::Two, Access::SeparateBuffer) => {}
            (Buffers::One, Access::SameBinding) => assert_eq!(w.source, w.target, "{case}"),
            (Buffers::One, Access::SameBuffer) => {
                let [low, high] =
                    if source.element < target.element { [w.source, w.target] } else { [w.target, w.source] };
                assert!(low.offset_bytes + low.size_bytes <= high.offset_bytes, "{case}");
            }
            unexpected => panic!("{unexpected:?} {case}"),
        }
        done += length;
    }
    assert!(done == len || windows.len() == MOST && done < len, "{case}");
    windows
}

/// Element sizes, and lengths close to those at which the plan changes.
fn sizes() -> impl Iterator<Item = (u64, u64)> {
    [4, 2].into_iter().flat_map(|bytes| {
        let small = SMALL_WORDS * 4 / bytes;
        (0..20).chain(small - 2..small + 12).map(move |len| (bytes, len))
    })
}

#[test]
fn tiny_limits_cover_every_offset_and_length() {
    for (bytes, len) in sizes() {
        for (from, to) in (0..10).flat_map(|from| (0..10).map(move |to| (from, to))) {
            for slack in [0, 4, 8, 12] {
                let (source, target) = (start(from, len, bytes, slack), start(to, len, bytes, 12 - slack));
                check(source, target, len, bytes, Buffers::Two, TINY);
                check(source, target, len, bytes, Buffers::Two, MIXED);
            }
        }
    }
}

#[test]
fn tiny_limits_cover_every_pair_of_ranges_of_one_buffer() {
    for (bytes, len) in sizes() {
        for (from, gap) in (0..10).flat_map(|from| (0..20).map(move |gap| (from, gap))) {
            let high = start(from + len + gap, len, bytes, gap % 4 * 4);
            let low = Start { element: from, ..high };
            check(low, high, len, bytes, Buffers::One, TINY);
            check(high, low, len, bytes, Buffers::One, TINY);
            check(low, low, len, bytes, Buffers::One, TINY);
        }
    }
}

fn across(from: u64, to: u64, len: u64, bytes: u64, limits: Limits) -> Vec<Dispatch> {
    check(start(from, len, bytes, 0), start(to, len, bytes, 0), len, bytes, Buffers::Two, limits)
}

/// The same in buffers that consist of whole vectors.
fn across_vectors(from: u64, to: u64, len: u64, bytes: u64, limits: Limits) -> Vec<Dispatch> {
    let start = |element: u64| Start { element, buffer_bytes: ((element + len) * bytes).next_multiple_of(16) };
    check(start(from), start(to), len, bytes, Buffers::Two, limits)
}

fn shape(windows: &[Dispatch]) -> Vec<(Unit, u32)> {
    windows.iter().map(|w| (w.unit, w.len)).collect()
}

#[test]
fn one_dispatch_where_limits_and_alignment_allow() {
    for bytes in [4, 2] {
        let windows = across(64, 0, 1 << 20, bytes, USUAL);
        assert_eq!(shape(&windows), [(Unit::Vector { rotation: 0 }, 1 << 20)]);
        assert_eq!(windows[0].groups, 64 * bytes as u32);
        assert_eq!(across(64, 0, 1 << 20, bytes, MIXED), windows);
        let small = SMALL_WORDS * 4 / bytes;
        assert_eq!(shape(&across(5, 3, small, bytes, USUAL)), [(Unit::Word, small as u32)]);
    }
}

#[test]
fn ends_of_an_unaligned_range_go_by_word() {
    let vectors = |rotation, len| (Unit::Vector { rotation }, len);
    let windows = across(5, 1, 1 << 20, 4, USUAL);
    assert_eq!(shape(&windows), [(Unit::Word, 3), vectors(0, 255 << 12), (Unit::Word, 1023 * 4 + 1)]);
    let windows = across(0, 2, 1 << 20, 4, USUAL);
    assert_eq!(shape(&windows), [(Unit::Word, 2), vectors(2, 255 << 12), (Unit::Word, 1023 * 4 + 2)]);
    let windows = across(0, 3, 1 << 20, 2, USUAL);
    assert_eq!(shape(&windows), [(Unit::Word, 5), vectors(5, 127 << 13), (Unit::Word, 1023 * 8 + 3)]);
}

#[test]
fn a_mixed_dispatch_takes_any_range() {
    for (from, to, rotation, edge_groups) in [(5, 1, 0, 5), (0, 2, 2, 5), (3, 0, 3, 4)] {
        let windows = across_vectors(from, to, 1 << 20, 4, MIXED);
        assert_eq!(shape(&windows), [(Unit::Mixed { rotation }, 1 << 20)]);
        assert_eq!((windows[0].vector_groups, windows[0].groups), (255, 255 + edge_groups), "{from} {to}");
    }
    assert_eq!(shape(&across_vectors(0, 3, 1 << 20, 2, MIXED)), [(Unit::Mixed { rotation: 5 }, 1 << 20)]);
    // Where the grid ends, a dispatch ends with its vectors.
    let limits = Limits { groups: 8, ..MIXED };
    let mixed = |len| (Unit::Mixed { rotation: 0 }, len);
    assert_eq!(shape(&across_vectors(1, 1, 5 << 12, 4, limits)), [mixed(3 + (3 << 12)), mixed((2 << 12) - 3)]);
    // Too few groups for both.
    let separate = across_vectors(1, 1, 5 << 12, 4, Limits { groups: 5, ..MIXED });
    assert_eq!(separate, across_vectors(1, 1, 5 << 12, 4, Limits { groups: 5, ..USUAL }));
    // Words behind the last whole vector of a buffer are left.
    assert_eq!(
        shape(&across(0, 0, (1 << 20) + 3, 4, MIXED)),
        [(Unit::Vector { rotation: 0 }, 1 << 20), (Unit::Word, 3)]
    );
    assert_eq!(shape(&across(1, 1, 1 << 20, 4, MIXED)), [mixed((1 << 20) - 1), (Unit::Word, 1)]);
}

#[test]
fn past_the_binding_limit() {
    let windows = across(0, 0, (128 << 20) / 4 + 1, 4, USUAL);
    assert_eq!(shape(&windows), [(Unit::Vector { rotation: 0 }, 1 << 25), (Unit::Word, 1)]);
}

#[test]
fn past_the_grid_limit() {
    let limits = Limits { binding_bytes: 4 << 30, ..USUAL };
    let windows = across(0, 0, 65_535 * VECTORS_PER_GROUP * 4 + 1, 4, limits);
    assert_eq!(windows.iter().map(|w| w.groups).collect::<Vec<_>>(), [65_535, 1]);
}

#[test]
fn distant_ranges_of_one_buffer_get_two_bindings() {
    let len = 1 << 24;
    let (low, high) = (7, 1 << 31);
    let at = |element| Start { element, buffer_bytes: 16 << 30 };
    let windows = check(at(low), at(high), len, 4, Buffers::One, USUAL);
    assert!(windows.iter().all(|w| w.access == Access::SameBuffer));
    let windows = check(at(low), at(low), len, 4, Buffers::One, USUAL);
    assert!(windows.iter().all(|w| w.access == Access::SameBinding));
}

#[test]
fn refuses_what_does_not_fit() {
    let at = |element, buffer_bytes| Start { element, buffer_bytes };
    let (short, long) = (at(0, 16), at(0, 20));
    let out = |role, first, len, available| PlanError::OutOfRange { role, first, len, available };
    let refused =
        |source, target, len, buffers, limits| dispatches(SOURCE, source, target, len, 4, buffers, limits).unwrap_err();
    assert_eq!(refused(short, long, 5, Buffers::Two, USUAL), out(SOURCE, 0, 5, 4));
    assert_eq!(refused(long, short, 5, Buffers::Two, USUAL), out(BufferRole::Target, 0, 5, 4));
    let far = at(u64::MAX, u64::MAX);
    assert_eq!(refused(far, far, 1, Buffers::Two, USUAL), out(SOURCE, u64::MAX, 1, u64::MAX / 4));
    assert_eq!(
        refused(at(0, 64), at(3, 64), 4, Buffers::One, USUAL),
        PlanError::Overlap { role: SOURCE, source_first: 0, target_first: 3, len: 4 }
    );
    for limits in [
        Limits { binding_bytes: 0, ..USUAL },
        Limits { binding_bytes: 511, ..USUAL },
        Limits { groups: 0, ..USUAL },
        Limits { alignment_bytes: 48, ..USUAL },
        Limits { alignment_bytes: 257, ..USUAL },
        Limits { alignment_bytes: 3, ..USUAL },
    ] {
        assert!(matches!(refused(short, long, 4, Buffers::Two, limits), PlanError::Limits { .. }), "{limits:?}");
    }
}

#[test]
fn half_a_word_at_the_end_of_a_buffer_cannot_be_bound() {
    let odd = Start { element: 0, buffer_bytes: 14 };
    let plan = |len| dispatches(SOURCE, odd, odd, len, 2, Buffers::One, USUAL).map(|w| w.map(|w| w.len).sum::<u32>());
    assert_eq!(plan(6), Ok(6));
    assert_eq!(plan(7), Err(PlanError::PartOfWord { role: SOURCE, buffer_bytes: 14 }));
    assert!(matches!(plan(8), Err(PlanError::OutOfRange { available: 6, .. })));
}

#[test]
fn lengths_near_the_end_of_u64_do_not_overflow() {
    for bytes in [4, 2] {
        let huge = Start { element: 1, buffer_bytes: u64::MAX };
        let len = u64::MAX / 4 * (4 / bytes) - 1;
        let mut windows = dispatches(SOURCE, huge, huge, len, bytes, Buffers::One, USUAL).unwrap();
        assert_eq!(u64::from(windows.next().unwrap().len), 16 / bytes - 1);
        assert_eq!(windows.next().unwrap().len * bytes as u32, 8191 << 14);
        windows.source.element += windows.len - 5;
        windows.target.element = windows.source.element;
        windows.len = 5;
        assert_eq!(windows.map(|w| w.len).sum::<u32>(), 5);
    }
}

/// Numbers of every magnitude, with a bias towards powers of two and their neighbours.
fn any_size() -> impl Strategy<Value = u64> {
    (0..=64_u32, any::<u64>(), 0..5_u8).prop_map(|(bits, number, kind)| {
        let power = 1_u64.checked_shl(bits).unwrap_or(0);
        match kind {
            0 => power,
            1 => power.wrapping_sub(1),
            2 => power.wrapping_add(1),
            _ => number.checked_shr(bits).unwrap_or(0),
        }
    })
}

fn any_limits() -> impl Strategy<Value = Limits> {
    (any_size(), 0..=31_u32, any_size(), any::<bool>()).prop_map(|(binding_bytes, alignment, groups, mixed)| Limits {
        binding_bytes,
        alignment_bytes: 1 << alignment,
        storage_buffers: 2,
        groups: groups as u32,
        mixed,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Arbitrary numbers lead either to valid dispatches or to an error.
    #[test]
    fn any_ranges_and_limits(
        (limits, alignment) in (any_limits(), proptest::option::of(any::<u32>())),
        (from, to, len) in (any_size(), any_size(), any_size()),
        (from_bytes, to_bytes) in (proptest::option::of(any_size()), proptest::option::of(any_size())),
        (bytes, one) in (prop_oneof![Just(4_u64), Just(2)], any::<bool>()),
    ) {
        let limits = Limits { alignment_bytes: alignment.unwrap_or(limits.alignment_bytes), ..limits };
        // By default the buffer ends with the range, unless that overflows.
        let start = |element: u64, given: Option<u64>| {
            let end = element.saturating_add(len).saturating_mul(bytes).div_ceil(4).saturating_mul(4);
            Start { element, buffer_bytes: given.unwrap_or(end) }
        };
        let (mut source, target) = (start(from, from_bytes), start(to, to_bytes));
        let buffers = if one { Buffers::One } else { Buffers::Two };
        if one {
            source.buffer_bytes = target.buffer_bytes;
        }
        if dispatches(SOURCE, source, target, len, bytes, buffers, limits).is_ok() {
            check(source, target, len, bytes, buffers, limits);
        }
    }

    /// Ranges that fit their buffers never lead to an error, whatever the limits, and every element is covered.
    #[test]
    fn ranges_that_fit(
        limits in any_limits(),
        (from, to, len) in (0..1_u64 << 20, 0..1_u64 << 20, prop_oneof![0..20_000_u64, 0..1_u64 << 40, 0..1_u64 << 61]),
        (bytes, gap) in (prop_oneof![Just(4_u64), Just(2)], proptest::option::of(0..1_u64 << 20)),
    ) {
        let limits = Limits {
            binding_bytes: limits.binding_bytes.max(2 * u64::from(limits.alignment_bytes)).max(64),
            groups: limits.groups.max(1),
            ..limits
        };
        match gap {
            None => _ = check(start(from, len, bytes, 0), start(to, len, bytes, 0), len, bytes, Buffers::Two, limits),
            Some(gap) => {
                let high = start(from + len + gap, len, bytes, 0);
                let low = Start { element: from, ..high };
                check(low, high, len, bytes, Buffers::One, limits);
                check(high, low, len, bytes, Buffers::One, limits);
                check(low, low, len, bytes, Buffers::One, limits);
            }
        }
    }
}
