//! Cutting a range into dispatches.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::dispatch::{Access, Buffers, Dispatch, Extent, Span, Start, Unit, VECTORS_PER_GROUP, WORKGROUP};
use super::limits::Limits;
use crate::error::{BufferRole, PlanError};

/// Ranges of up to this many words are processed word by word, which is slower per word but takes one dispatch whatever
/// the alignment.
const SMALL_WORDS: u64 = 4096;

/// The most workgroups of a mixed dispatch that process the vectors at its ends, one a thread: fewer than a workgroup
/// processes otherwise, and up to three more.
const MOST_EDGE_GROUPS: u64 = 5;

/// The bytes of those words.
#[cfg(feature = "wgpu")]
pub(crate) const SMALL_BYTES: u64 = SMALL_WORDS * WORD_BYTES;

/// Bytes in a word.
const WORD_BYTES: u64 = 4;

/// Bytes in a vector.
pub(super) const VECTOR_BYTES: u64 = 16;

/// The shader's element indices are u32 and can exceed the range by a workgroup. This limit keeps them from wrapping.
const MAX_BINDING_BYTES: u64 = 1 << 32;

/// Splits the work on `len` elements from `source` to `target` into dispatches that fit `limits`, in ascending order.
/// `element_bytes`, the size of an element, is 2 or 4. Errors call the source `role`.
///
/// # Errors
///
/// [`PlanError`] if a range does not fit its buffer, if two ranges of one buffer overlap without being the same, or if
/// the limits do not allow any dispatch.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "no product exceeds the u64 that was divided before; twice a u32 fits in a u64"
)]
pub(super) fn dispatches(
    role: BufferRole,
    source: Start,
    target: Start,
    len: u64,
    element_bytes: u64,
    buffers: Buffers,
    limits: Limits,
) -> Result<Dispatches, PlanError> {
    let per_word = WORD_BYTES / element_bytes;
    for (role, start) in [(role, source), (BufferRole::Target, target)] {
        // A binding covers whole words.
        let available = start.buffer_bytes / WORD_BYTES * per_word;
        if start.element.checked_add(len).is_none_or(|end| end > available) {
            let first = start.element;
            return Err(match start.buffer_bytes / element_bytes {
                held if held > available && first.checked_add(len) == Some(held) => {
                    PlanError::PartOfWord { role, buffer_bytes: start.buffer_bytes }
                }
                _ => PlanError::OutOfRange { role, first, len, available },
            });
        }
    }
    let distance = source.element.abs_diff(target.element);
    if buffers == Buffers::One && distance != 0 && distance < len {
        return Err(PlanError::Overlap { role, source_first: source.element, target_first: target.element, len });
    }
    let vector = VECTOR_BYTES / element_bytes;
    let alignment = u64::from(limits.alignment_bytes).max(VECTOR_BYTES) / element_bytes;
    let binding = (limits.binding_bytes.min(MAX_BINDING_BYTES) / VECTOR_BYTES).saturating_mul(vector);
    if !limits.alignment_bytes.is_power_of_two() || binding < 2 * alignment || limits.groups == 0 {
        return Err(PlanError::Limits { binding_bytes: limits.binding_bytes, groups: limits.groups });
    }
    let (begin, groups) = (source.element, u64::from(limits.groups));
    let mixed = limits.mixed && groups > MOST_EDGE_GROUPS;
    Ok(Dispatches {
        source,
        target,
        begin,
        len,
        element_bytes,
        buffers,
        alignment,
        binding,
        groups,
        mixed,
        extent: Extent::Fixed,
        rows: 1,
        pitches: [0; 2],
    })
}

/// An iterator over the dispatches for a range, returned by [`dispatches`].
#[derive(Clone, Debug)]
pub(super) struct Dispatches {
    pub(super) source: Start,
    pub(super) target: Start,
    /// The first source element of the whole range.
    begin: u64,
    /// The number of elements left.
    pub(super) len: u64,
    element_bytes: u64,
    pub(super) buffers: Buffers,
    alignment: u64,
    /// The most elements in a binding.
    binding: u64,
    /// The most workgroups in a dispatch.
    groups: u64,
    mixed: bool,
    pub(super) extent: Extent,
    /// The number of rows, and the elements from the start of one to that of the next.
    rows: u64,
    pitches: [u64; 2],
}

/// What a dispatch computes.
struct Piece {
    unit: Unit,
    len: u64,
    head: u64,
    vector_groups: u64,
    groups: u64,
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "`dispatches` checks that ranges end at 2^63 elements at most; the rest is bounded by 2^32 bytes or \
              workgroups"
)]
impl Iterator for Dispatches {
    type Item = Dispatch;

