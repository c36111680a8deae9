//! Elements in the memory of JavaScript.

use std::marker::PhantomData;
use std::ops::Range;

use js_sys::Uint8Array;

use super::host::Host;
use super::memory::Memory;
use crate::error::{BufferRole, LengthMismatch};
use crate::gpu::error::Error;
use crate::job::Work;
use crate::{Element, HardSigmoid};

/// The function of the elements in one array, to another one or the same.
pub(in crate::gpu) struct Arrays<'a, T> {
    f: HardSigmoid,
    source: &'a Uint8Array,
    target: &'a Uint8Array,
    /// Of each array, in bytes.
    bytes: u32,
    element: PhantomData<T>,
}

impl<'a, T: Element> Arrays<'a, T> {
    pub(in crate::gpu) fn new(f: HardSigmoid, source: &'a Uint8Array, target: &'a Uint8Array) -> Result<Self, Error> {
        let (bytes, size) = (source.length(), size_of::<T>() as u32);
        if bytes != target.length() {
            let [source_len, target_len] = [source, target].map(|array| (array.length() / size) as usize);
            return Err(LengthMismatch { role: BufferRole::Source, source_len, target_len }.into());
        }
        if !bytes.is_multiple_of(size) {
            return Err(Error::PartOfElement { bytes, element: T::NAME });
        }
        Ok(Self { f, source, target, bytes, element: PhantomData })
    }

    /// A window of an array. JavaScript may have run since the call began.
    fn part(&self, array: &Uint8Array, window: Range<usize>) -> Result<Uint8Array, Error> {
        if array.length() != self.bytes {
            return Err(Error::ArrayChanged);
        }
        let size = size_of::<T>() as u32;
        Ok(array.subarray(window.start as u32 * size, window.end as u32 * size))
    }
}

impl<T: Element> Host for Arrays<'_, T> {
    type Element = T;

    fn work(&self) -> Work {
        Work::Apply(self.f)
    }

    fn len(&self) -> usize {
        self.bytes as usize / size_of::<T>()
    }

    fn upload(&mut self, window: Range<usize>, memory: &Memory, queue: &wgpu::Queue) -> Result<(), Error> {
        memory.upload_array(&self.part(self.source, window)?, queue)
    }

    fn readback(&mut self, window: Range<usize>, memory: &Memory) -> Result<(), Error> {
        memory.read_array(&self.part(self.target, window)?)
    }
}
