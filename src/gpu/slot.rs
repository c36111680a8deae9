//! Staging: the buffers through which one window of a job goes to the GPU and back.

use std::ops::Range;

use futures_intrusive::channel::shared::oneshot_channel;

use super::adapter;
use super::error::Error;
use super::kernel::{Kernel, binding::Binding};
use super::objects::{self, scoped};
use super::wait::{Mapped, PollMode};
use crate::job::{Job, Work};
use crate::{Element, Saturation};

/// Bytes of a window: enough to hide what a dispatch costs, while three of them fit a cache.
const WINDOW_BYTES: u64 = 4 << 20;

const COUNTER_BYTES: u64 = size_of::<Saturation>() as u64;

/// The number of elements in a full window of a job.
pub(super) fn window_len<T: Element>(work: Work, limits: &wgpu::Limits) -> usize {
    let capacity = capacity_bytes(limits);
    let bytes = if work.has_saved() { capacity / 2 } else { capacity };
    bytes as usize / size_of::<T>()
}

/// Bytes that a slot holds besides counters: two halves of whole vectors.
fn capacity_bytes(limits: &wgpu::Limits) -> u64 {
    WINDOW_BYTES.min(limits.max_buffer_size.saturating_sub(COUNTER_BYTES) / 32 * 32).max(32)
}

/// Staging for one window. Its upload buffer is mapped while nothing is in flight.
#[derive(Debug)]
pub(super) struct Slot {
    upload: wgpu::Buffer,
    /// What the GPU works on; none where it can work on mapped buffers as fast.
    data: Option<wgpu::Buffer>,
    counters: wgpu::Buffer,
    /// The data, followed by the counters.
    readback: wgpu::Buffer,
    /// The latest binding of these buffers, and what it is for.
    bound: Option<(Bound, Binding)>,
}

