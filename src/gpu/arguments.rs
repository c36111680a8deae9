//! What a binding is made from: ranges of buffers, and functions.

use std::ops::Range;

use super::binding::BLOCK_BYTES;
use crate::error::{BindError, Side};
use crate::plan::Start;
use crate::{Backward, Element, HardSigmoid};

/// A range of elements in a storage buffer.
///
/// From a `&Buffer`, which means all that it holds, or from a `(&Buffer, Range<u64>)` of element indices. What an element
/// is, [`Kernel::bind`](crate::Kernel::bind) says.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    buffer: &'a wgpu::Buffer,
    /// None: all.
    range: Option<Range<u64>>,
}

impl<'a> From<&'a wgpu::Buffer> for Elements<'a> {
    fn from(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, range: None }
    }
}

impl<'a> From<(&'a wgpu::Buffer, Range<u64>)> for Elements<'a> {
    fn from((buffer, range): (&'a wgpu::Buffer, Range<u64>)) -> Self {
        Self { buffer, range: Some(range) }
    }
}

impl<'a> Elements<'a> {
    pub(super) fn buffer(&self) -> &'a wgpu::Buffer {
        self.buffer
    }

    /// Where the range begins and how many elements it has, in a buffer that can be bound.
    pub(super) fn resolve<T: Element>(&self, side: Side) -> Result<(Start, u64), BindError> {
        if !self.buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
            return Err(BindError::NotStorage { side, usage: self.buffer.usage() });
        }
        let buffer_bytes = self.buffer.size();
        let Range { start, end } = self.range.clone().unwrap_or(0..buffer_bytes / size_of::<T>() as u64);
        let len = end.checked_sub(start).ok_or(BindError::Reversed { side, start, end })?;
        Ok((Start { element: start, buffer_bytes }, len))
    }
}

/// Where a binding has its function from: a [`HardSigmoid`], or a [`Backward`] for the backward pass.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Function<'a, F = HardSigmoid> {
    /// Fixed when the binding is made. From an `F`.
    Fixed(F),
    /// Read from a uniform buffer of the app's whenever the binding runs, for parameters that change from frame to
    /// frame: the 16 bytes of [`Params::to_bytes`](crate::Params::to_bytes) or
    /// [`BackwardParams::to_bytes`](crate::BackwardParams::to_bytes). From a [`wgpu::BufferBinding`], such as
    /// `buffer.as_entire_buffer_binding()`.
    Uniform {
        /// The buffer, with `UNIFORM` usage.
        buffer: &'a wgpu::Buffer,
        /// Where in it the 16 bytes begin: a multiple of `min_uniform_buffer_offset_alignment`.
        offset: u64,
    },
}

impl From<HardSigmoid> for Function<'_> {
    fn from(f: HardSigmoid) -> Self {
        Self::Fixed(f)
    }
}

impl From<Backward> for Function<'_, Backward> {
    fn from(backward: Backward) -> Self {
        Self::Fixed(backward)
    }
}

impl<'a, F> From<wgpu::BufferBinding<'a>> for Function<'a, F> {
    fn from(wgpu::BufferBinding { buffer, offset, .. }: wgpu::BufferBinding<'a>) -> Self {
        Self::Uniform { buffer, offset }
    }
}

impl<'a> Function<'a> {
    pub(super) fn parameters(self) -> Parameters<'a> {
        match self {
            Self::Fixed(f) => Parameters::Fixed(f.params().to_bytes()),
            Self::Uniform { buffer, offset } => Parameters::Uniform { buffer, offset },
        }
    }
}

impl<'a> Function<'a, Backward> {
    pub(super) fn parameters(self) -> Parameters<'a> {
        match self {
            Self::Fixed(backward) => Parameters::Fixed(backward.params().to_bytes()),
            Self::Uniform { buffer, offset } => Parameters::Uniform { buffer, offset },
        }
    }
}

/// A function's parameters, whichever function it is.
#[derive(Clone, Copy)]
pub(super) enum Parameters<'a> {
    Fixed([u8; BLOCK_BYTES]),
    Uniform { buffer: &'a wgpu::Buffer, offset: u64 },
}

impl Parameters<'_> {
    /// `written`: the buffers that the binding writes to.
    pub(super) fn check(&self, written: &[(Side, &wgpu::Buffer)], alignment: u32) -> Result<(), BindError> {
        let Self::Uniform { buffer, offset } = *self else { return Ok(()) };
        let side = Side::Parameters;
        if let Some(&(other, _)) = written.iter().find(|(_, written)| *written == buffer) {
            return Err(BindError::Shared { side, other });
        }
        if !buffer.usage().contains(wgpu::BufferUsages::UNIFORM) {
            return Err(BindError::NotUniform { usage: buffer.usage() });
        }
        block_fits(side, buffer, offset, BLOCK_BYTES as u64, alignment)
    }
}

/// That a block of `bytes` bytes can begin at `offset`.
pub(super) fn block_fits(
    side: Side,
    buffer: &wgpu::Buffer,
    offset: u64,
    bytes: u64,
    alignment: u32,
) -> Result<(), BindError> {
    if !offset.is_multiple_of(u64::from(alignment)) {
        return Err(BindError::Alignment { side, offset, alignment });
    }
    let size = buffer.size();
    if offset.checked_add(bytes).is_none_or(|end| end > size) {
        return Err(BindError::TooShort { side, offset, bytes, size });
    }
    Ok(())
}
