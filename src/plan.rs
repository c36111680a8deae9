//! Which bindings and grids cover a range of elements on a device with given limits. Pure arithmetic: no GPU, no wgpu.
//!
//! A dispatch sees its data through bindings, whose offset must be a multiple of an alignment and whose size has a
//! limit, and its grid has a limit too. [`windows`] cuts a range into pieces that fit, each with element offsets into
//! its bindings, since the ranges of users are rarely aligned. Offsets and lengths are in elements, unless a name says
//! otherwise: one or two of them fill a word, the 4 bytes that a shader loads at least, and four words a vector.

use crate::error::{PlanError, Side};

/// Threads per workgroup: the shader's `WORKGROUP`. No adapter has to allow more.
pub const WORKGROUP: u32 = 256;

/// Vectors that a workgroup covers: four per thread.
pub const VECTORS_PER_GROUP: u64 = WORKGROUP as u64 * 4;

/// Up to this many words go word by word, which is slower for each but takes one dispatch whatever the alignment.
const SMALL_WORDS: u64 = 4096;

/// Bytes of a word.
const WORD_BYTES: u64 = 4;

/// Bytes of a vec4.
const VECTOR_BYTES: u64 = 16;

/// The shader's indices of elements are u32 and may run past the end by a grid's extent: a binding ends well before they
/// wrap.
const MAX_BINDING_BYTES: u64 = 1 << 32;

/// The limits of a device that matter to a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `max_storage_buffer_binding_size`, in bytes.
    pub binding_bytes: u64,
    /// `min_storage_buffer_offset_alignment`, in bytes; a power of two.
    pub alignment_bytes: u32,
    /// `max_compute_workgroups_per_dimension`.
    pub groups: u32,
}

/// Where in a buffer a range of elements begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The first element.
    pub element: u64,
    /// The size of the buffer.
    pub buffer_bytes: u64,
}

/// Whether source and target are the same buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffers {
    /// Two buffers.
    Two,
    /// One buffer: in place, or two ranges that do not overlap.
    One,
}

/// How a window reaches its source: which of the shader's entry points it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Through a read-only binding of another buffer.
    Across,
    /// Through a second read-write binding of the target's buffer.
    Arena,
    /// Through the target's own binding.
    Within,
}

/// The part of a buffer that a binding shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where the binding begins; a multiple of the alignment.
    pub offset_bytes: u64,
    /// How long it is.
    pub size_bytes: u64,
}

/// What a thread of a dispatch writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Whole vec4 of the target.
    Vector {
        /// How many elements the source lies further on than the vector that it begins in: the shader's `ROTATION`.
        rotation: u32,
    },
    /// A word, or the part of it that is in the range: for a small range, or the ends of a larger one that fill no
    /// vector.
    Word,
}

/// One dispatch. Its numbers are what the shader reads, in vectors or elements as `unit` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How the source is reached.
    pub access: Access,
    /// What a thread writes.
    pub unit: Unit,
    /// The source binding. Equal to `target` where `access` is [`Access::Within`].
    pub source: Span,
    /// The target binding.
    pub target: Span,
    /// The first source vector, or element, within its binding.
    pub source_first: u32,
    /// The first target vector, or element, within its binding.
    pub target_first: u32,
    /// How many vectors, or elements.
    pub len: u32,
    /// Workgroups along x.
    pub groups: u32,
}

/// Cuts `len` elements of `element_bytes` bytes, 2 or 4, from `source` to `target` into dispatches that fit `limits`, in
/// ascending order.
///
/// # Errors
///
/// [`PlanError`] if a range does not fit its buffer, if two ranges of one buffer overlap without being the same, or if
/// the limits allow no window at all.
pub fn windows(
    source: Start,
    target: Start,
    len: u64,
    element_bytes: u64,
    buffers: Buffers,
    limits: Limits,
) -> Result<Windows, PlanError> {
    let per_word = match element_bytes {
        2 => 2,
        4 => 1,
        _ => return Err(PlanError::ElementBytes { element_bytes }),
    };
    for (side, start) in [(Side::Source, source), (Side::Target, target)] {
        // A binding shows whole words.
        let available = start.buffer_bytes / WORD_BYTES * per_word;
        if start.element.checked_add(len).is_none_or(|end| end > available) {
            let first = start.element;
            return Err(match start.buffer_bytes / element_bytes {
                held if held > available && first.checked_add(len) == Some(held) => {
                    PlanError::PartOfWord { side, buffer_bytes: start.buffer_bytes }
                }
                _ => PlanError::OutOfRange { side, first, len, available },
            });
        }
    }
    let distance = source.element.abs_diff(target.element);
    if buffers == Buffers::One && distance != 0 && distance < len {
        return Err(PlanError::Overlap { source_first: source.element, target_first: target.element, len });
    }
    let vector = VECTOR_BYTES / element_bytes;
    let alignment = u64::from(limits.alignment_bytes).max(VECTOR_BYTES) / element_bytes;
    let binding = (limits.binding_bytes.min(MAX_BINDING_BYTES) / VECTOR_BYTES).saturating_mul(vector);
    if !alignment.is_power_of_two() || binding < 2 * alignment || limits.groups == 0 {
        return Err(PlanError::Limits { binding_bytes: limits.binding_bytes, groups: limits.groups });
    }
    let (begin, groups) = (source.element, u64::from(limits.groups));
    Ok(Windows { source, target, begin, len, element_bytes, buffers, alignment, binding, groups })
}

