//! Which bindings and grids cover a range of elements on a device with given limits. Pure arithmetic: no GPU, no wgpu.
//!
//! A dispatch sees its data through bindings, whose offset must be a multiple of an alignment and whose size has a
//! limit, and its grid has a limit too. [`windows`] cuts a range into pieces that fit, each with element offsets into
//! its bindings, since the ranges of users are rarely aligned. Offsets and lengths are in words, the 4 bytes of an f32,
//! unless a name says bytes.

use crate::error::{PlanError, Side};

/// Threads per workgroup: the shader's `WORKGROUP`. No adapter has to allow more.
pub const WORKGROUP: u32 = 256;

/// Words that one workgroup covers: four vec4 per thread.
pub const WORDS_PER_GROUP: u64 = WORKGROUP as u64 * 16;

/// Bytes per word.
const WORD: u64 = 4;

/// Words per vec4, the unit that the shader loads and stores.
const VECTOR: u64 = 4;

/// The shader's element offsets are u32 and it adds a grid's extent to them: a binding ends well before that wraps.
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

/// One dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How the source is reached.
    pub access: Access,
    /// Whether the entry point goes word by word, for the last words of a buffer that fill no vec4.
    pub by_word: bool,
    /// The source binding. Equal to `target` where `access` is [`Access::Within`].
    pub source: Span,
    /// The target binding.
    pub target: Span,
    /// The first source word within its binding.
    pub source_first: u32,
    /// The first target word within its binding.
    pub target_first: u32,
    /// Words.
    pub len: u32,
    /// Workgroups along x.
    pub groups: u32,
}

impl Window {
    /// The source's offset against the target in words, modulo a vec4: the shader's `ROTATION`.
    #[must_use]
    pub const fn rotation(&self) -> u32 {
        self.source_first.wrapping_sub(self.target_first) % VECTOR as u32
    }
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
    let grid = u64::from(limits.groups) * WORDS_PER_GROUP;
    Ok(Windows { source, target, len, buffers, alignment, binding, grid })
}

/// The windows of a range. Made by [`windows`].
#[derive(Clone, Debug)]
pub struct Windows {
    source: Start,
    target: Start,
    /// What is left.
    len: u64,
    buffers: Buffers,
    /// Words.
    alignment: u64,
    /// Words in the longest binding.
    binding: u64,
    /// Words under the largest grid.
    grid: u64,
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
        let mut len = self.len.min(room).min(self.grid - target % VECTOR);
        if len < self.len {
            // The next window begins on the alignment, if that leaves this one anything.
            let aligned = self.align(target + len);
            if aligned > target {
                len = aligned - target;
            }
        }
        let end = match access {
            Access::Within => source.max(target) + len,
            Access::Across | Access::Arena => 0,
        };
        let source_span = span(source_base, end.max(source + len), self.source.buffer_bytes);
        let target_span = span(target_base, end.max(target + len), self.target.buffer_bytes);
        let (source_first, target_first) = (source - source_base, target - target_base);

