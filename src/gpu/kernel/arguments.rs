//! What a binding is made from: ranges of buffers, and functions.

use std::ops::{Bound, RangeBounds};

use crate::hard_sigmoid::{PARAMETER_BYTES, ParamBlock};
use crate::plan::{self, Operand, Place, Rows};
use crate::{Element, HardSigmoid};

/// A range of elements in a storage buffer.
///
/// Made from `&buffer`, which means all whole elements in it, or from `(&buffer, range)`, where `range` is `3..10`,
/// `5..`, `..n` or the like, or where it is [`Rows`]. The indices are `u64`, and count elements of the type that the
/// binding is made for.
/// [`guide::embedding`](crate::guide::embedding) says which ranges are allowed.
#[derive(Clone, Debug)]
pub struct BufferRange<'a> {
    pub(super) buffer: &'a wgpu::Buffer,
    elements: Elements,
}

#[derive(Clone, Debug)]
enum Elements {
    Given(plan::Elements),
    /// From here to the end of the buffer.
    From(u64),
}

impl<'a> From<(&'a wgpu::Buffer, Rows)> for BufferRange<'a> {
    fn from((buffer, rows): (&'a wgpu::Buffer, Rows)) -> Self {
        Self { buffer, elements: Elements::Given(rows.into()) }
    }
}

impl<'a> From<&'a wgpu::Buffer> for BufferRange<'a> {
    fn from(buffer: &'a wgpu::Buffer) -> Self {
        (buffer, ..).into()
    }
}

impl<'a, R: RangeBounds<u64>> From<(&'a wgpu::Buffer, R)> for BufferRange<'a> {
    fn from((buffer, range): (&'a wgpu::Buffer, R)) -> Self {
        let start = match range.start_bound() {
            Bound::Included(&first) => first,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => Some(last.saturating_add(1)),
            Bound::Excluded(&end) => Some(end),
            Bound::Unbounded => None,
        };
        Self { buffer, elements: end.map_or(Elements::From(start), |end| Elements::Given((start..end).into())) }
    }
}

impl<'a> BufferRange<'a> {
    pub(super) fn operand<T: Element>(&self) -> Operand<&'a wgpu::Buffer> {
        let buffer_bytes = self.buffer.size();
        let elements = match self.elements.clone() {
            Elements::Given(elements) => elements,
            // A start behind the end of the buffer is for the recipe to refuse.
            Elements::From(start) => (start..(buffer_bytes / size_of::<T>() as u64).max(start)).into(),
        };
        Operand { buffer: self.buffer, buffer_bytes, elements }
    }
}

/// A place in a buffer for a block of bytes: the parameters of a function, counters, or a length.
///
/// Made from `&buffer`, which means its first bytes, or from a [`wgpu::BufferBinding`], which has an offset. Whatever
/// follows the block is not touched.
#[derive(Clone, Copy, Debug)]
pub struct BufferBlock<'a> {
    pub(super) buffer: &'a wgpu::Buffer,
    pub(super) offset: u64,
    /// Where the buffer ends, or the binding if that is earlier.
    pub(super) end: u64,
}

impl<'a> BufferBlock<'a> {
    pub(super) fn counters(self) -> Place<&'a wgpu::Buffer> {
        Place { buffer: self.buffer, buffer_bytes: self.end, offset_bytes: self.offset }
    }
}

impl<'a> From<&'a wgpu::Buffer> for BufferBlock<'a> {
    fn from(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, offset: 0, end: buffer.size() }
    }
}

impl<'a> From<wgpu::BufferBinding<'a>> for BufferBlock<'a> {
    fn from(wgpu::BufferBinding { buffer, offset, size }: wgpu::BufferBinding<'a>) -> Self {
        let end = size.map_or(u64::MAX, |size| offset.saturating_add(size.get()));
        Self { buffer, offset, end: end.min(buffer.size()) }
    }
}

/// Where a binding takes its parameters from. `F` is [`HardSigmoid`], or [`Backward`](crate::Backward) for the backward
/// pass.
///
/// Made from an `F`, or from a uniform buffer of yours: `&buffer` or a [`wgpu::BufferBinding`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ParamSource<'a, F = HardSigmoid> {
    /// Fixed when the binding is made.
    Fixed(F),
    /// Read each time the binding runs, from 16 bytes that [`Params::to_bytes`](crate::Params::to_bytes) or
    /// [`BackwardParams::to_bytes`](crate::BackwardParams::to_bytes) gives. The buffer has usage `UNIFORM`, and the
    /// offset is a multiple of `min_uniform_buffer_offset_alignment`.
    Uniform(BufferBlock<'a>),
}

#[allow(private_bounds, reason = "sealed: these are the functions of the crate")]
impl<F: ParamBlock> From<F> for ParamSource<'_, F> {
    fn from(f: F) -> Self {
        Self::Fixed(f)
    }
}

impl<'a, F> From<&'a wgpu::Buffer> for ParamSource<'a, F> {
    fn from(buffer: &'a wgpu::Buffer) -> Self {
        Self::Uniform(buffer.into())
    }
}

impl<'a, F> From<wgpu::BufferBinding<'a>> for ParamSource<'a, F> {
    fn from(binding: wgpu::BufferBinding<'a>) -> Self {
        Self::Uniform(binding.into())
    }
}

#[allow(private_bounds, reason = "sealed: these are the functions of the crate")]
impl<'a, F: ParamBlock> ParamSource<'a, F> {
    /// The same, with fixed parameters as the bytes of a uniform block.
    pub(super) fn into_block(self) -> ParamSource<'a, [u8; PARAMETER_BYTES]> {
        match self {
            Self::Fixed(f) => ParamSource::Fixed(f.into_block()),
            Self::Uniform(block) => ParamSource::Uniform(block),
        }
    }
}
