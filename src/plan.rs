//! Which bindings and grids cover a range of elements on a device with given limits. Pure arithmetic: no GPU, no wgpu.
//!
//! A dispatch sees its data through bindings, whose offset must be a multiple of an alignment and whose size has a
//! limit, and its grid has a limit too. [`windows`] cuts a range into pieces that fit, each with element offsets into
//! its bindings, since the ranges of users are rarely aligned. Offsets and lengths are in words, the 4 bytes of an f32,
//! unless a name says bytes.

use crate::error::{PlanError, Side};

/// Threads per workgroup: the shader's `WORKGROUP`. No adapter has to allow more.
pub const WORKGROUP: u32 = 256;

/// Words that a workgroup covers going by vectors: four vec4 per thread.
pub const WORDS_PER_GROUP: u64 = WORKGROUP as u64 * 16;

/// Up to this many words go word by word, which is slower for each but takes one dispatch whatever the alignment.
const SMALL: u64 = 4096;

/// Bytes per word.
const WORD: u64 = 4;

/// Words per vec4.
const VECTOR: u64 = 4;

/// The shader's indices are u32 and may run past the end by a grid's extent: a binding ends well before they wrap.
const MAX_BINDING_WORDS: u64 = 1 << 30;

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
    /// The first word.
    pub word: u64,
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

/// Whether a dispatch moves vectors or words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Whole vec4 of the target.
    Vector {
        /// How many words the source lies further on than the vector that it begins in: the shader's `ROTATION`.
        rotation: u32,
    },
    /// Single words: a small range, or the ends of a larger one that fill no vector.
    Word,
}

/// One dispatch. Its numbers are what the shader reads, in vectors or words as `unit` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How the source is reached.
    pub access: Access,
    /// What a thread moves.
    pub unit: Unit,
    /// The source binding. Equal to `target` where `access` is [`Access::Within`].
    pub source: Span,
    /// The target binding.
    pub target: Span,
    /// The first source unit within its binding.
    pub source_first: u32,
    /// The first target unit within its binding.
    pub target_first: u32,
    /// How many units.
    pub len: u32,
    /// Workgroups along x.
    pub groups: u32,
}

/// Cuts `len` words from `source` to `target` into dispatches that fit `limits`, in ascending order.
///
/// # Errors
///
/// [`PlanError`] if a range does not fit its buffer, if two ranges of one buffer overlap without being the same, or if
/// the limits allow no window at all.
pub fn windows(source: Start, target: Start, len: u64, buffers: Buffers, limits: Limits) -> Result<Windows, PlanError> {
    for (side, start) in [(Side::Source, source), (Side::Target, target)] {
        let available = start.buffer_bytes / WORD;
        if start.word.checked_add(len).is_none_or(|end| end > available) {
            return Err(PlanError::OutOfRange { side, first: start.word, len, available });
        }
    }
    let distance = source.word.abs_diff(target.word);
    if buffers == Buffers::One && distance != 0 && distance < len {
        return Err(PlanError::Overlap { source_first: source.word, target_first: target.word, len });
    }
    let alignment = (u64::from(limits.alignment_bytes) / WORD).max(VECTOR);
    let binding = (limits.binding_bytes / WORD).min(MAX_BINDING_WORDS) / VECTOR * VECTOR;
    if !alignment.is_power_of_two() || binding < 2 * alignment || limits.groups == 0 {
        return Err(PlanError::Limits { binding_bytes: limits.binding_bytes, groups: limits.groups });
    }
    let begin = source.word;
    Ok(Windows { source, target, begin, len, buffers, alignment, binding, groups: u64::from(limits.groups) })
}

/// The windows of a range. Made by [`windows`].
#[derive(Clone, Debug)]
pub struct Windows {
    source: Start,
    target: Start,
    /// The first source word of all.
    begin: u64,
    /// What is left.
    len: u64,
    buffers: Buffers,
    /// Words.
    alignment: u64,
    /// Words in the longest binding.
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
        let (source, target) = (self.source.word, self.target.word);
        let (access, room) = self.access();
        let (source_base, target_base) = match access {
            Access::Within => (self.align(source.min(target)), self.align(source.min(target))),
            Access::Across | Access::Arena => (self.align(source), self.align(target)),
        };
        let (source_first, target_first) = (source - source_base, target - target_base);

