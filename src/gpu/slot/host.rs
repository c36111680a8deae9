//! Where a call has its elements on the host: in slices or, in a browser, in arrays of JavaScript.

use std::ops::Range;

use super::copy::saved_offset;
use super::memory::Memory;
use crate::Element;
use crate::gpu::error::Error;
use crate::job::{Job, Work};

/// A call, window by window.
pub(in crate::gpu) trait Host {
    type Element: Element;

    fn work(&self) -> Work;

    /// The number of elements.
    fn len(&self) -> usize;

    /// Copies a window to where the GPU can read it.
    fn upload(&mut self, window: Range<usize>, memory: &Memory, queue: &wgpu::Queue) -> Result<(), Error>;

    /// Copies the results of a window from mapped memory, if there are any besides counts.
    fn readback(&mut self, window: Range<usize>, memory: &Memory) -> Result<(), Error>;
}

impl<T: Element> Host for Job<'_, T> {
    type Element = T;

    fn work(&self) -> Work {
        self.work
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn upload(&mut self, window: Range<usize>, memory: &Memory, queue: &wgpu::Queue) -> Result<(), Error> {
        let window = self.part(window);
        memory.upload(0, bytemuck::cast_slice(window.input.unwrap_or(window.target)), queue)?;
        if !window.work.has_saved() {
            return Ok(());
        }
        memory.upload(saved_offset(memory.capacity()), bytemuck::cast_slice(window.saved), queue)
    }

    fn readback(&mut self, window: Range<usize>, memory: &Memory) -> Result<(), Error> {
        if self.work.writes() { memory.read(0, bytemuck::cast_slice_mut(self.part(window).target)) } else { Ok(()) }
    }
}
