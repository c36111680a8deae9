//! Windows of arrays of JavaScript.

use std::ops::Range;

use super::host::Host;
use super::memory::Memory;
use crate::Element;
use crate::gpu::error::Error;
use crate::job::Work;
use crate::js_arrays::Arrays;

impl<T: Element> Host for Arrays<'_, T> {
    type Element = T;

    fn work(&self) -> Work {
        Work::Apply(self.f)
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn upload(&mut self, window: Range<usize>, memory: &Memory, queue: &wgpu::Queue) -> Result<(), Error> {
        memory.upload_array(&self.source(window)?, queue)
    }

    fn readback(&mut self, window: Range<usize>, memory: &Memory) -> Result<(), Error> {
        memory.read_array(&self.target(window)?)
    }
}