        // What whole vectors of both bindings reach; the rest, at most three words, comes with the next call.
        let reach = |span: Span, first: u64| (span.size_bytes / WORD / VECTOR * VECTOR).saturating_sub(first);
        let by_vector = len.min(reach(source_span, source_first)).min(reach(target_span, target_first));
        let by_word = by_vector == 0;
        if !by_word {
            len = by_vector;
        }
        let groups = if by_word {
            len.div_ceil(u64::from(WORKGROUP))
        } else {
            (target_first % VECTOR + len).div_ceil(WORDS_PER_GROUP)
        };
        self.source.word += len;
        self.target.word += len;
        self.len -= len;
        Some(Window {
            access,
            by_word,
            source: source_span,
            target: target_span,
            source_first: source_first as u32,
            target_first: target_first as u32,
            len: len as u32,
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

    fn align(&self, word: u64) -> u64 {
        word & !(self.alignment - 1)
    }
}

/// The binding from `base` to `end`, rounded up to whole vectors where the buffer has them.
fn span(base: u64, end: u64, buffer_bytes: u64) -> Span {
    let end = end.next_multiple_of(VECTOR).min(buffer_bytes / WORD);
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
            for (span, first, start) in [(w.source, w.source_first, source), (w.target, w.target_first, target)] {
                assert!(span.size_bytes <= limits.binding_bytes, "{case}");
                assert!(span.offset_bytes + span.size_bytes <= start.buffer_bytes, "{case}");
                assert_eq!(span.offset_bytes % u64::from(limits.alignment_bytes), 0, "{case}");
                assert_eq!(span.offset_bytes / WORD + u64::from(first), start.word + done, "{case}");
                let reach = if w.by_word { span.size_bytes / WORD } else { span.size_bytes / 16 * 4 };
                assert!(u64::from(first + w.len) <= reach, "{case}");
            }
            match (buffers, w.access) {
                (Buffers::Two, Access::Across) => {}
                (Buffers::One, Access::Within) => assert_eq!(w.source, w.target, "{case}"),
                (Buffers::One, Access::Arena) => {
                    let (low, high) = if w.source.offset_bytes < w.target.offset_bytes {
                        (w.source, w.target)
                    } else {
                        (w.target, w.source)
                    };
                    assert!(low.offset_bytes + low.size_bytes <= high.offset_bytes, "{case}");
                }
                unexpected => panic!("{unexpected:?} {case}"),
            }
            assert!(w.groups <= limits.groups, "{case}");
            let covered = if w.by_word { u64::from(w.groups) * 256 } else { u64::from(w.groups) * WORDS_PER_GROUP };
            assert!(covered >= u64::from(w.len + if w.by_word { 0 } else { w.target_first % 4 }), "{case}");
            assert!(w.len > 0, "{case}");
            done += u64::from(w.len);
        }
        assert_eq!(done, len, "{case}");
        windows
    }

    #[test]
    fn tiny_limits_cover_every_offset_and_length() {
        for len in 0..70 {
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
        for len in 0..40 {
            for from in 0..10 {
                for gap in 0..40 {
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

    #[test]
    fn one_window_where_limits_allow() {
        let len = 1 << 20;
        let windows = check(start(0, 0, len), start(0, 0, len), len, Buffers::Two, USUAL);
        assert_eq!((windows.len(), windows[0].groups), (1, 256));
    }

    #[test]
    fn past_the_binding_limit_windows_stay_aligned() {
        let len = (128 << 20) / WORD + 1;
        let windows = check(start(0, 0, len), start(0, 0, len), len, Buffers::Two, USUAL);
        assert_eq!(windows.iter().map(|w| (w.len, w.by_word)).collect::<Vec<_>>(), [(1 << 25, false), (1, true)]);
        let windows = check(start(3, 0, len), start(5, 9, len), len, Buffers::Two, USUAL);
        assert_eq!(windows[1].target_first, 0);
    }

    #[test]
    fn past_the_grid_limit() {
        let limits = Limits { binding_bytes: 4 << 30, ..USUAL };
        let len = 65_535 * WORDS_PER_GROUP + 1;
        let windows = check(start(1, 0, len), start(1, 0, len), len, Buffers::Two, limits);
        assert_eq!(windows[0].groups, 65_535);
        assert_eq!(windows.iter().map(|w| w.len).collect::<Vec<_>>(), [65_535 * WORDS_PER_GROUP as u32 - 1, 2]);
    }

    #[test]
    fn buffer_that_ends_inside_a_vector_is_finished_word_by_word() {
        let windows = check(start(0, 0, 11), start(0, 5, 11), 11, Buffers::Two, USUAL);
        assert_eq!(windows.iter().map(|w| (w.len, w.by_word)).collect::<Vec<_>>(), [(8, false), (3, true)]);
        let windows = check(start(2, 0, 1), start(0, 0, 1), 1, Buffers::Two, USUAL);
        assert!(windows[0].by_word);
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
        let first = windows.next().unwrap();
        assert_eq!(first.len, (1 << 25) - 1);
        let mut last = Windows { source: Start { word: huge.word + len - 5, ..huge }, ..windows.clone() };
        last.target = last.source;
        last.len = 5;
        assert_eq!(last.map(|w| w.len).sum::<u32>(), 5);
    }
}
