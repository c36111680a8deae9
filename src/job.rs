//! What a call over host slices computes, and from where to where. The CPU path, the GPU path and the engine all run
//! jobs.

use std::ops::Range;

use crate::error::{BufferRole, LengthMismatch};
use crate::{Backward, HardSigmoid};

#[derive(Debug)]
pub(crate) struct Job<'a, T> {
    pub(crate) work: Work,
    /// For the backward pass: x or y. Empty otherwise.
    pub(crate) saved: &'a [T],
    /// None for in place, where the target is the source.
    pub(crate) source: Option<&'a [T]>,
    /// Empty if the results are only counted.
    pub(crate) target: &'a mut [T],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Work {
    Apply(HardSigmoid),
    Count(HardSigmoid),
    ApplyAndCount(HardSigmoid),
    Backward(Backward),
}

/// Where the second input of a backward pass, what the forward pass saved, begins in a staging buffer of so many bytes.
#[cfg(feature = "wgpu")]
pub(crate) const fn saved_offset(buffer_bytes: u64) -> u64 {
    buffer_bytes / 2
}

#[cfg(feature = "wgpu")]
impl Work {
    /// Whether a second input was saved by the forward pass.
    pub(crate) const fn has_saved(self) -> bool {
        matches!(self, Self::Backward(_))
    }

    /// Whether results are written to the target.
    pub(crate) const fn writes(self) -> bool {
        !matches!(self, Self::Count(_))
    }

    /// Whether results are counted.
    pub(crate) const fn counts(self) -> bool {
        matches!(self, Self::Count(_) | Self::ApplyAndCount(_))
    }
}

impl<'a, T> Job<'a, T> {
    pub(crate) fn apply(f: HardSigmoid, source: &'a [T], target: &'a mut [T]) -> Result<Self, LengthMismatch> {
        same_length(BufferRole::Source, source, target)?;
        Ok(Self { work: Work::Apply(f), saved: &[], source: Some(source), target })
    }

    pub(crate) fn apply_in_place(f: HardSigmoid, data: &'a mut [T]) -> Self {
        Self { work: Work::Apply(f), saved: &[], source: None, target: data }
    }

    pub(crate) fn apply_with_saturation(
        f: HardSigmoid,
        source: &'a [T],
        target: &'a mut [T],
    ) -> Result<Self, LengthMismatch> {
        Ok(Self { work: Work::ApplyAndCount(f), ..Self::apply(f, source, target)? })
    }

    pub(crate) fn saturation(f: HardSigmoid, source: &'a [T]) -> Self {
        Self { work: Work::Count(f), saved: &[], source: Some(source), target: &mut [] }
    }

    pub(crate) fn backward(
        backward: Backward,
        saved: &'a [T],
        grad_y: &'a [T],
        grad_x: &'a mut [T],
    ) -> Result<Self, LengthMismatch> {
        same_length(BufferRole::Source, saved, grad_x)?;
        same_length(BufferRole::Gradient, grad_y, grad_x)?;
        Ok(Self { work: Work::Backward(backward), saved, source: Some(grad_y), target: grad_x })
    }

    pub(crate) fn backward_in_place(
        backward: Backward,
        saved: &'a [T],
        grad: &'a mut [T],
    ) -> Result<Self, LengthMismatch> {
        same_length(BufferRole::Source, saved, grad)?;
        Ok(Self { work: Work::Backward(backward), saved, source: None, target: grad })
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.source.map_or(self.target.len(), <[T]>::len)
    }

    /// The bytes that the job reads and writes.
    pub(crate) const fn bytes(&self) -> usize {
        let source = if let Some(source) = self.source { size_of_val(source) } else { size_of_val(self.target) };
        source.saturating_add(size_of_val(self.target)).saturating_add(size_of_val(self.saved))
    }

    /// The part of the job that concerns these elements. What lies beyond the end is left out.
    pub(crate) fn part(&mut self, elements: Range<usize>) -> Job<'_, T> {
        let of = |slice: &'a [T]| slice.get(elements.start..elements.end.min(slice.len())).unwrap_or_default();
        let end = elements.end.min(self.target.len());
        Job {
            work: self.work,
            saved: of(self.saved),
            source: self.source.map(of),
            target: self.target.get_mut(elements.start..end).unwrap_or_default(),
        }
    }

    /// Cuts the job into parts of up to `len` elements, in order.
    pub(crate) fn chunks(mut self, len: usize) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let len = len.min(self.len());
            let first = |slice: &mut &'a [T]| slice.split_off(..len.min(slice.len())).unwrap_or_default();
            (len > 0).then(|| Self {
                work: self.work,
                saved: first(&mut self.saved),
                source: self.source.as_mut().map(first),
                target: self.target.split_off_mut(..len.min(self.target.len())).unwrap_or_default(),
            })
        })
    }
}

fn same_length<T>(role: BufferRole, source: &[T], target: &[T]) -> Result<(), LengthMismatch> {
    let (source_len, target_len) = (source.len(), target.len());
    if source_len == target_len { Ok(()) } else { Err(LengthMismatch { role, source_len, target_len }) }
}