/// The windows of a range. Made by [`windows`].
#[derive(Clone, Debug)]
pub struct Windows {
    source: Start,
    target: Start,
    /// The first source element of all.
    begin: u64,
    /// What is left.
    len: u64,
    element_bytes: u64,
    buffers: Buffers,
    alignment: u64,
    /// Elements in the longest binding.
    binding: u64,
    /// Workgroups in the largest grid.
    groups: u64,
}

impl Iterator for Windows {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        if self.len == 0 {
            return None;
        }
        let (source, target) = (self.source.element, self.target.element);
        let (access, room) = self.access();
        let (source_base, target_base) = match access {
            Access::Within => (self.align(source.min(target)), self.align(source.min(target))),
            Access::Across | Access::Arena => (self.align(source), self.align(target)),
        };
        let (source_first, target_first) = (source - source_base, target - target_base);

        let (unit, len, groups) = self.unit(self.len.min(room));
        let behind = match unit {
            Unit::Vector { rotation } => (self.vector() - u64::from(rotation)) % self.vector(),
            Unit::Word => 0,
        };
        let (source_end, target_end) = (source + len + behind, target + len);
        let (source_span, target_span) = match access {
            Access::Within => {
                let both = self.span(source_base, source_end.max(target_end));
                (both, both)
            }
            Access::Across | Access::Arena => (self.span(source_base, source_end), self.span(target_base, target_end)),
        };
        self.source.element += len;
        self.target.element += len;
        self.len -= len;
        let units = |elements: u64| match unit {
            Unit::Vector { .. } => (elements / self.vector()) as u32,
            Unit::Word => elements as u32,
        };
        Some(Window {
            access,
            unit,
            source: source_span,
            target: target_span,
            source_first: units(source_first),
            target_first: units(target_first),
            len: units(len),
            groups: groups as u32,
        })
    }
}

impl Windows {
    /// How the next window reaches its source, and how many elements the bindings then have room for: at least one.
    fn access(&self) -> (Access, u64) {
        let (source, target) = (self.source.element, self.target.element);
        let (low, high) = (source.min(target), source.max(target));
        let apart = self.binding - (source - self.align(source)).max(target - self.align(target));
        match self.buffers {
            Buffers::Two => (Access::Across, apart),
            Buffers::One => {
                let within = self.binding.saturating_sub(high - self.align(low));
                // Bindings of one buffer must not overlap, and the upper one begins where it is aligned.
                let arena = apart.min(self.align(high).saturating_sub(low));
                if within >= arena.min(self.len) { (Access::Within, within) } else { (Access::Arena, arena) }
            }
        }
    }

    /// What the next of up to `room` elements move as, how many do, and in how many workgroups.
    ///
    /// A target vector is put together from the source vector that it begins in and, if source and target are
    /// misaligned against each other, the one behind. Both must lie inside the range, since what is around it may be
    /// somebody else's: the elements before the first such vector, and those behind the last, go word by word.
    fn unit(&self, room: u64) -> (Unit, u64, u64) {
        let (source, target) = (self.source.element, self.target.element);
        let (vector, per_word) = (self.vector(), WORD_BYTES / self.element_bytes);
        let rotation = source.wrapping_sub(target) % vector;
        let behind = (vector - rotation) % vector;
        let mut before = (vector - target % vector) % vector;
        if source + before - self.begin < rotation {
            before += vector;
        }
        let vectors = room.saturating_sub(before + behind) / vector;
        if self.len <= SMALL_WORDS * per_word || vectors == 0 {
            let (words, into_word) = (self.groups * u64::from(WORKGROUP), target % per_word);
            let len = room.min(words * per_word - into_word);
            (Unit::Word, len, (into_word + len).div_ceil(per_word).div_ceil(u64::from(WORKGROUP)))
        } else if before > 0 {
            (Unit::Word, before, 1)
        } else {
            let vectors = vectors.min(self.groups * VECTORS_PER_GROUP);
            (Unit::Vector { rotation: rotation as u32 }, vectors * vector, vectors.div_ceil(VECTORS_PER_GROUP))
        }
    }

