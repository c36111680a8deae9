//! What the JavaScript package calls: arrays of JavaScript, in and out.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{AUTO_GPU_MIN_ELEMENTS, Backend, Element, Engine, HardSigmoid};
use js_sys::{Error, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{error, function};

/// Bytes that are in WebAssembly's memory at a time, for the CPU path.
const PIECE: usize = 1 << 20;

/// An engine for arrays of JavaScript.
#[wasm_bindgen]
pub struct Arrays {
    engine: Engine,
    /// Whether the CPU path takes over from a GPU.
    falls_back: bool,
}

#[wasm_bindgen]
impl Arrays {
    /// Opens `auto`, `gpu` or `cpu`.
    pub async fn open(backend: &str) -> Result<Arrays, Error> {
        let backend = match backend {
            "auto" => Backend::Auto,
            "gpu" => Backend::Gpu,
            "cpu" => Backend::Cpu,
            other => return Err(error(format!("unknown backend {other:?}: use \"auto\", \"gpu\" or \"cpu\""))),
        };
        let engine = Engine::open(backend, AUTO_GPU_MIN_ELEMENTS).await.map_err(error)?;
        Ok(Self { engine, falls_back: backend == Backend::Auto })
    }

    /// With fewer elements, `auto` is `cpu`.
    pub fn auto_gpu_min_elements() -> f64 {
        AUTO_GPU_MIN_ELEMENTS as f64
    }

    /// Where calls are executed.
    pub fn executed_on(&self) -> String {
        self.engine.executed_on().to_string()
    }

    /// Writes the function of the elements in `source` to `target`. Both are the bytes of equally many elements, fewer
    /// than 2^32 bytes.
    pub async fn apply(
        &mut self,
        element: &str,
        alpha: f64,
        beta: f64,
        source: Uint8Array,
        target: Uint8Array,
    ) -> Result<(), Error> {
        let f = function(alpha, beta)?;
        match element {
            "float32" => self.run::<f32>(f, &source, &target).await,
            "float16" => self.run::<f16>(f, &source, &target).await,
            "bfloat16" => self.run::<bf16>(f, &source, &target).await,
            "float64" => self.run::<f64>(f, &source, &target).await,
            other => {
                Err(error(format!("unknown type {other:?}: use \"float32\", \"float16\", \"bfloat16\" or \"float64\"")))
            }
        }
    }

    async fn run<T: Element>(&mut self, f: HardSigmoid, source: &Uint8Array, target: &Uint8Array) -> Result<(), Error> {
        let (len, size) = (source.length(), size_of::<T>());
        let mut start = match self.engine.gpu().filter(|_| T::ON_GPU || !self.falls_back) {
            None => 0,
            Some(gpu) => match gpu.apply_arrays::<T>(f, source, target).await {
                Ok(()) => return Ok(()),
                // The engine finds out, too.
                Err(hard_sigmoid::Error::Interrupted { finished, cause })
                    if self.falls_back && !matches!(*cause, hard_sigmoid::Error::ArrayChanged) =>
                {
                    (finished * size) as u32
                }
                Err(failed) => return Err(error(failed)),
            },
        };
        let mut data = vec![T::zeroed(); PIECE.min(len as usize) / size];
        while start < len {
            let end = start + (len - start).min(PIECE as u32);
            let piece = &mut data[..(end - start) as usize / size];
            source.subarray(start, end).copy_to(bytemuck::cast_slice_mut(piece));
            self.engine.apply_in_place(f, piece).await.map_err(error)?;
            // JavaScript has run meanwhile.
            if [source, target].iter().any(|array| array.length() != len) {
                return Err(error(hard_sigmoid::Error::ArrayChanged));
            }
            target.subarray(start, end).copy_from(bytemuck::cast_slice(piece));
            start = end;
        }
        Ok(())
    }
}
