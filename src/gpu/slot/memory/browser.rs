//! Memory of a slot in a browser. The first windows go through the queue. Mapped memory is faster, but its whole range
//! is copied however little of it is written: it is for full windows, which are followed by others.

use std::ops::Range;

use js_sys::{Reflect, Uint8Array};

use crate::gpu::error::Error;
use crate::gpu::objects::buffer;
use crate::gpu::slot::copy::copy_upload;
use crate::gpu::wait::{Mapped, map};
use crate::saturation::COUNTER_BYTES;

#[derive(Debug)]
pub(in crate::gpu) struct Memory {
    upload: wgpu::Buffer,
    /// Whether the upload buffer is mapped while nothing is in flight.
    is_mapped: bool,
    /// What the GPU works on.
    data: wgpu::Buffer,
    /// The data, followed by the counters.
    pub(in crate::gpu::slot) readback: wgpu::Buffer,
}

impl Memory {
    pub(in crate::gpu::slot) fn new(device: &wgpu::Device, capacity: u64) -> Self {
        use wgpu::BufferUsages as Usage;
        let (write, read) = (Usage::MAP_WRITE | Usage::COPY_SRC, Usage::MAP_READ | Usage::COPY_DST);
        let on_gpu = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        Self {
            // Mapping it now would be a panic of wgpu where memory is short.
            upload: buffer(device, "hard_sigmoid upload", capacity, write, false),
            is_mapped: false,
            data: buffer(device, "hard_sigmoid data", capacity, on_gpu, false),
            readback: buffer(device, "hard_sigmoid readback", capacity + COUNTER_BYTES, read, false),
        }
    }

    pub(in crate::gpu::slot) fn capacity(&self) -> u64 {
        self.data.size()
    }

    pub(in crate::gpu::slot) fn source(&self) -> &wgpu::Buffer {
        &self.data
    }

    pub(in crate::gpu::slot) fn target(&self) -> &wgpu::Buffer {
        &self.data
    }

    pub(in crate::gpu::slot) fn upload(&self, offset: u64, bytes: &[u8], queue: &wgpu::Queue) -> Result<(), Error> {
        if self.is_mapped {
            return self.write_mapped(offset, bytes.len() as u32, |memory| memory.copy_from(bytes));
        }
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

    /// [`upload`](Self::upload) to the start, of an array of JavaScript.
    pub(in crate::gpu::slot) fn upload_array(&self, array: &Uint8Array, queue: &wgpu::Queue) -> Result<(), Error> {
        if self.is_mapped {
            return self.write_mapped(0, array.length(), |memory| memory.set(array, 0));
        }
        let (Some(buffer), Some(raw)) = (self.data.as_webgpu(), queue.as_webgpu()) else { return Err(Error::Lost) };
        let words = array.length() / 4 * 4;
        if let Err(exception) = raw.write_buffer_with_f64_and_u8_array(buffer, 0.0, &array.subarray(0, words)) {
            if Reflect::get(&exception, &"name".into()).is_ok_and(|name| name == "TypeError") {
                // It does not take the memory of an array that can be resized.
                return self.upload(0, &array.to_vec(), queue);
            }
            // What the browser copies to is memory that it may not get.
            let source = wgpu::Error::OutOfMemory { source: format!("{exception:?}").into() };
            return Err(Error::Device { doing: "uploading a window", source });
        }
        self.upload(words.into(), &array.subarray(words, array.length()).to_vec(), queue)
    }

    fn write_mapped(&self, offset: u64, bytes: u32, write: impl FnOnce(Uint8Array)) -> Result<(), Error> {
        // Only a view for reading gives the memory itself; a slice would be copied once more.
        let mapped = self.upload.get_mapped_range(offset..offset + u64::from(bytes.next_multiple_of(4)))?;
        write(mapped.as_uint8array().subarray(0, bytes));
        Ok(())
    }

    /// Records what has to be done between the upload and the work.
    pub(in crate::gpu::slot) fn record_upload(&self, encoder: &mut wgpu::CommandEncoder, bytes: u64, has_saved: bool) {
        if self.is_mapped {
            copy_upload(encoder, &self.upload, &self.data, bytes, has_saved);
        }
    }

    /// Records what has to be done between the work and [`read`](Self::read).
    pub(in crate::gpu::slot) fn record_readback(&self, encoder: &mut wgpu::CommandEncoder, bytes: u64) {
        encoder.copy_buffer_to_buffer(&self.data, 0, &self.readback, 0, bytes);
    }

    /// Asks for the result to be mapped and, after a full window, the upload buffer for the next one.
    pub(in crate::gpu::slot) fn map(&mut self, result: Range<u64>, is_full: bool) -> Vec<Mapped> {
        self.is_mapped = is_full;
        let upload = is_full.then(|| map(&self.upload, wgpu::MapMode::Write, 0..self.capacity()));
        std::iter::once(map(&self.readback, wgpu::MapMode::Read, result)).chain(upload).collect()
    }

    /// Copies from the mapped readback buffer. A slice of it would be a copy already.
    pub(in crate::gpu::slot) fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let mapped = self.readback.get_mapped_range(offset..offset + bytes.len().next_multiple_of(4) as u64)?;
        mapped.as_uint8array().subarray(0, bytes.len() as u32).copy_to(bytes);
        Ok(())
    }

    /// [`read`](Self::read) from the start, to an array of JavaScript.
    pub(in crate::gpu::slot) fn read_array(&self, array: &Uint8Array) -> Result<(), Error> {
        let mapped = self.readback.get_mapped_range(0..u64::from(array.length().next_multiple_of(4)))?;
        array.set(&mapped.as_uint8array().subarray(0, array.length()), 0);
        Ok(())
    }
}
