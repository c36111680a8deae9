//! The CPU path for arrays of JavaScript, of which a piece at a time is in the memory of WebAssembly.

use hard_sigmoid::{Backward, Dtype, Element, HardSigmoid, cpu, with_type};
use js_sys::Error;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{dtype, error, function};

/// The size of an area: a whole number of elements of every type. Both are in the cache of a core while they are
/// computed.
const BYTES: usize = 1 << 17;

/// Two areas of memory, to which JavaScript writes elements, and from which it reads results.
#[wasm_bindgen]
pub struct Stage {
    /// What the forward pass saved.
    saved: Vec<u64>,
    /// Inputs or gradients, which the results replace.
    data: Vec<u64>,
}

#[wasm_bindgen]
impl Stage {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        let area = vec![0; BYTES / size_of::<u64>()];
        Self { saved: area.clone(), data: area }
    }

    /// The size of each area in bytes.
    pub fn bytes() -> usize {
        BYTES
    }

    /// Where `saved` begins in memory.
    pub fn saved(&self) -> usize {
        self.saved.as_ptr().addr()
    }

    /// Where `data` begins in memory.
    pub fn data(&self) -> usize {
        self.data.as_ptr().addr()
    }
}

/// Computes the first bytes of the areas.
#[wasm_bindgen]
pub struct Work {
    f: HardSigmoid,
    dtype: Dtype,
}

#[wasm_bindgen]
impl Work {
    #[wasm_bindgen(constructor)]
    pub fn new(element: &str, alpha: f64, beta: f64) -> Result<Self, Error> {
        Ok(Self { f: function(alpha, beta)?, dtype: dtype(element)? })
    }

    pub fn forward(&self, stage: &mut Stage, bytes: usize) {
        with_type!(self.dtype, T => cpu::apply_in_place::<T>(self.f, first_mut(&mut stage.data, bytes)));
    }

    pub fn backward(&self, stage: &mut Stage, bytes: usize, from_output: bool) -> Result<(), Error> {
        let backward: Backward = if from_output { self.f.backward_from_output() } else { self.f.backward() };
        let Stage { saved, data } = stage;
        with_type!(self.dtype, T => {
            cpu::backward_in_place::<T>(backward, first(saved, bytes), first_mut(data, bytes)).map_err(error)
        })
    }

    /// How many results for `data` are 0, 1, between them, and NaN.
    pub fn count(&self, stage: &Stage, bytes: usize) -> Vec<f64> {
        let counts = with_type!(self.dtype, T => cpu::saturation::<T>(self.f, first(&stage.data, bytes)));
        [counts.zero, counts.one, counts.inside, counts.nan].map(|count| count as f64).to_vec()
    }
}

fn first<T: Element>(area: &[u64], bytes: usize) -> &[T] {
    &bytemuck::cast_slice(area)[..bytes / size_of::<T>()]
}

fn first_mut<T: Element>(area: &mut [u64], bytes: usize) -> &mut [T] {
    &mut bytemuck::cast_slice_mut(area)[..bytes / size_of::<T>()]
}
