//! Moving host slices through the GPU: a slot of staging buffers, and what it does with a window.

use std::ops::Range;

use futures_intrusive::channel::shared::oneshot_channel;

use super::scope::scoped;
use super::wait::{Mapped, Waiting};
use super::{Inner, adapter};
use crate::error::Error;
use crate::{Backward, Element, HardSigmoid, Saturation};

/// Bytes of a window: enough to hide what a dispatch costs, and three fit a cache.
const WINDOW_BYTES: u64 = 4 << 20;

const COUNTER_BYTES: u64 = size_of::<Saturation>() as u64;

/// What is done to host slices.
pub(crate) struct Job<'a, T> {
    pub(crate) work: Work,
    pub(crate) host: Host<'a, T>,
    /// For the backward pass: x or y.
    pub(crate) saved: &'a [T],
}

#[derive(Clone, Copy)]
pub(crate) enum Work {
    Apply(HardSigmoid),
    Count(HardSigmoid),
    ApplyAndCount(HardSigmoid),
    Backward(Backward),
}

/// The data that is worked on: what is uploaded, and where it is read back to.
pub(crate) enum Host<'a, T> {
    Across(&'a [T], &'a mut [T]),
    InPlace(&'a mut [T]),
    /// Nothing is read back.
    Source(&'a [T]),
}

impl<T: Element> Job<'_, T> {
    pub(crate) fn len(&self) -> usize {
        match &self.host {
            Host::Across(source, _) | Host::Source(source) => source.len(),
            Host::InPlace(data) => data.len(),
        }
    }

    fn source(&self, window: &Range<usize>) -> &[T] {
        match &self.host {
            Host::Across(source, _) | Host::Source(source) => &source[window.clone()],
            Host::InPlace(data) => &data[window.clone()],
        }
    }

    fn target(&mut self, window: &Range<usize>) -> &mut [T] {
        match &mut self.host {
            Host::Across(_, data) | Host::InPlace(data) => &mut data[window.clone()],
            Host::Source(_) => &mut [],
        }
    }

    /// Cuts the data into windows of a slot's size.
    pub(crate) fn windows(&self, limits: &wgpu::Limits) -> impl Iterator<Item = Range<usize>> + use<T> {
        let capacity = capacity_bytes(limits);
        let bytes = if let Work::Backward(_) = self.work { capacity / 2 } else { capacity };
        let (len, window) = (self.len(), bytes as usize / size_of::<T>());
        (0..len).step_by(window).map(move |start| start..len.min(start + window))
    }
}

/// Bytes that a slot holds, besides counters: two halves of whole vectors.
fn capacity_bytes(limits: &wgpu::Limits) -> u64 {
    WINDOW_BYTES.min(limits.max_buffer_size.saturating_sub(COUNTER_BYTES) / 32 * 32).max(32)
}

/// Staging for one window. Between calls its upload buffer is mapped.
#[derive(Debug)]
pub(crate) struct Slot {
    upload: wgpu::Buffer,
    /// What the GPU works on; none where it works on mappable memory as well as on its own.
    data: Option<wgpu::Buffer>,
    counters: wgpu::Buffer,
    /// The data, and the counters behind it.
    readback: wgpu::Buffer,
}

/// A slot that the GPU is working on.
#[derive(Debug)]
pub(crate) struct Flight {
    slot: Slot,
    submission: wgpu::SubmissionIndex,
    mapped: [Mapped; 2],
    /// What of the readback buffer is mapped.
    range: Range<u64>,
}