    /// Elements of a vec4.
    fn vector(&self) -> u64 {
        VECTOR_BYTES / self.element_bytes
    }

    fn align(&self, element: u64) -> u64 {
        element & !(self.alignment - 1)
    }

    /// The binding from element `base` to `end`, in whole words.
    fn span(&self, base: u64, end: u64) -> Span {
        let size_bytes = ((end - base) * self.element_bytes).next_multiple_of(WORD_BYTES);
        Span { offset_bytes: base * self.element_bytes, size_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: Limits = Limits { binding_bytes: 64, alignment_bytes: 32, groups: 1 };
    const USUAL: Limits = Limits { binding_bytes: 128 << 20, alignment_bytes: 256, groups: 65_535 };

    /// A range in a buffer that holds `slack` bytes more, in whole words.
    fn start(element: u64, len: u64, element_bytes: u64, slack: u64) -> Start {
        Start { element, buffer_bytes: ((element + len) * element_bytes).next_multiple_of(4) + slack }
    }

    /// Every element of both ranges once, in order, through bindings that the limits and the buffers allow.
    fn check(source: Start, target: Start, len: u64, bytes: u64, buffers: Buffers, limits: Limits) -> Vec<Window> {
        let case = format!("{source:?} {target:?} {len} of {bytes} {buffers:?} {limits:?}");
        let windows: Vec<_> = windows(source, target, len, bytes, buffers, limits).expect(&case).collect();
        let mut done = 0;
        for w in &windows {
            let per_unit = if w.unit == Unit::Word { 1 } else { 16 / bytes };
            let rotation = if let Unit::Vector { rotation } = w.unit { u64::from(rotation) } else { 0 };
            let first = |span: Span, first: u32| span.offset_bytes / bytes + u64::from(first) * per_unit;
            assert_eq!(first(w.source, w.source_first) + rotation, source.element + done, "{case}");
            assert_eq!(first(w.target, w.target_first), target.element + done, "{case}");
            // What is read: also the vector behind the last, if misaligned.
            let read = u64::from(w.len) * per_unit + if rotation == 0 { 0 } else { per_unit };
            assert!(first(w.source, w.source_first) >= source.element, "{case}");
            assert!(first(w.source, w.source_first) + read <= source.element + len, "{case}");
            for (span, reach, start) in [
                (w.source, u64::from(w.source_first) * per_unit + read, source),
                (w.target, u64::from(w.target_first + w.len) * per_unit, target),
            ] {
                assert!(span.size_bytes <= limits.binding_bytes && span.size_bytes % 4 == 0, "{case}");
                assert!(span.offset_bytes + span.size_bytes <= start.buffer_bytes, "{case}");
                assert_eq!(span.offset_bytes % u64::from(limits.alignment_bytes), 0, "{case}");
                assert!(reach * bytes <= span.size_bytes, "{case}");
            }
            match (buffers, w.access) {
                (Buffers::Two, Access::Across) => {}
                (Buffers::One, Access::Within) => assert_eq!(w.source, w.target, "{case}"),
                (Buffers::One, Access::Arena) => {
                    let [low, high] =
                        if source.element < target.element { [w.source, w.target] } else { [w.target, w.source] };
                    assert!(low.offset_bytes + low.size_bytes <= high.offset_bytes, "{case}");
                }
                unexpected => panic!("{unexpected:?} {case}"),
            }
            assert!(w.groups <= limits.groups, "{case}");
            // A thread of a word window may have only the latter half of a word.
            let (threads, part) =
                if w.unit == Unit::Word { (256, w.target_first % (4 / bytes) as u32) } else { (1024, 0) };
            let per_thread = if w.unit == Unit::Word { 4 / bytes } else { 1 };
            assert!(u64::from(w.groups) * threads * per_thread >= u64::from(part + w.len) && w.len > 0, "{case}");
            done += u64::from(w.len) * per_unit;
        }
        assert_eq!(done, len, "{case}");
        windows
    }

    /// Element sizes, with lengths around those at which the plan changes.
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

    fn across(from: u64, to: u64, len: u64, bytes: u64, limits: Limits) -> Vec<Window> {
        check(start(from, len, bytes, 0), start(to, len, bytes, 0), len, bytes, Buffers::Two, limits)
    }

    fn shape(windows: &[Window]) -> Vec<(Unit, u32)> {
        windows.iter().map(|w| (w.unit, w.len)).collect()
    }

    #[test]
    fn one_dispatch_where_limits_and_alignment_allow() {
        for bytes in [4, 2] {
            let windows = across(64, 0, 1 << 20, bytes, USUAL);
            assert_eq!(shape(&windows), [(Unit::Vector { rotation: 0 }, (1 << 20) * bytes as u32 / 16)]);
            assert_eq!(windows[0].groups, 64 * bytes as u32);
            let small = SMALL_WORDS * 4 / bytes;
            assert_eq!(shape(&across(5, 3, small, bytes, USUAL)), [(Unit::Word, small as u32)]);
        }
    }

    #[test]
    fn ends_of_an_unaligned_range_go_by_word() {
        let vectors = |rotation, len| (Unit::Vector { rotation }, len);
        let windows = across(5, 1, 1 << 20, 4, USUAL);
        assert_eq!(shape(&windows), [(Unit::Word, 3), vectors(0, (1 << 18) - 1), (Unit::Word, 1)]);
        let windows = across(0, 2, 1 << 20, 4, USUAL);
        assert_eq!(shape(&windows), [(Unit::Word, 2), vectors(2, (1 << 18) - 1), (Unit::Word, 2)]);
        let windows = across(0, 3, 1 << 20, 2, USUAL);
        assert_eq!(shape(&windows), [(Unit::Word, 5), vectors(5, (1 << 17) - 1), (Unit::Word, 3)]);
    }

    #[test]
    fn past_the_binding_limit() {
        let windows = across(0, 0, (128 << 20) / 4 + 1, 4, USUAL);
        assert_eq!(shape(&windows), [(Unit::Vector { rotation: 0 }, 1 << 23), (Unit::Word, 1)]);
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
        assert!(windows.iter().all(|w| w.access == Access::Arena));
        let windows = check(at(low), at(low), len, 4, Buffers::One, USUAL);
        assert!(windows.iter().all(|w| w.access == Access::Within));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let at = |element, buffer_bytes| Start { element, buffer_bytes };
        let (short, long) = (at(0, 16), at(0, 20));
        let out = |side, first, len, available| PlanError::OutOfRange { side, first, len, available };
        let refused =
            |source, target, len, buffers, limits| windows(source, target, len, 4, buffers, limits).unwrap_err();
        assert_eq!(refused(short, long, 5, Buffers::Two, USUAL), out(Side::Source, 0, 5, 4));
        assert_eq!(refused(long, short, 5, Buffers::Two, USUAL), out(Side::Target, 0, 5, 4));
        let far = at(u64::MAX, u64::MAX);
        assert_eq!(refused(far, far, 1, Buffers::Two, USUAL), out(Side::Source, u64::MAX, 1, u64::MAX / 4));
        assert_eq!(
            refused(at(0, 64), at(3, 64), 4, Buffers::One, USUAL),
            PlanError::Overlap { source_first: 0, target_first: 3, len: 4 }
        );
        for limits in [
            Limits { binding_bytes: 0, ..USUAL },
            Limits { binding_bytes: 511, ..USUAL },
            Limits { groups: 0, ..USUAL },
            Limits { alignment_bytes: 48, ..USUAL },
        ] {
            assert!(matches!(refused(short, long, 4, Buffers::Two, limits), PlanError::Limits { .. }), "{limits:?}");
        }
        assert!(matches!(
            windows(short, long, 1, 8, Buffers::Two, USUAL),
            Err(PlanError::ElementBytes { element_bytes: 8 })
        ));
    }

    #[test]
    fn half_a_word_at_the_end_of_a_buffer_cannot_be_bound() {
        let odd = Start { element: 0, buffer_bytes: 14 };
        let plan = |len| windows(odd, odd, len, 2, Buffers::One, USUAL).map(|w| w.map(|w| w.len).sum::<u32>());
        assert_eq!(plan(6), Ok(6));
        assert_eq!(plan(7), Err(PlanError::PartOfWord { side: Side::Source, buffer_bytes: 14 }));
        assert!(matches!(plan(8), Err(PlanError::OutOfRange { available: 6, .. })));
    }

    #[test]
    fn lengths_near_the_end_of_u64_do_not_overflow() {
        for bytes in [4, 2] {
            let huge = Start { element: 1, buffer_bytes: u64::MAX };
            let len = u64::MAX / 4 * (4 / bytes) - 1;
            let mut windows = windows(huge, huge, len, bytes, Buffers::One, USUAL).unwrap();
            assert_eq!(u64::from(windows.next().unwrap().len), 16 / bytes - 1);
            assert_eq!(windows.next().unwrap().len, (1 << 23) - 1);
            windows.source.element += windows.len - 5;
            windows.target.element = windows.source.element;
            windows.len = 5;
            assert_eq!(windows.map(|w| w.len).sum::<u32>(), 5);
        }
    }
}
