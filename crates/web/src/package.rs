//! What the JavaScript package calls: arrays of JavaScript, in and out.

use hard_sigmoid::{ArrayError, Backend, Element, Engine, HardSigmoid, with_type};
use js_sys::{Error, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{dtype, error, function, whole};

/// An engine for arrays of JavaScript.
#[wasm_bindgen]
pub struct ArrayEngine {
    engine: Engine,
}

#[wasm_bindgen]
impl ArrayEngine {
    /// Opens `auto`, `gpu` or `cpu`.
    pub async fn open(backend: &str) -> Result<Self, Error> {
        let backend: Backend = backend.parse().map_err(error)?;
        Ok(Self { engine: Engine::open(backend, 0).await.map_err(error)? })
    }

    /// Chooses where to run, for so many elements.
    pub async fn choose(&mut self, elements: f64) -> Result<(), Error> {
        self.engine.choose(whole(elements)?).await;
        Ok(())
    }

    /// Where calls are executed.
    pub fn executed_on(&self) -> String {
        self.engine.executed_on().to_string()
    }

    /// Writes the function of the elements in `source` to `target`.
    ///
    /// JavaScript gives the length of both in bytes. The body runs only after the call, when an array may be gone.
    pub async fn apply(
        &mut self,
        element: &str,
        alpha: f64,
        beta: f64,
        length: u32,
        source: Uint8Array,
        target: Uint8Array,
    ) -> Result<(), Error> {
        let f = function(alpha, beta)?;
        if [&source, &target].iter().any(|array| array.length() != length) {
            return Err(error(ArrayError::Changed));
        }
        with_type!(dtype(element)?, T => self.run::<T>(f, &source, &target).await)
    }

    async fn run<T: Element>(&mut self, f: HardSigmoid, source: &Uint8Array, target: &Uint8Array) -> Result<(), Error> {
        self.engine.apply_arrays::<T>(f, source, target).await.map_err(error)
    }
}
