//! Memory of a slot: mapped buffers, and where these would be slow for the GPU, a buffer of its own.

use std::ops::Range;

use crate::gpu::adapter;
use crate::gpu::error::Error;
use crate::gpu::objects::buffer;
use crate::gpu::slot::copy::copy_upload;
use crate::gpu::wait::{Mapped, map};
use crate::saturation::COUNTER_BYTES;

#[derive(Debug)]
pub(in crate::gpu) struct Memory {
    /// Mapped while nothing is in flight.
    upload: wgpu::Buffer,
    /// What the GPU works on; none where it can work on mapped buffers as fast.
    data: Option<wgpu::Buffer>,
    /// The data, followed by the counters.
    pub(in crate::gpu::slot) readback: wgpu::Buffer,
}

impl Memory {
    pub(in crate::gpu::slot) fn new(device: &wgpu::Device, capacity: u64) -> Self {
        use wgpu::BufferUsages as Usage;
        let shared = adapter::shares_memory(device);
        let storage = if shared { Usage::STORAGE } else { Usage::empty() };
        let (write, read) = (Usage::MAP_WRITE | Usage::COPY_SRC | storage, Usage::MAP_READ | Usage::COPY_DST | storage);
        let on_gpu = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        Self {
            upload: buffer(device, "hard_sigmoid upload", capacity, write, true),
            data: (!shared).then(|| buffer(device, "hard_sigmoid data", capacity, on_gpu, false)),
            readback: buffer(device, "hard_sigmoid readback", capacity + COUNTER_BYTES, read, false),
        }
    }

    pub(in crate::gpu::slot) fn capacity(&self) -> u64 {
        self.upload.size()
    }

    pub(in crate::gpu::slot) fn source(&self) -> &wgpu::Buffer {
        self.data.as_ref().unwrap_or(&self.upload)
    }

    pub(in crate::gpu::slot) fn target(&self) -> &wgpu::Buffer {
        self.data.as_ref().unwrap_or(&self.readback)
    }

    pub(in crate::gpu::slot) fn upload(&self, offset: u64, bytes: &[u8], _: &wgpu::Queue) -> Result<(), Error> {
        let end = offset + bytes.len().next_multiple_of(4) as u64;
        self.upload.get_mapped_range_mut(offset..end)?.slice(..bytes.len()).copy_from_slice(bytes);
        Ok(())
    }

    /// Records what has to be done between [`upload`](Self::upload) and the work, and unmaps the upload buffer.
    pub(in crate::gpu::slot) fn record_upload(&self, encoder: &mut wgpu::CommandEncoder, bytes: u64, has_saved: bool) {
        match &self.data {
            Some(data) => copy_upload(encoder, &self.upload, data, bytes, has_saved),
            None => self.upload.unmap(),
        }
    }

    /// Records what has to be done between the work and [`read`](Self::read).
    pub(in crate::gpu::slot) fn record_readback(&self, encoder: &mut wgpu::CommandEncoder, bytes: u64) {
        if let Some(data) = &self.data {
            encoder.copy_buffer_to_buffer(data, 0, &self.readback, 0, bytes);
        }
    }

    /// Asks for the result to be mapped, and the upload buffer for the next window.
    pub(in crate::gpu::slot) fn map(&mut self, result: Range<u64>, _: bool) -> Vec<Mapped> {
        vec![
            map(&self.readback, wgpu::MapMode::Read, result),
            map(&self.upload, wgpu::MapMode::Write, 0..self.upload.size()),
        ]
    }

    /// Copies from the mapped readback buffer.
    pub(in crate::gpu::slot) fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let mapped = self.readback.get_mapped_range(offset..offset + bytes.len().next_multiple_of(4) as u64)?;
        bytes.copy_from_slice(mapped.get(..bytes.len()).ok_or(Error::Lost)?);
        Ok(())
    }
}
