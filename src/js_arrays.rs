//! Elements in the memory of JavaScript.

use std::marker::PhantomData;
use std::ops::Range;

use js_sys::{Reflect, Uint8Array};

use crate::error::{ArrayError, BufferRole, LengthMismatch};
use crate::gpu::error::Error;
use crate::{Element, HardSigmoid};

/// The function of the elements in one array, to another one or the same.
#[derive(Debug)]
pub(crate) struct Arrays<'a, T> {
    pub(crate) f: HardSigmoid,
    source: &'a Uint8Array,
    target: &'a Uint8Array,
    /// Of each array, in bytes.
    bytes: u32,
    element: PhantomData<T>,
}

impl<'a, T: Element> Arrays<'a, T> {
    pub(crate) fn new(f: HardSigmoid, source: &'a Uint8Array, target: &'a Uint8Array) -> Result<Self, Error> {
        if [source, target].into_iter().any(|array| length(array) > f64::from(u32::MAX)) {
            return Err(ArrayError::TooLong.into());
        }
        for bytes in [source.length(), target.length()] {
            if !bytes.is_multiple_of(size_of::<T>() as u32) {
                return Err(ArrayError::PartOfElement { bytes, element: T::NAME }.into());
            }
        }
        let bytes = source.length();
        if bytes != target.length() {
            let [source_len, target_len] = [bytes, target.length()].map(|bytes| bytes as usize / size_of::<T>());
            return Err(LengthMismatch { role: BufferRole::Source, source_len, target_len }.into());
        }
        let apart = (number(source, "byteOffset") - number(target, "byteOffset")).abs();
        if source.buffer() == target.buffer() && apart != 0.0 && apart < f64::from(bytes) {
            return Err(ArrayError::Overlap.into());
        }
        Ok(Self { f, source, target, bytes, element: PhantomData })
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.bytes as usize / size_of::<T>()
    }

    pub(crate) fn source(&self, window: Range<usize>) -> Result<Uint8Array, ArrayError> {
        self.part(self.source, window)
    }

    pub(crate) fn target(&self, window: Range<usize>) -> Result<Uint8Array, ArrayError> {
        self.part(self.target, window)
    }

    /// A window of an array. JavaScript may have run since the call began.
    fn part(&self, array: &Uint8Array, window: Range<usize>) -> Result<Uint8Array, ArrayError> {
        if length(array) != f64::from(self.bytes) {
            return Err(ArrayError::Changed);
        }
        let size = size_of::<T>() as u32;
        Ok(array.subarray(window.start as u32 * size, window.end as u32 * size))
    }
}

/// `Uint8Array::length` is the low 32 bits of it.
fn length(array: &Uint8Array) -> f64 {
    number(array, "length")
}

fn number(array: &Uint8Array, property: &str) -> f64 {
    Reflect::get(array, &property.into()).ok().and_then(|value| value.as_f64()).unwrap_or(f64::NAN)
}