impl Slot {
    pub(crate) fn new(device: &wgpu::Device) -> Result<Self, Error> {
        let capacity = capacity_bytes(&device.limits());
        let buffer = |label, size, usage, mapped_at_creation| {
            device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation })
        };
        use wgpu::BufferUsages as Usage;
        let on_gpu = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        let shared = adapter::shares_memory(device);
        let beside = if shared { Usage::STORAGE } else { Usage::empty() };
        let (write, read) = (Usage::MAP_WRITE | Usage::COPY_SRC | beside, Usage::MAP_READ | Usage::COPY_DST | beside);
        scoped(device, "making staging buffers", || Self {
            upload: buffer("hard_sigmoid upload", capacity, write, true),
            data: (!shared).then(|| buffer("hard_sigmoid data", capacity, on_gpu, false)),
            counters: buffer("hard_sigmoid counters", COUNTER_BYTES, on_gpu, false),
            readback: buffer("hard_sigmoid readback", capacity + COUNTER_BYTES, read, false),
        })
    }

    /// Where the second half of the data begins, for what was saved.
    fn half_bytes(&self) -> u64 {
        self.upload.size() / 2
    }

    /// Copies a window to where the GPU can read it.
    pub(crate) fn upload<T: Element>(&self, job: &Job<'_, T>, window: &Range<usize>) -> Result<(), Error> {
        self.put(0, job.source(window))?;
        match job.work {
            Work::Backward(_) => self.put(self.half_bytes(), &job.saved[window.clone()]),
            Work::Apply(_) | Work::Count(_) | Work::ApplyAndCount(_) => Ok(()),
        }
    }

    fn put<T: Element>(&self, offset: u64, source: &[T]) -> Result<(), Error> {
        let bytes: &[u8] = bytemuck::cast_slice(source);
        let end = offset + bytes.len().next_multiple_of(4) as u64;
        self.upload.get_mapped_range_mut(offset..end)?.slice(..bytes.len()).copy_from_slice(bytes);
        Ok(())
    }

    /// Has the GPU work on the first `len` elements uploaded, and asks for the result to be mapped.
    pub(crate) fn dispatch<T: Element>(self, work: Work, len: usize, gpu: &Inner) -> Result<Flight, Error> {
        let all = 0..len as u64;
        let source = (self.data.as_ref().unwrap_or(&self.upload), all.clone());
        let target = (self.data.as_ref().unwrap_or(&self.readback), all);
        let counters = self.counters.as_entire_buffer_binding();
        let binding = match work {
            Work::Apply(f) => gpu.kernel.bind::<T>(f, source, target)?,
            Work::Count(f) => gpu.kernel.bind_saturation::<T>(f, source, counters)?,
            Work::ApplyAndCount(f) => gpu.kernel.bind_with_saturation::<T>(f, source, target, counters)?,
            Work::Backward(backward) => {
                let half = self.half_bytes() / size_of::<T>() as u64;
                let saved = (source.0, half..half + len as u64);
                gpu.kernel.bind_backward::<T>(backward, saved, source, target)?
            }
        };
        // Copies are of whole words.
        let bytes = ((len * size_of::<T>()) as u64).next_multiple_of(4);
        let capacity = self.upload.size();
        let range = match work {
            Work::Apply(_) | Work::Backward(_) => 0..bytes,
            Work::Count(_) => capacity..capacity + COUNTER_BYTES,
            Work::ApplyAndCount(_) => 0..capacity + COUNTER_BYTES,
        };
        let submission = scoped(&gpu.device, "submitting a window", || {
            self.upload.unmap();
            let mut encoder =
                gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("hard_sigmoid") });
            if let Some(data) = &self.data {
                encoder.copy_buffer_to_buffer(&self.upload, 0, data, 0, bytes);
                if let Work::Backward(_) = work {
                    encoder.copy_buffer_to_buffer(&self.upload, self.half_bytes(), data, self.half_bytes(), bytes);
                }
            }
            if range.end > capacity {
                encoder.clear_buffer(&self.counters, 0, None);
            }
            binding.record(&mut encoder);
            if let (Some(data), 0) = (&self.data, range.start) {
                encoder.copy_buffer_to_buffer(data, 0, &self.readback, 0, bytes);
            }
            if range.end > capacity {
                encoder.copy_buffer_to_buffer(&self.counters, 0, &self.readback, capacity, COUNTER_BYTES);
            }
            gpu.queue.submit([encoder.finish()])
        })?;
        let mapped = scoped(&gpu.device, "mapping a window", || {
            [
                map(&self.readback, wgpu::MapMode::Read, range.clone()),
                map(&self.upload, wgpu::MapMode::Write, 0..self.upload.size()),
            ]
        })?;
        Ok(Flight { slot: self, submission, mapped, range })
    }
}

impl Flight {
    /// Waits for the GPU, and copies its result to where the job has it and its counts to `counts`. The slot can then be
    /// used again.
    pub(crate) async fn readback<T: Element>(
        self,
        job: &mut Job<'_, T>,
        window: &Range<usize>,
        counts: &mut Saturation,
        waiting: Waiting<'_>,
        gpu: &Inner,
    ) -> Result<Slot, Error> {
        let Self { slot, submission, mapped, range } = self;
        waiting.wait(submission, mapped).await?;
        let capacity = slot.upload.size();
        // Each as long as asked for, the data up to whole words.
        if range.start == 0 {
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(job.target(window));
            let mapped = slot.readback.get_mapped_range(0..bytes.len().next_multiple_of(4) as u64)?;
            bytes.copy_from_slice(mapped.get(..bytes.len()).ok_or(Error::Lost)?);
        }
        if range.end > capacity {
            let mapped = slot.readback.get_mapped_range(capacity..range.end)?;
            let window = bytemuck::try_pod_read_unaligned(&mapped).map_err(|_| Error::Lost)?;
            *counts = counts.and(window);
        }
        scoped(&gpu.device, "reusing a staging buffer", || slot.readback.unmap())?;
        Ok(slot)
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
