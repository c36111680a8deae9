//! Staging: the buffers through which one window of a job goes to the GPU and back.

mod copy;
pub(super) mod host;
#[cfg(target_arch = "wasm32")]
mod js_arrays;
mod memory;

use std::ops::Range;

use super::error::Error;
use super::kernel::{Kernel, binding::Binding};
use super::objects;
use super::scope::scoped;
use super::wait::Mapped;
use crate::job::Work;
use crate::saturation::COUNTER_BYTES;
use crate::{Dtype, Element, Saturation};
use copy::saved_offset;
use host::Host;
use memory::Memory;

/// Bytes of a window: enough to hide what a dispatch costs, while three of them fit a cache.
const WINDOW_BYTES: u64 = 4 << 20;

/// The number of elements in a full window of a job.
pub(super) fn window_len<T: Element>(work: Work, limits: &wgpu::Limits) -> usize {
    let capacity = capacity_bytes(limits);
    let bytes = if work.has_saved() { saved_offset(capacity) } else { capacity };
    bytes as usize / size_of::<T>()
}

/// Bytes that a slot holds besides counters: two halves of whole vectors.
fn capacity_bytes(limits: &wgpu::Limits) -> u64 {
    WINDOW_BYTES.min(limits.max_buffer_size.saturating_sub(COUNTER_BYTES) / 32 * 32).max(32)
}

/// Staging for one window.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) memory: Memory,
    counters: wgpu::Buffer,
    /// The latest binding of these buffers, and what it is for.
    bound: Option<(Bound, Binding)>,
}

/// What a binding of a slot is for: the work, the element type, and the number of elements.
type Bound = (Work, Dtype, usize);

/// A slot that the GPU is working on.
#[derive(Debug)]
pub(super) struct Flight {
    slot: Slot,
    /// What to wait for.
    submission: wgpu::SubmissionIndex,
    mapped: Vec<Mapped>,
}

impl Slot {
    pub(super) fn new(device: &wgpu::Device) -> Result<Self, Error> {
        use wgpu::BufferUsages as Usage;
        let usage = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        scoped(device, "making staging buffers", || Self {
            memory: Memory::new(device, capacity_bytes(&device.limits())),
            counters: objects::buffer(device, "hard_sigmoid counters", COUNTER_BYTES, usage, false),
            bound: None,
        })
    }

    /// Submits the work on the first `len` elements uploaded, and asks for the result to be mapped.
    pub(super) fn dispatch<T: Element>(
        mut self,
        work: Work,
        len: usize,
        kernel: &Kernel,
        queue: &wgpu::Queue,
    ) -> Result<Flight, Error> {
        let (device, memory) = (kernel.device(), &mut self.memory);
        let wanted = (work, T::DTYPE, len);
        let binding = match self.bound.take() {
            Some((bound, binding)) if bound == wanted => binding,
            _ => {
                let len = len as u64;
                let first_saved = saved_offset(memory.capacity()) / size_of::<T>() as u64;
                let saved = (memory.source(), first_saved..first_saved + len);
                let (input, target) = ((memory.source(), ..len), (memory.target(), ..len));
                kernel.bind_work::<T>(work, [saved.into(), input.into(), target.into()], &self.counters)?
            }
        };
        // Copies are of whole words.
        let bytes = ((len * size_of::<T>()) as u64).next_multiple_of(4);
        let capacity = memory.capacity();
        let start = if work.writes() { 0 } else { capacity };
        let result = start..if work.counts() { capacity + COUNTER_BYTES } else { bytes };
        let submission = scoped(device, "submitting a window", || {
            let mut encoder =
                device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("hard_sigmoid") });
            memory.record_upload(&mut encoder, bytes, work.has_saved());
            if work.counts() {
                encoder.clear_buffer(&self.counters, 0, None);
            }
            binding.record(&mut encoder);
            if work.writes() {
                memory.record_readback(&mut encoder, bytes);
            }
            if work.counts() {
                encoder.copy_buffer_to_buffer(&self.counters, 0, &memory.readback, capacity, COUNTER_BYTES);
            }
            queue.submit([encoder.finish()])
        })?;
        let is_full = len == window_len::<T>(work, &device.limits());
        let mapped = scoped(device, "mapping a window", || memory.map(result, is_full))?;
        self.bound = Some((wanted, binding));
        Ok(Flight { slot: self, submission, mapped })
    }
}

impl Flight {
    /// What to wait for before [`readback`](Self::readback): a submission, and mappings.
    pub(super) fn awaited(&mut self) -> (wgpu::SubmissionIndex, Vec<Mapped>) {
        (self.submission.clone(), std::mem::take(&mut self.mapped))
    }

    /// Copies the result to the target of the window. Returns the slot, ready for use again, and what was counted.
    pub(super) fn readback(
        self,
        host: &mut impl Host,
        window: Range<usize>,
        device: &wgpu::Device,
    ) -> Result<(Slot, Saturation), Error> {
        let memory = &self.slot.memory;
        host.readback(window, memory)?;
        let mut counts = [0; COUNTER_BYTES as usize];
        if host.work().counts() {
            memory.read(memory.capacity(), &mut counts)?;
        }
        scoped(device, "reusing a staging buffer", || memory.readback.unmap())?;
        Ok((self.slot, Saturation::from_bytes(counts)))
    }
}