/// What a binding of a slot is for: the work, the element type, and the number of elements.
type Bound = (Work, &'static str, usize);

/// A slot that the GPU is working on.
#[derive(Debug)]
pub(super) struct Flight {
    slot: Slot,
    submission: wgpu::SubmissionIndex,
    mapped: [Mapped; 2],
}

impl Slot {
    pub(super) fn new(device: &wgpu::Device) -> Result<Self, Error> {
        let capacity = capacity_bytes(&device.limits());
        let buffer = |label, size, usage, mapped| objects::buffer(device, label, size, usage, mapped);
        use wgpu::BufferUsages as Usage;
        let on_gpu = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        let shared = adapter::shares_memory(device);
        let storage = if shared { Usage::STORAGE } else { Usage::empty() };
        let (write, read) = (Usage::MAP_WRITE | Usage::COPY_SRC | storage, Usage::MAP_READ | Usage::COPY_DST | storage);
        scoped(device, "making staging buffers", || Self {
            upload: buffer("hard_sigmoid upload", capacity, write, true),
            data: (!shared).then(|| buffer("hard_sigmoid data", capacity, on_gpu, false)),
            counters: buffer("hard_sigmoid counters", COUNTER_BYTES, on_gpu, false),
            readback: buffer("hard_sigmoid readback", capacity + COUNTER_BYTES, read, false),
            bound: None,
        })
    }

    /// Where the second half of the data begins, which holds what was saved for the backward pass.
    fn half_bytes(&self) -> u64 {
        self.upload.size() / 2
    }

    /// Copies a window of a job to where the GPU can read it.
    pub(super) fn upload<T: Element>(&self, window: &Job<'_, T>) -> Result<(), Error> {
        self.put(0, window.source.unwrap_or(window.target))?;
        if window.saved.is_empty() { Ok(()) } else { self.put(self.half_bytes(), window.saved) }
    }

    fn put<T: Element>(&self, offset: u64, data: &[T]) -> Result<(), Error> {
        let bytes: &[u8] = bytemuck::cast_slice(data);
        let end = offset + bytes.len().next_multiple_of(4) as u64;
        self.upload.get_mapped_range_mut(offset..end)?.slice(..bytes.len()).copy_from_slice(bytes);
        Ok(())
    }

    /// Submits the work on the first `len` elements uploaded, and asks for the result to be mapped.
    pub(super) fn dispatch<T: Element>(
        mut self,
        work: Work,
        len: usize,
        kernel: &Kernel,
        queue: &wgpu::Queue,
    ) -> Result<Flight, Error> {
        let device = kernel.device();
        let wanted = (work, T::NAME, len);
        let binding = match self.bound.take() {
            Some((bound, binding)) if bound == wanted => binding,
            _ => {
                let data = |own| self.data.as_ref().unwrap_or(own);
                kernel.bind_work::<T>(work, len as u64, data(&self.upload), data(&self.readback), &self.counters)?
            }
        };
        // Copies are of whole words.
        let bytes = ((len * size_of::<T>()) as u64).next_multiple_of(4);
        let capacity = self.upload.size();
        let start = if work.writes() { 0 } else { capacity };
        let range = start..if work.counts() { capacity + COUNTER_BYTES } else { bytes };
        let submission = scoped(device, "submitting a window", || {
            self.upload.unmap();
            let mut encoder =
                device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("hard_sigmoid") });
            if let Some(data) = &self.data {
                encoder.copy_buffer_to_buffer(&self.upload, 0, data, 0, bytes);
                if work.has_saved() {
                    encoder.copy_buffer_to_buffer(&self.upload, self.half_bytes(), data, self.half_bytes(), bytes);
                }
            }
            if work.counts() {
                encoder.clear_buffer(&self.counters, 0, None);
            }
            binding.record(&mut encoder);
            if let Some(data) = self.data.as_ref().filter(|_| work.writes()) {
                encoder.copy_buffer_to_buffer(data, 0, &self.readback, 0, bytes);
            }
            if work.counts() {
                encoder.copy_buffer_to_buffer(&self.counters, 0, &self.readback, capacity, COUNTER_BYTES);
            }
            queue.submit([encoder.finish()])
        })?;
        let mapped = scoped(device, "mapping a window", || {
            [
                map(&self.readback, wgpu::MapMode::Read, range),
                map(&self.upload, wgpu::MapMode::Write, 0..self.upload.size()),
            ]
        })?;
        self.bound = Some((wanted, binding));
        Ok(Flight { slot: self, submission, mapped })
    }
}

impl Flight {
    /// Waits for the GPU, and copies its result to the target of the window. Returns the slot, ready for use again,
    /// and what was counted.
    pub(super) async fn readback<T: Element>(
        self,
        window: Job<'_, T>,
        poll_mode: PollMode<'_>,
        device: &wgpu::Device,
    ) -> Result<(Slot, Saturation), Error> {
        let (Self { slot, submission, mapped }, work) = (self, window.work);
        poll_mode.wait(submission, mapped).await?;
        let capacity = slot.upload.size();
        if work.writes() {
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(window.target);
            let mapped = slot.readback.get_mapped_range(0..bytes.len().next_multiple_of(4) as u64)?;
            bytes.copy_from_slice(mapped.get(..bytes.len()).ok_or(Error::Lost)?);
        }
        let mut counts = Saturation::default();
        if work.counts() {
            let mapped = slot.readback.get_mapped_range(capacity..capacity + COUNTER_BYTES)?;
            counts = Saturation::from_bytes(*mapped.first_chunk().ok_or(Error::Lost)?);
        }
        scoped(device, "reusing a staging buffer", || slot.readback.unmap())?;
        Ok((slot, counts))
    }
}

fn map(buffer: &wgpu::Buffer, mode: wgpu::MapMode, range: Range<u64>) -> Mapped {
    let (sender, receiver) = oneshot_channel();
    buffer.map_async(mode, range, move |result| {
        // Nobody listens any more if the call was dropped.
        let _ = sender.send(result);
    });
    receiver
}