        let (unit, len, groups) = self.unit(self.len.min(room));
        let behind = match unit {
            Unit::Vector { rotation } => (VECTOR - u64::from(rotation)) % VECTOR,
            Unit::Word => 0,
        };
        let (source_end, target_end) = (source + len + behind, target + len);
        let (source_span, target_span) = match access {
            Access::Within => {
                let both = span(source_base, source_end.max(target_end));
                (both, both)
            }
            Access::Across | Access::Arena => (span(source_base, source_end), span(target_base, target_end)),
        };
        self.source.word += len;
        self.target.word += len;
        self.len -= len;
        let units = |words: u64| match unit {
            Unit::Vector { .. } => (words / VECTOR) as u32,
            Unit::Word => words as u32,
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
    /// How the next window reaches its source, and how many words the bindings then have room for: at least one.
    fn access(&self) -> (Access, u64) {
        let (source, target) = (self.source.word, self.target.word);
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

    /// What the next of up to `room` words move as, how many do, and in how many workgroups.
    ///
    /// A target vector is put together from the source vector that it begins in and, if source and target are
    /// misaligned against each other, the one behind. Both must lie inside the range, since the words around it may be
    /// somebody else's: the words before the first such vector, and those behind the last, go one by one.
    fn unit(&self, room: u64) -> (Unit, u64, u64) {
        let (source, target) = (self.source.word, self.target.word);
        let rotation = source.wrapping_sub(target) % VECTOR;
        let behind = (VECTOR - rotation) % VECTOR;
        let mut before = (VECTOR - target % VECTOR) % VECTOR;
        if source + before - self.begin < rotation {
            before += VECTOR;
        }
        let vectors = room.saturating_sub(before + behind) / VECTOR;
        if self.len <= SMALL || vectors == 0 {
            let len = room.min(self.groups * u64::from(WORKGROUP));
            (Unit::Word, len, len.div_ceil(u64::from(WORKGROUP)))
        } else if before > 0 {
            (Unit::Word, before, 1)
        } else {
            let len = (vectors * VECTOR).min(self.groups * WORDS_PER_GROUP);
            (Unit::Vector { rotation: rotation as u32 }, len, len.div_ceil(WORDS_PER_GROUP))
        }
    }

    fn align(&self, word: u64) -> u64 {
        word & !(self.alignment - 1)
    }
}

fn span(base: u64, end: u64) -> Span {
    Span { offset_bytes: base * WORD, size_bytes: (end - base) * WORD }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: Limits = Limits { binding_bytes: 64, alignment_bytes: 32, groups: 1 };
    const USUAL: Limits = Limits { binding_bytes: 128 << 20, alignment_bytes: 256, groups: 65_535 };

    fn start(word: u64, slack: u64, len: u64) -> Start {
        Start { word, buffer_bytes: (word + len + slack) * WORD }
    }

    /// Every word of both ranges once, in order, through bindings that the limits and the buffers allow.
    fn check(source: Start, target: Start, len: u64, buffers: Buffers, limits: Limits) -> Vec<Window> {
        let case = format!("{source:?} {target:?} {len} {buffers:?} {limits:?}");
        let windows: Vec<_> = windows(source, target, len, buffers, limits).expect(&case).collect();
        let mut done = 0;
        for w in &windows {
            let per_unit = if w.unit == Unit::Word { 1 } else { VECTOR };
            let rotation = if let Unit::Vector { rotation } = w.unit { u64::from(rotation) } else { 0 };
            let first = |span: Span, first: u32| span.offset_bytes / WORD + u64::from(first) * per_unit;
            assert_eq!(first(w.source, w.source_first) + rotation, source.word + done, "{case}");
            assert_eq!(first(w.target, w.target_first), target.word + done, "{case}");
            // What is read: also the vector behind the last, if misaligned.
            let read = u64::from(w.len) * per_unit + if rotation == 0 { 0 } else { VECTOR };
            assert!(first(w.source, w.source_first) >= source.word, "{case}");
            assert!(first(w.source, w.source_first) + read <= source.word + len, "{case}");
            for (span, reach, start) in [
                (w.source, u64::from(w.source_first) * per_unit + read, source),
                (w.target, u64::from(w.target_first + w.len) * per_unit, target),
            ] {
                assert!(span.size_bytes <= limits.binding_bytes, "{case}");
                assert!(span.offset_bytes + span.size_bytes <= start.buffer_bytes, "{case}");
                assert_eq!(span.offset_bytes % u64::from(limits.alignment_bytes), 0, "{case}");
                assert!(reach * WORD <= span.size_bytes, "{case}");
            }
            match (buffers, w.access) {
                (Buffers::Two, Access::Across) => {}
                (Buffers::One, Access::Within) => assert_eq!(w.source, w.target, "{case}"),
                (Buffers::One, Access::Arena) => {
                    let [low, high] =
                        if source.word < target.word { [w.source, w.target] } else { [w.target, w.source] };
                    assert!(low.offset_bytes + low.size_bytes <= high.offset_bytes, "{case}");
                }
                unexpected => panic!("{unexpected:?} {case}"),
            }
            assert!(w.groups <= limits.groups, "{case}");
            let covered = u64::from(w.groups) * if w.unit == Unit::Word { 256 } else { WORDS_PER_GROUP / VECTOR };
            assert!(covered >= u64::from(w.len) && w.len > 0, "{case}");
            done += u64::from(w.len) * per_unit;
        }
        assert_eq!(done, len, "{case}");
        windows
    }

    /// Lengths around those at which the plan changes.
    fn lengths() -> impl Iterator<Item = u64> {
        (0..20).chain(SMALL - 2..SMALL + 12)
    }

    #[test]
    fn tiny_limits_cover_every_offset_and_length() {
        for len in lengths() {
            for from in 0..10 {
                for to in 0..10 {
                    for slack in 0..4 {
                        check(start(from, slack, len), start(to, 3 - slack, len), len, Buffers::Two, TINY);
                    }
                }
            }
        }
    }

    #[test]
    fn tiny_limits_cover_every_pair_of_ranges_of_one_buffer() {
        for len in lengths() {
            for from in 0..10 {
                for gap in 0..20 {
                    let (low, high) = (from, from + len + gap);
                    let end = (high + len + gap % 4) * WORD;
                    let (low, high) = (Start { word: low, buffer_bytes: end }, Start { word: high, buffer_bytes: end });
                    check(low, high, len, Buffers::One, TINY);
                    check(high, low, len, Buffers::One, TINY);
                    check(low, low, len, Buffers::One, TINY);
                }
            }
        }
    }

    fn shape(windows: &[Window]) -> Vec<(Unit, u32)> {
        windows.iter().map(|w| (w.unit, w.len)).collect()
    }

    #[test]
    fn one_dispatch_where_limits_and_alignment_allow() {
        let aligned = Unit::Vector { rotation: 0 };
        let windows = check(start(64, 0, 1 << 20), start(0, 0, 1 << 20), 1 << 20, Buffers::Two, USUAL);
        assert_eq!(shape(&windows), [(aligned, 1 << 18)]);
        assert_eq!(windows[0].groups, 256);
        let windows = check(start(5, 0, SMALL), start(3, 0, SMALL), SMALL, Buffers::Two, USUAL);
        assert_eq!(shape(&windows), [(Unit::Word, SMALL as u32)]);
    }

    #[test]
    fn ends_of_an_unaligned_range_go_by_word() {
        let len = 1 << 20;
        let windows = check(start(5, 0, len), start(1, 0, len), len, Buffers::Two, USUAL);
        assert_eq!(shape(&windows), [(Unit::Word, 3), (Unit::Vector { rotation: 0 }, (1 << 18) - 1), (Unit::Word, 1)]);
        let windows = check(start(0, 0, len), start(2, 0, len), len, Buffers::Two, USUAL);
        assert_eq!(shape(&windows), [(Unit::Word, 2), (Unit::Vector { rotation: 2 }, (1 << 18) - 1), (Unit::Word, 2)]);
    }

    #[test]
    fn past_the_binding_limit() {
        let len = (128 << 20) / WORD + 1;
        let windows = check(start(0, 0, len), start(0, 0, len), len, Buffers::Two, USUAL);
        assert_eq!(shape(&windows), [(Unit::Vector { rotation: 0 }, 1 << 23), (Unit::Word, 1)]);
    }

    #[test]
    fn past_the_grid_limit() {
        let limits = Limits { binding_bytes: 4 << 30, ..USUAL };
        let len = 65_535 * WORDS_PER_GROUP + 1;
        let windows = check(start(0, 0, len), start(0, 0, len), len, Buffers::Two, limits);
        assert_eq!(windows.iter().map(|w| w.groups).collect::<Vec<_>>(), [65_535, 1]);
    }

    #[test]
    fn distant_ranges_of_one_buffer_get_two_bindings() {
        let len = 1 << 24;
        let end = 16 << 30;
        let (low, high) = (Start { word: 7, buffer_bytes: end }, Start { word: 1 << 31, buffer_bytes: end });
        assert!(check(low, high, len, Buffers::One, USUAL).iter().all(|w| w.access == Access::Arena));
        assert!(check(low, low, len, Buffers::One, USUAL).iter().all(|w| w.access == Access::Within));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let (short, long) = (start(0, 0, 4), start(0, 0, 5));
        let out = |side, first, len, available| PlanError::OutOfRange { side, first, len, available };
        let refused = |source, target, len, buffers, limits| windows(source, target, len, buffers, limits).unwrap_err();
        assert_eq!(refused(short, long, 5, Buffers::Two, USUAL), out(Side::Source, 0, 5, 4));
        assert_eq!(refused(long, short, 5, Buffers::Two, USUAL), out(Side::Target, 0, 5, 4));
        let far = Start { word: u64::MAX, buffer_bytes: u64::MAX };
        assert_eq!(refused(far, far, 1, Buffers::Two, USUAL), out(Side::Source, u64::MAX, 1, u64::MAX / 4));
        let (a, b) = (Start { word: 0, buffer_bytes: 64 }, Start { word: 3, buffer_bytes: 64 });
        assert_eq!(
            refused(a, b, 4, Buffers::One, USUAL),
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
    }

    #[test]
    fn lengths_near_the_end_of_u64_do_not_overflow() {
        let huge = Start { word: 1, buffer_bytes: u64::MAX };
        let len = u64::MAX / WORD - 1;
        let mut windows = windows(huge, huge, len, Buffers::One, USUAL).unwrap();
        assert_eq!(windows.next().unwrap().len, 3);
        assert_eq!(windows.next().unwrap().len, (1 << 23) - 1);
        windows.source.word += windows.len - 5;
        windows.target.word = windows.source.word;
        windows.len = 5;
        assert_eq!(windows.map(|w| w.len).sum::<u32>(), 5);
    }
}
