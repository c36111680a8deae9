//! A dispatch, and what a plan is made from.

/// Threads per workgroup: the shader's `WORKGROUP`. The most that every WebGPU adapter supports.
pub const WORKGROUP: u32 = 256;

/// Vectors per workgroup: four per thread. A dispatch of vectors consists of whole workgroups.
pub const VECTORS_PER_GROUP: u64 = WORKGROUP as u64 * 4;

/// The device limits that a plan depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `max_storage_buffer_binding_size`, in bytes.
    pub binding_bytes: u64,
    /// `min_storage_buffer_offset_alignment`, in bytes; a power of two.
    pub alignment_bytes: u32,
    /// `max_compute_workgroups_per_dimension`.
    pub groups: u32,
    /// Whether a dispatch may compute the vectors at the ends of a range, too, of which only some elements are in the
    /// range, so that it takes one dispatch. That is faster on hardware, where dispatches wait for each other. Most
    /// software adapters run both sides of a branch, so that several dispatches are faster.
    pub mixed: bool,
}

/// The start of a range of elements in a buffer.
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

/// How a dispatch accesses its source, which selects the shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Through a read-only binding of another buffer.
    SeparateBuffer,
    /// Through a second read-write binding of the target's buffer.
    SameBuffer,
    /// Through the target's own binding.
    SameBinding,
}

/// The part of a buffer that a binding covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The offset of the binding; a multiple of the alignment.
    pub offset_bytes: u64,
    /// The size of the binding.
    pub size_bytes: u64,
}

/// What a thread of a dispatch writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
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

/// One dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// How the source is accessed.
    pub access: Access,
    /// What a thread writes.
    pub unit: Unit,
    /// The source binding. Equal to `target` if `access` is [`Access::SameBinding`].
    pub source: Span,
    /// The target binding.
    pub target: Span,
    /// The first source element within its binding.
    pub source_first: u32,
    /// The first target element within its binding.
    pub target_first: u32,
    /// The number of elements.
    pub len: u32,
    /// The number of elements before the first vector.
    pub head: u32,
    /// The number of workgroups that process vectors. They come first.
    pub vector_groups: u32,
    /// The number of workgroups.
    pub groups: u32,
}
