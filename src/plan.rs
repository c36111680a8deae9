//! Which bindings and grids cover a range of elements on a device with given limits. Pure arithmetic: no GPU, no wgpu.
//!
//! A dispatch sees its data through bindings, whose offset must be a multiple of an alignment and whose size has a
//! limit, and its grid has a limit too. [`dispatches`] cuts a range into pieces that fit, each with element offsets into
//! its bindings, since the ranges of users are rarely aligned. Offsets and lengths are in elements, unless a name says
//! otherwise: one or two of them fill a word, the 4 bytes that a shader loads at least, and four words a vector.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::error::{BufferRole, PlanError};

/// Threads per workgroup: the shader's `WORKGROUP`. No adapter has to allow more.
pub const WORKGROUP: u32 = 256;

/// Vectors that a workgroup covers: four per thread. A dispatch by vectors has whole workgroups only.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Through a read-only binding of another buffer.
    SeparateBuffer,
    /// Through a second read-write binding of the target's buffer.
    SameBuffer,
    /// Through the target's own binding.
    SameBinding,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
pub struct Dispatch {
    /// How the source is reached.
    pub access: Access,
    /// What a thread writes.
    pub unit: Unit,
    /// The source binding. Equal to `target` where `access` is [`Access::SameBinding`].
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
#[allow(
    clippy::arithmetic_side_effects,
    reason = "quotients of u64 by constants, times less than that; doubles of a u32"
)]
pub fn dispatches(
    source: Start,
    target: Start,
    len: u64,
    element_bytes: u64,
    buffers: Buffers,
    limits: Limits,
) -> Result<Dispatches, PlanError> {
    let per_word = match element_bytes {
        2 => 2,
        4 => 1,
        _ => return Err(PlanError::ElementBytes { element_bytes }),
    };
    for (role, start) in [(BufferRole::Source, source), (BufferRole::Target, target)] {
        // A binding shows whole words.
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
        return Err(PlanError::Overlap {
            role: BufferRole::Source,
            source_first: source.element,
            target_first: target.element,
            len,
        });
    }
    let vector = VECTOR_BYTES / element_bytes;
    let alignment = u64::from(limits.alignment_bytes).max(VECTOR_BYTES) / element_bytes;
    let binding = (limits.binding_bytes.min(MAX_BINDING_BYTES) / VECTOR_BYTES).saturating_mul(vector);
    if !limits.alignment_bytes.is_power_of_two() || binding < 2 * alignment || limits.groups == 0 {
        return Err(PlanError::Limits { binding_bytes: limits.binding_bytes, groups: limits.groups });
    }
    let (begin, groups) = (source.element, u64::from(limits.groups));
    Ok(Dispatches { source, target, begin, len, element_bytes, buffers, alignment, binding, groups })
}

/// The windows of a range. Made by [`dispatches`].
#[derive(Clone, Debug)]
pub struct Dispatches {
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

#[allow(
    clippy::arithmetic_side_effects,
    reason = "ranges end at 2^63 elements at most, which `dispatches` checks; all else is within a binding of 2^32 bytes or a grid \
              of 2^32 workgroups"
)]
impl Iterator for Dispatches {
    type Item = Dispatch;

    fn next(&mut self) -> Option<Dispatch> {
        if self.len == 0 {
            return None;
        }
        let (source, target) = (self.source.element, self.target.element);
        let (access, room) = self.access();
        let (source_base, target_base) = match access {
            Access::SameBinding => (self.align(source.min(target)), self.align(source.min(target))),
            Access::SeparateBuffer | Access::SameBuffer => (self.align(source), self.align(target)),
        };
        let (source_first, target_first) = (source - source_base, target - target_base);

        let (unit, len, groups) = self.unit(self.len.min(room));
        let behind = match unit {
            Unit::Vector { rotation } => (self.vector() - u64::from(rotation)) % self.vector(),
            Unit::Word => 0,
        };
        let (source_end, target_end) = (source + len + behind, target + len);
        let (source_span, target_span) = match access {
            Access::SameBinding => {
                let both = self.span(source_base, source_end.max(target_end));
                (both, both)
            }
            Access::SeparateBuffer | Access::SameBuffer => {
                (self.span(source_base, source_end), self.span(target_base, target_end))
            }
        };
        self.source.element += len;
        self.target.element += len;
        self.len -= len;
        let units = |elements: u64| match unit {
            Unit::Vector { .. } => (elements / self.vector()) as u32,
            Unit::Word => elements as u32,
        };
        Some(Dispatch {
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

#[allow(
    clippy::arithmetic_side_effects,
    reason = "ranges end at 2^63 elements at most, which `dispatches` checks; all else is within a binding of 2^32 bytes or a grid \
              of 2^32 workgroups"
)]
impl Dispatches {
    /// How the next window reaches its source, and how many elements the bindings then have room for: at least one.
    fn access(&self) -> (Access, u64) {
        let (source, target) = (self.source.element, self.target.element);
        let (low, high) = (source.min(target), source.max(target));
        let apart = self.binding - (source - self.align(source)).max(target - self.align(target));
        match self.buffers {
            Buffers::Two => (Access::SeparateBuffer, apart),
            Buffers::One => {
                let within = self.binding.saturating_sub(high - self.align(low));
                // Bindings of one buffer must not overlap, and the upper one begins where it is aligned.
                let arena = apart.min(self.align(high).saturating_sub(low));
                if within >= arena.min(self.len) { (Access::SameBinding, within) } else { (Access::SameBuffer, arena) }
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
        // Whole workgroups, so that no thread has to ask whether it is in the window: on a software adapter that takes as
        // long as all the rest. What is left over goes by words.
        let vectors = room.saturating_sub(before + behind) / vector / VECTORS_PER_GROUP * VECTORS_PER_GROUP;
        if self.len <= SMALL_WORDS * per_word || vectors == 0 {
            let (words, into_word) = (self.groups * u64::from(WORKGROUP), target % per_word);
            let len = room.min(words * per_word - into_word);
            (Unit::Word, len, (into_word + len).div_ceil(per_word).div_ceil(u64::from(WORKGROUP)))
        } else if before > 0 {
            (Unit::Word, before, 1)
        } else {
            let vectors = vectors.min(self.groups * VECTORS_PER_GROUP);
            (Unit::Vector { rotation: rotation as u32 }, vectors * vector, vectors / VECTORS_PER_GROUP)
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
mod tests;
