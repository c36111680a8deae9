//! Moving host slices through the GPU: a slot of staging buffers, and what it does with a window.

use std::ops::Range;

use futures_intrusive::channel::shared::oneshot_channel;

use super::Inner;
use super::scope::scoped;
use super::wait::{Mapped, Waiting};
use crate::error::Error;
use crate::{Element, HardSigmoid, LengthMismatch};

/// Bytes of a window: enough to hide what a dispatch costs, and three fit a cache.
const WINDOW_BYTES: u64 = 4 << 20;

/// The host's side of a call.
pub(crate) enum Host<'a, T> {
    Across { source: &'a [T], target: &'a mut [T] },
    InPlace(&'a mut [T]),
}

impl<'a, T: Element> Host<'a, T> {
    pub(crate) fn across(source: &'a [T], target: &'a mut [T]) -> Result<Self, LengthMismatch> {
        if source.len() != target.len() {
            return Err(LengthMismatch { source_len: source.len(), target_len: target.len() });
        }
        Ok(Self::Across { source, target })
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Across { source, .. } => source.len(),
            Self::InPlace(data) => data.len(),
        }
    }

    pub(crate) fn source(&self, window: &Range<usize>) -> &[T] {
        match self {
            Self::Across { source, .. } => &source[window.clone()],
            Self::InPlace(data) => &data[window.clone()],
        }
    }

    pub(crate) fn target(&mut self, window: &Range<usize>) -> &mut [T] {
        match self {
            Self::Across { target, .. } => &mut target[window.clone()],
            Self::InPlace(data) => &mut data[window.clone()],
        }
    }
}

/// Cuts `len` elements into windows of a slot's size.
pub(crate) fn windows<T>(len: usize, limits: &wgpu::Limits) -> impl Iterator<Item = Range<usize>> + use<T> {
    let window = capacity_bytes(limits) as usize / size_of::<T>();
    (0..len).step_by(window).map(move |start| start..len.min(start + window))
}

/// Bytes that a slot holds: whole vectors.
fn capacity_bytes(limits: &wgpu::Limits) -> u64 {
    WINDOW_BYTES.min(limits.max_buffer_size / 16 * 16).max(16)
}

/// Staging for one window. Between calls its upload buffer is mapped.
#[derive(Debug)]
pub(crate) struct Slot {
    upload: wgpu::Buffer,
    data: wgpu::Buffer,
    readback: wgpu::Buffer,
}

/// A slot that the GPU is working on.
#[derive(Debug)]
pub(crate) struct Flight {
    slot: Slot,
    submission: wgpu::SubmissionIndex,
    mapped: [Mapped; 2],
}

impl Slot {
    pub(crate) fn new(device: &wgpu::Device) -> Result<Self, Error> {
        let size = capacity_bytes(&device.limits());
        let buffer = |label, usage, mapped_at_creation| {
            device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation })
        };
        use wgpu::BufferUsages as Usage;
        scoped(device, "making staging buffers", || Self {
            upload: buffer("hard_sigmoid upload", Usage::MAP_WRITE | Usage::COPY_SRC, true),
            data: buffer("hard_sigmoid data", Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST, false),
            readback: buffer("hard_sigmoid readback", Usage::MAP_READ | Usage::COPY_DST, false),
        })
    }

    /// Copies `source` to where the GPU can read it.
    pub(crate) fn upload<T: Element>(&self, source: &[T]) -> Result<(), Error> {
        let bytes: &[u8] = bytemuck::cast_slice(source);
        let mapped = bytes.len().next_multiple_of(4) as u64;
        self.upload.get_mapped_range_mut(0..mapped)?.slice(..bytes.len()).copy_from_slice(bytes);
        Ok(())
    }

    /// Has the GPU apply `f` to the first `len` elements uploaded, and asks for the result to be mapped.
    pub(crate) fn dispatch<T: Element>(self, f: HardSigmoid, len: usize, gpu: &Inner) -> Result<Flight, Error> {
        let elements = (&self.data, 0..len as u64);
        let binding = gpu.kernel.bind_in_place::<T>(f, elements)?;
        // Copies are of whole words.
        let bytes = ((len * size_of::<T>()) as u64).next_multiple_of(4);
        let submission = scoped(&gpu.device, "submitting a window", || {
            self.upload.unmap();
            let mut encoder =
                gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("hard_sigmoid") });
            encoder.copy_buffer_to_buffer(&self.upload, 0, &self.data, 0, bytes);
            binding.record(&mut encoder);
            encoder.copy_buffer_to_buffer(&self.data, 0, &self.readback, 0, bytes);
            gpu.queue.submit([encoder.finish()])
        })?;
        let mapped = scoped(&gpu.device, "mapping a window", || {
            [
                map(&self.readback, wgpu::MapMode::Read, bytes),
                map(&self.upload, wgpu::MapMode::Write, self.upload.size()),
            ]
        })?;
        Ok(Flight { slot: self, submission, mapped })
    }
}

impl Flight {
    /// Waits for the GPU and copies its result to `target`. The slot can then be used again.
    pub(crate) async fn readback<T: Element>(
        self,
        target: &mut [T],
        waiting: Waiting<'_>,
        gpu: &Inner,
    ) -> Result<Slot, Error> {
        let Self { slot, submission, mapped } = self;
        waiting.wait(submission, mapped).await?;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(target);
        let mapped = slot.readback.get_mapped_range(0..bytes.len().next_multiple_of(4) as u64)?;
        // As long as asked for, up to whole words.
        let Some(result) = mapped.get(..bytes.len()) else { return Err(Error::Lost) };
        bytes.copy_from_slice(result);
        drop(mapped);
        scoped(&gpu.device, "reusing a staging buffer", || slot.readback.unmap())?;
        Ok(slot)
    }
}

fn map(buffer: &wgpu::Buffer, mode: wgpu::MapMode, bytes: u64) -> Mapped {
    let (sender, receiver) = oneshot_channel();
    buffer.map_async(mode, 0..bytes, move |result| {
        // Nobody listens any more if the call was dropped.
        let _ = sender.send(result);
    });
    receiver
}
