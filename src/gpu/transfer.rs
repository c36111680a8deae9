//! Moving host slices through the GPU: a slot of staging buffers, and what it does with a window.

use std::ops::Range;

use futures_intrusive::channel::shared::oneshot_channel;

use super::Inner;
use super::scope::scoped;
use super::wait::{Mapped, Waiting};
use crate::error::Error;
use crate::{HardSigmoid, LengthMismatch};

/// Elements of a window: 4 MiB, enough to hide what a dispatch costs, and three fit a cache.
const WINDOW: u64 = 1 << 20;

/// The host's side of a call.
pub(crate) enum Host<'a> {
    Across { source: &'a [f32], target: &'a mut [f32] },
    InPlace(&'a mut [f32]),
}

impl<'a> Host<'a> {
    pub(crate) fn across(source: &'a [f32], target: &'a mut [f32]) -> Result<Self, LengthMismatch> {
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

    pub(crate) fn source(&self, window: &Range<usize>) -> &[f32] {
        match self {
            Self::Across { source, .. } => &source[window.clone()],
            Self::InPlace(data) => &data[window.clone()],
        }
    }

    pub(crate) fn target(&mut self, window: &Range<usize>) -> &mut [f32] {
        match self {
            Self::Across { target, .. } => &mut target[window.clone()],
            Self::InPlace(data) => &mut data[window.clone()],
        }
    }
}

/// Cuts `len` elements into windows of a slot's size.
pub(crate) fn windows(len: usize, limits: &wgpu::Limits) -> impl Iterator<Item = Range<usize>> + use<> {
    let window = capacity(limits) as usize;
    (0..len).step_by(window).map(move |start| start..len.min(start + window))
}

/// Elements that a slot holds: whole vectors, so that nothing is done word by word.
fn capacity(limits: &wgpu::Limits) -> u64 {
    WINDOW.min(limits.max_buffer_size / 16 * 4).max(4)
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
        let size = capacity(&device.limits()) * size_of::<f32>() as u64;
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
    pub(crate) fn upload(&self, source: &[f32]) -> Result<(), Error> {
        let bytes: &[u8] = bytemuck::cast_slice(source);
        self.upload.get_mapped_range_mut(0..bytes.len() as u64)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Has the GPU apply `f` to the first `len` elements uploaded, and asks for the result to be mapped.
    pub(crate) fn dispatch(self, f: HardSigmoid, len: usize, gpu: &Inner) -> Result<Flight, Error> {
        let bytes = (len * size_of::<f32>()) as u64;
        let elements = || (&self.data, 0..len as u64);
        let binding = gpu.kernel.bind(f, elements(), elements())?;
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
    pub(crate) async fn readback(self, target: &mut [f32], waiting: Waiting<'_>, gpu: &Inner) -> Result<Slot, Error> {
        let Self { slot, submission, mapped } = self;
        waiting.wait(submission, mapped).await?;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(target);
        bytes.copy_from_slice(&slot.readback.get_mapped_range(0..bytes.len() as u64)?);
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
