//! Running a batch.

use hard_sigmoid::{
    Element, Gpu, HardSigmoid, Saturation,
    adapter::{self, AdapterKind},
    cpu,
    engine::ExecutedOn,
    with_type,
};
use js_sys::Error;
use wasm_bindgen::prelude::wasm_bindgen;
use web_time::Instant;

use crate::batch::Batch;
use crate::histogram::Histogram;
use crate::{error, function};

/// Where batches run.
#[wasm_bindgen]
pub struct Runner {
    pub(crate) gpu: Option<Gpu>,
    why: Option<String>,
}

#[wasm_bindgen]
impl Runner {
    pub async fn open() -> Self {
        match Gpu::open(AdapterKind::Any).await {
            Ok(gpu) => Self { gpu: Some(gpu), why: None },
            Err(error) => Self { gpu: None, why: Some(error.to_string()) },
        }
    }

    /// The adapter, or that it is the CPU path.
    #[wasm_bindgen(getter)]
    pub fn described(&self) -> String {
        let name = |gpu: &Gpu| adapter::describe(&gpu.device().adapter_info());
        self.gpu.as_ref().map_or("CPU path".into(), name)
    }

    /// Why there is no GPU.
    #[wasm_bindgen(getter)]
    pub fn why(&self) -> Option<String> {
        self.why.clone()
    }

    #[wasm_bindgen(getter)]
    pub fn is_software(&self) -> bool {
        self.gpu.as_ref().is_some_and(|gpu| adapter::is_software(&gpu.device().adapter_info()))
    }

    #[wasm_bindgen(getter)]
    pub fn has_gpu(&self) -> bool {
        self.gpu.is_some()
    }

    /// Applies the function to a batch. f64 always runs on the CPU path.
    pub async fn apply(&self, batch: &Batch, alpha: f64, beta: f64, on_gpu: bool) -> Result<Outcome, Error> {
        let f = function(alpha, beta)?;
        let gpu = self.gpu.as_ref().filter(|_| on_gpu);
        with_type!(batch.dtype, T => run::<T>(gpu, f, batch, &batch.data()).await)
    }
}

async fn run<T: Element + Into<f64>>(
    gpu: Option<&Gpu>,
    f: HardSigmoid,
    batch: &Batch,
    x: &[T],
) -> Result<Outcome, Error> {
    let mut y = vec![T::zeroed(); x.len()];
    let gpu = gpu.filter(|_| T::ON_GPU);
    if let Some(gpu) = gpu {
        // The first call compiles the shader and creates buffers.
        let len = x.len().min(1 << 20);
        gpu.apply(f, &x[..len], &mut y[..len]).await.map_err(error)?;
    }
    let started = Instant::now();
    let executed_on = match gpu {
        Some(gpu) => {
            gpu.apply(f, x, &mut y).await.map_err(error)?;
            ExecutedOn::Gpu { adapter: Box::new(gpu.device().adapter_info()) }
        }
        None => {
            cpu::apply(f, x, &mut y).map_err(error)?;
            ExecutedOn::Cpu { threads: cpu::threads() }
        }
    };
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    Ok(Outcome {
        milliseconds,
        bytes: 2.0 * size_of_val(x) as f64,
        executed_on: executed_on.to_string(),
        counts: cpu::saturation(f, x),
        before: Histogram::over_all(x),
        after: Histogram::over(0.0, 1.0, &y),
        file: batch.file(y),
    })
}

/// What came of a batch.
#[wasm_bindgen]
pub struct Outcome {
    milliseconds: f64,
    bytes: f64,
    executed_on: String,
    counts: Saturation,
    before: Histogram,
    after: Histogram,
    file: Vec<u8>,
}

#[wasm_bindgen]
impl Outcome {
    #[wasm_bindgen(getter)]
    pub fn milliseconds(&self) -> f64 {
        self.milliseconds
    }

    /// Bytes read and written.
    #[wasm_bindgen(getter)]
    pub fn bytes(&self) -> f64 {
        self.bytes
    }

    #[wasm_bindgen(getter)]
    pub fn executed_on(&self) -> String {
        self.executed_on.clone()
    }

    #[wasm_bindgen(getter)]
    pub fn zero(&self) -> f64 {
        self.counts.zero as f64
    }

    #[wasm_bindgen(getter)]
    pub fn one(&self) -> f64 {
        self.counts.one as f64
    }

    #[wasm_bindgen(getter)]
    pub fn inside(&self) -> f64 {
        self.counts.inside as f64
    }

    #[wasm_bindgen(getter)]
    pub fn nan(&self) -> f64 {
        self.counts.nan as f64
    }

    /// Where the histogram before begins, which ends at `to`.
    #[wasm_bindgen(getter)]
    pub fn from(&self) -> f64 {
        self.before.from
    }

    #[wasm_bindgen(getter)]
    pub fn to(&self) -> f64 {
        self.before.to
    }

    #[wasm_bindgen(getter)]
    pub fn before(&self) -> Vec<u32> {
        self.before.bins.clone()
    }

    #[wasm_bindgen(getter)]
    pub fn after(&self) -> Vec<u32> {
        self.after.bins.clone()
    }

    /// The results as a `.npy` file.
    pub fn file(&self) -> Vec<u8> {
        self.file.clone()
    }
}