    fn next(&mut self) -> Option<Dispatch> {
        let before = self.source.element - self.begin;
        // No length in a buffer is greater.
        if self.len == 0 || self.extent == Extent::Length && before > u64::from(u32::MAX) {
            return None;
        }
        let (source, target) = (self.source.element, self.target.element);
        let (access, room) = self.access();
        let (source_base, target_base) = match access {
            Access::SameBinding => (self.align(source.min(target)), self.align(source.min(target))),
            Access::SeparateBuffer | Access::SameBuffer => (self.align(source), self.align(target)),
        };
        let (source_first, target_first) = (source - source_base, target - target_base);

        let Piece { unit, len, head, vector_groups, groups } = self.piece(self.len.min(room));
        // Misaligned vectors are read from one more vector of the source.
        let behind = self.behind(unit.rotation().into());
        let read = if unit == Unit::Word { 0 } else { head + self.vectors(vector_groups) + behind };
        let [source_more, target_more] = self.further_rows();
        let (source_end, target_end) = (source + len.max(read) + source_more, target + len + target_more);
        let (source_span, target_span) = match access {
            Access::SameBinding => {
                let both = self.span(source_base, source_end.max(target_end), unit);
                (both, both)
            }
            Access::SeparateBuffer | Access::SameBuffer => {
                (self.span(source_base, source_end, unit), self.span(target_base, target_end, unit))
            }
        };
        self.source.element += len;
        self.target.element += len;
        self.len -= len;
        Some(Dispatch {
            access,
            unit,
            source: source_span,
            target: target_span,
            source_first: source_first as u32,
            target_first: target_first as u32,
            len: len as u32,
            head: head as u32,
            vector_groups: vector_groups as u32,
            groups: groups as u32,
            extent: self.extent,
            rows: self.rows as u32,
            pitches: self.pitches.map(|pitch| pitch as u32),
            before: before as u32,
            behind: behind as u32,
        })
    }
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "`dispatches` checks that ranges end at 2^63 elements at most; the rest is bounded by 2^32 bytes or \
              workgroups"
)]
impl Dispatches {
    /// The same for a row that lies further on in the source and in the target.
    pub(super) const fn moved(mut self, [source, target]: [u64; 2]) -> Self {
        self.begin += source;
        self.source.element += source;
        self.target.element += target;
        self
    }

    /// The same for so many rows, which must be aligned alike and fit a dispatch.
    pub(super) fn repeated(mut self, rows: u64, pitches: [u64; 2]) -> Self {
        if rows > 1 {
            (self.extent, self.rows, self.pitches) = (Extent::Rows, rows, pitches);
            let [source, target] = self.further_rows();
            // Each row is planned as the first one, and the last one has to fit.
            self.binding -= source.max(target);
            self.source.buffer_bytes -= source * self.element_bytes;
            self.target.buffer_bytes -= target * self.element_bytes;
        }
        self
    }

    /// How many rows fit a dispatch if they are `pitch` elements apart.
    pub(super) fn most_rows(&self, pitch: u64) -> u64 {
        let apart = self.source.element.abs_diff(self.target.element);
        let one = if self.buffers == Buffers::One { apart } else { 0 } + self.len + self.alignment;
        (self.binding.saturating_sub(one) / pitch.max(1)).saturating_add(1).min(self.groups)
    }

    /// How many elements lie between the starts of the first and the last row.
    fn further_rows(&self) -> [u64; 2] {
        self.pitches.map(|pitch| (self.rows - 1) * pitch)
    }

    /// Elements in what a thread writes as a whole.
    pub(super) fn unit_len(&self) -> u64 {
        let per_word = WORD_BYTES / self.element_bytes;
        if self.len <= SMALL_WORDS * per_word { per_word } else { self.vector() }
    }

    /// How the next dispatch accesses its source, and the number of elements (at least one) that fit its bindings.
    fn access(&self) -> (Access, u64) {
        let (source, target) = (self.source.element, self.target.element);
        let (low, high) = (source.min(target), source.max(target));
        let apart = self.binding - (source - self.align(source)).max(target - self.align(target));
        match self.buffers {
            Buffers::Two => (Access::SeparateBuffer, apart),
            Buffers::One => {
                let within = self.binding.saturating_sub(high - self.align(low));
                // Two bindings of one buffer must not overlap, and the upper one begins at a multiple of the alignment.
                let arena = apart.min(self.align(high).saturating_sub(low));
                if within >= arena.min(self.len) { (Access::SameBinding, within) } else { (Access::SameBuffer, arena) }
            }
        }
    }

