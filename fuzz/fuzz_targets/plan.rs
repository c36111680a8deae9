//! Plans arbitrary ranges and limits. The result is an error, or valid dispatches.

#![no_main]

use arbitrary::Arbitrary;
use hard_sigmoid::plan::{Access, Buffers, Limits, Start, Unit, dispatches};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    source: (u64, u64),
    target: (u64, u64),
    len: u64,
    halves: bool,
    one: bool,
    limits: (u64, u32, u32, bool),
}

fuzz_target!(|case: Case| {
    let bytes = if case.halves { 2 } else { 4 };
    let start = |(element, buffer_bytes)| Start { element, buffer_bytes };
    let (source, mut target) = (start(case.source), start(case.target));
    let buffers = if case.one { Buffers::One } else { Buffers::Two };
    if case.one {
        target.buffer_bytes = source.buffer_bytes;
    }
    let (binding_bytes, alignment_bytes, groups, mixed) = case.limits;
    let limits = Limits { binding_bytes, alignment_bytes, groups, mixed };
    let Ok(all) = dispatches(source, target, case.len, bytes, buffers, limits) else { return };
    let mut done = 0;
    let mut ended = true;
    for (i, w) in all.enumerate() {
        if i == 1000 {
            ended = false;
            break;
        }
        let rotation = match w.unit {
            Unit::Vector { rotation } | Unit::Mixed { rotation } => u64::from(rotation),
            Unit::Word => 0,
        };
        let (len, head) = (u64::from(w.len), u64::from(w.head));
        let vectors = u64::from(w.vector_groups) * 1024 * 16 / bytes;
        assert!(len > 0 && head + vectors <= len && w.vector_groups <= w.groups && w.groups <= groups);
        let per_thread = if vectors == 0 { 4 / bytes } else { 16 / bytes };
        assert!(u64::from(w.groups - w.vector_groups) * 256 * per_thread >= len - vectors);
        let from = w.source.offset_bytes / bytes + u64::from(w.source_first);
        let to = w.target.offset_bytes / bytes + u64::from(w.target_first);
        assert_eq!((from, to), (source.element + done, target.element + done));
        for (span, start) in [(w.source, source), (w.target, target)] {
            assert!(span.size_bytes <= binding_bytes && span.size_bytes % 4 == 0);
            assert!(span.offset_bytes + span.size_bytes <= start.buffer_bytes);
            assert!(alignment_bytes == 0 || span.offset_bytes % u64::from(alignment_bytes) == 0);
        }
        // Reads and writes are within the bindings.
        assert!((to + len) * bytes <= w.target.offset_bytes + w.target.size_bytes);
        let behind = if rotation == 0 { 0 } else { 16 / bytes - rotation };
        let read = len.max(head + vectors + behind);
        assert!((from + read) * bytes <= w.source.offset_bytes + w.source.size_bytes);
        assert_eq!(w.access == Access::SeparateBuffer, !case.one);
        if w.access == Access::SameBuffer {
            let (low, high) =
                if w.source.offset_bytes < w.target.offset_bytes { (w.source, w.target) } else { (w.target, w.source) };
            assert!(low.offset_bytes + low.size_bytes <= high.offset_bytes);
        }
        done += len;
    }
    assert_eq!(done == case.len, ended);
});
