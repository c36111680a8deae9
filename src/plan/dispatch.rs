//! A dispatch as data.

/// Threads per workgroup: the shader's `WORKGROUP`. The most that every WebGPU adapter supports.
pub(crate) const WORKGROUP: u32 = 256;

/// Vectors per workgroup: four per thread. A dispatch of vectors consists of whole workgroups.
pub(crate) const VECTORS_PER_GROUP: u64 = WORKGROUP as u64 * 4;

/// The start of a range of elements in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The first element.
    pub(crate) element: u64,
    /// The size of the buffer.
    pub(crate) buffer_bytes: u64,
}

/// Whether source and target are the same buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffers {
    /// Two buffers.
    Two,
    /// One buffer: in place, or two ranges that do not overlap.
    One,
}

/// Who knows how many elements a dispatch computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Extent {
    /// The host.
    Fixed,
    /// A buffer: some or none of those that are planned for.
    Length,
    /// The host, and for several rows.
    Rows,
}

/// How a dispatch accesses its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    /// Through a read-only binding of another buffer.
    SeparateBuffer,
    /// Through a second read-write binding of the target's buffer.
    SameBuffer,
    /// Through the target's own binding.
    SameBinding,
}

/// The part of a buffer that a binding covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The offset of the binding; a multiple of the alignment.
    pub(crate) offset_bytes: u64,
    /// The size of the binding.
    pub(crate) size_bytes: u64,
}

/// What a thread of a dispatch writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    /// Whole vectors of the target.
    Vector {
        /// The offset in elements of the source within its first vector: the shader's `ROTATION`.
        rotation: u32,
    },
    /// A word, or the half of it that is in the range. Used for small ranges and for the ends of larger ones.
    Word,
    /// Four vectors in the first workgroups. In the others, one of the vectors before and after those, or those parts
    /// of it that are in the range.
    Mixed {
        /// As for vectors.
        rotation: u32,
    },
}

impl Unit {
    /// The offset of the source within its first vector: 0 for words, too.
    pub(super) const fn rotation(self) -> u32 {
        match self {
            Self::Vector { rotation } | Self::Mixed { rotation } => rotation,
            Self::Word => 0,
        }
    }
}

/// One dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dispatch {
    /// How the source is accessed.
    pub(crate) access: Access,
    /// What a thread writes.
    pub(crate) unit: Unit,
    /// The source binding. Equal to `target` if `access` is [`Access::SameBinding`].
    pub(crate) source: Span,
    /// The target binding.
    pub(crate) target: Span,
    /// The first source element within its binding.
    pub(crate) source_first: u32,
    /// The first target element within its binding.
    pub(crate) target_first: u32,
    /// The number of elements.
    pub(crate) len: u32,
    /// The number of elements before the first vector.
    pub(crate) head: u32,
    /// The number of workgroups that process vectors. They come first.
    pub(crate) vector_groups: u32,
    /// The number of workgroups for a row.
    pub(crate) groups: u32,
    /// Who knows the number of elements.
    pub(crate) extent: Extent,
    /// The number of rows, which are aligned alike.
    pub(crate) rows: u32,
    /// Elements from the start of a row to that of the next one, in the source and in the target.
    pub(crate) pitches: [u32; 2],
    /// The number of elements of the whole range that come before, if that is needed: up to 2^32 - 1.
    pub(crate) before: u32,
    /// The number of source elements that must follow those of the vectors.
    pub(crate) behind: u32,
}