    /// The next dispatch, of up to `room` elements.
    ///
    /// A target vector is built from one source vector or, if source and target are misaligned relative to each other,
    /// from two consecutive ones. These must lie inside the source range, because the memory around it may belong to
    /// other work. Elements before the first such vector and after the last are processed word by word.
    fn piece(&self, room: u64) -> Piece {
        let (source, target) = (self.source.element, self.target.element);
        let (vector, per_word) = (self.vector(), WORD_BYTES / self.element_bytes);
        let rotation = source.wrapping_sub(target) % vector;
        let mut head = (vector - target % vector) % vector;
        if source + head - self.begin < rotation {
            head += vector;
        }
        // Only whole workgroups process vectors, so that their threads need no bounds check. On a software adapter the
        // check takes as long as the rest of the shader. The remaining elements are processed word by word.
        let vector_groups = |room: u64| room.saturating_sub(head + self.behind(rotation)) / vector / VECTORS_PER_GROUP;
        let groups_of = |threads: u64| threads.div_ceil(u64::from(WORKGROUP));
        // Rows may begin in another half of a word than the first one.
        let is_alike = self.pitches[1].is_multiple_of(per_word);
        let into_word = if is_alike { target % per_word } else { per_word - 1 };
        // A mixed dispatch accesses whole vectors, which leaves out up to three words at the end of a buffer.
        let whole = room.min(self.in_vectors(self.source)).min(self.in_vectors(self.target));
        // Where the vectors end is not known before the length is.
        let only_mixed = self.extent == Extent::Length;
        let mixed = (self.mixed || only_mixed && self.groups > MOST_EDGE_GROUPS) && vector_groups(whole) > 0;
        if self.len <= SMALL_WORDS * per_word || vector_groups(room) == 0 || only_mixed && !mixed {
            let len = room.min(self.groups * u64::from(WORKGROUP) * per_word - into_word);
            let groups = groups_of((into_word + len).div_ceil(per_word));
            return Piece { unit: Unit::Word, len, head: 0, vector_groups: 0, groups };
        }
        let (unit, groups_of_room) = (Unit::Vector { rotation: rotation as u32 }, vector_groups(room));
        if mixed {
            let groups = vector_groups(whole).min(self.groups - MOST_EDGE_GROUPS);
            let vectors_end = head + self.vectors(groups);
            let len = if groups == vector_groups(whole) { whole } else { vectors_end };
            let edges = (target % vector + head) / vector + (len - vectors_end).div_ceil(vector);
            let unit = if edges == 0 && !only_mixed { unit } else { Unit::Mixed { rotation: rotation as u32 } };
            let edge_groups = if only_mixed { MOST_EDGE_GROUPS } else { groups_of(edges) };
            Piece { unit, len, head, vector_groups: groups, groups: groups + edge_groups }
        } else if head > 0 {
            Piece { unit: Unit::Word, len: head, head: 0, vector_groups: 0, groups: 1 }
        } else {
            let groups = groups_of_room.min(self.groups);
            Piece { unit, len: self.vectors(groups), head, vector_groups: groups, groups }
        }
    }

    /// How many elements from a start on are in whole vectors of its buffer.
    fn in_vectors(&self, start: Start) -> u64 {
        (start.buffer_bytes / VECTOR_BYTES * self.vector()).saturating_sub(start.element)
    }

    /// How many elements of the source must follow those of the vectors.
    fn behind(&self, rotation: u64) -> u64 {
        (self.vector() - rotation) % self.vector()
    }

    /// Elements in the vectors of so many workgroups.
    fn vectors(&self, groups: u64) -> u64 {
        groups * VECTORS_PER_GROUP * self.vector()
    }

    /// Elements in a vector.
    pub(super) fn vector(&self) -> u64 {
        VECTOR_BYTES / self.element_bytes
    }

    fn align(&self, element: u64) -> u64 {
        element & !(self.alignment - 1)
    }

    /// The binding from element `base` to `end`, in whole words, or vectors.
    fn span(&self, base: u64, end: u64, unit: Unit) -> Span {
        let multiple = if unit == Unit::Word { WORD_BYTES } else { VECTOR_BYTES };
        let size_bytes = ((end - base) * self.element_bytes).next_multiple_of(multiple);
        Span { offset_bytes: base * self.element_bytes, size_bytes }
    }
}

#[cfg(test)]
mod tests;
