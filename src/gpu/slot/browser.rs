//! Memory of a slot in a browser. It copies what is uploaded in any case: the queue writes, and only the result is
//! mapped.

use std::ops::Range;

use super::{COUNTER_BYTES, map};
use crate::gpu::error::Error;
use crate::gpu::objects::buffer;
use crate::gpu::wait::Mapped;

#[derive(Debug)]
pub(super) struct Memory {
    /// What the GPU works on.
    data: wgpu::Buffer,
    /// The data, followed by the counters.
    pub(super) readback: wgpu::Buffer,
}

impl Memory {
    pub(super) fn new(device: &wgpu::Device, capacity: u64) -> Self {
        use wgpu::BufferUsages as Usage;
        let (on_gpu, read) = (Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST, Usage::MAP_READ | Usage::COPY_DST);
        Self {
            data: buffer(device, "hard_sigmoid data", capacity, on_gpu, false),
            readback: buffer(device, "hard_sigmoid readback", capacity + COUNTER_BYTES, read, false),
        }
    }

    pub(super) fn capacity(&self) -> u64 {
        self.data.size()
    }

    pub(super) fn source(&self) -> &wgpu::Buffer {
        &self.data
    }

    pub(super) fn target(&self) -> &wgpu::Buffer {
        &self.data
    }

    pub(super) fn upload(&self, offset: u64, bytes: &[u8], queue: &wgpu::Queue) -> Result<(), Error> {
        let (words, rest) = bytes.split_at(bytes.len() / 4 * 4);
        queue.write_buffer(&self.data, offset, words);
        if !rest.is_empty() {
            // The queue writes whole words.
            let mut last = [0; 4];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            queue.write_buffer(&self.data, offset + words.len() as u64, &last);
        }
        Ok(())
    }

    /// The queue has uploaded the data.
    pub(super) fn record_upload(&self, _: &mut wgpu::CommandEncoder, _: u64, _: bool) {}

    /// Records what has to be done between the work and [`read`].
    pub(super) fn record_readback(&self, encoder: &mut wgpu::CommandEncoder, bytes: u64) {
        encoder.copy_buffer_to_buffer(&self.data, 0, &self.readback, 0, bytes);
    }

    /// Asks for the result to be mapped.
    pub(super) fn map(&self, result: Range<u64>) -> Vec<Mapped> {
        vec![map(&self.readback, wgpu::MapMode::Read, result)]
    }
}

/// Copies from a mapped buffer. A slice of it would be a copy already.
pub(super) fn read(buffer: &wgpu::Buffer, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
    let mapped = buffer.get_mapped_range(offset..offset + bytes.len().next_multiple_of(4) as u64)?;
    mapped.as_uint8array().subarray(0, bytes.len() as u32).copy_to(bytes);
    Ok(())
}
