//! Running a batch.

use bytemuck::Pod;
use hard_sigmoid::{
    Dtype, Element, Gpu, HardSigmoid, Saturation,
    adapter::{self, AdapterKind},
    cpu,
    engine::ExecutedOn,
    with_type,
};
use hard_sigmoid_files::{Data, Input, Layout, Section};
use js_sys::{Error, Function};
use wasm_bindgen::prelude::wasm_bindgen;
use web_time::Instant;

use crate::batch::{Batch, selection};
use crate::histogram::{Histogram, Range};
use crate::output::Output;
use crate::{error, function};

/// How many elements are computed at once.
const ELEMENTS: u64 = 1 << 22;

/// Where batches run.
#[wasm_bindgen]
pub struct Runner {
    pub(crate) gpu: Option<Gpu>,
    why: Option<String>,
    name: String,
}

#[wasm_bindgen]
impl Runner {
    /// `name` is what the browser calls its adapter, which wgpu does not pass on.
    pub async fn open(name: String) -> Self {
        match Gpu::open(AdapterKind::Any).await {
            Ok(gpu) => Self { gpu: Some(gpu), why: None, name },
            Err(error) => Self { gpu: None, why: Some(error.to_string()), name: "CPU path".into() },
        }
    }

    /// The adapter, or that it is the CPU path.
    #[wasm_bindgen(getter)]
    pub fn described(&self) -> String {
        self.name.clone()
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

    /// Applies the function to a batch. f64 always runs on the CPU path. `write` takes the bytes of the result as they
    /// come: a `Uint8Array`, and where it belongs, which is at the end or over what is there.
    pub async fn apply(
        &self,
        batch: Batch,
        alpha: f64,
        beta: f64,
        on_gpu: bool,
        write: Function,
    ) -> Result<Outcome, Error> {
        let f = function(alpha, beta)?;
        let (mut input, header) = batch.open()?;
        let layout = input.layout(&header, &selection(&header)).map_err(error)?;
        let before = histogram(&mut input, &layout)?;
        // From the start again.
        let (mut input, _) = batch.open()?;
        let output = Output::start(batch.name, write, &mut input, &layout)?;
        let gpu = self.gpu.as_ref().filter(|_| on_gpu);
        let after = Histogram::new(0.0, 1.0);
        let counts = Saturation::default();
        let mut work = Work { f, gpu, warm: Vec::new(), output, milliseconds: 0.0, counts, before, after };
        work.sections(&mut input, &layout).await?;
        let Work { output, milliseconds, counts, before, after, .. } = work;
        output.finish()?;
        let is_on_gpu = |section: &Section<'_>| section.dtype.is_some_and(Dtype::is_on_gpu);
        let used = gpu.filter(|_| layout.computed().any(is_on_gpu));
        let executed_on = match used {
            Some(_) => self.name.clone(),
            None => ExecutedOn::Cpu { threads: cpu::threads() }.to_string(),
        };
        Ok(Outcome {
            executed_on,
            with_f64_on_cpu: used.is_some() && !layout.computed().all(is_on_gpu),
            milliseconds,
            // Of the elements: read, and written.
            bytes: 2.0 * layout.computed().map(|section| section.bytes).sum::<u64>() as f64,
            zero: counts.zero as f64,
            one: counts.one as f64,
            inside: counts.inside as f64,
            nan: counts.nan as f64,
            from: before.from,
            to: before.to,
            before: before.bins,
            after: after.bins,
        })
    }
}

/// An empty histogram over the range of what is computed.
fn histogram(input: &mut Input, layout: &Layout<'_>) -> Result<Histogram, Error> {
    let (mut range, mut next) = (Range::EMPTY, 0);
    while let Some((dtype, section, mut data)) = input.next_computed(layout, &mut next).map_err(error)? {
        let mut pieces = Pieces { section, data: &mut data, left: section.bytes };
        with_type!(dtype, T => {
            let mut x: Vec<T> = Vec::new();
            while pieces.next(&mut x)? {
                range.add(&x);
            }
        });
        data.finish().map_err(error)?;
    }
    Ok(range.histogram())
}

/// A section, a piece at a time.
struct Pieces<'a, 'd> {
    section: &'a Section<'a>,
    data: &'a mut Data<'d>,
    /// How many bytes are left.
    left: u64,
}

impl Pieces<'_, '_> {
    /// Reads the next piece. Returns false at the end.
    fn next<T: Pod>(&mut self, piece: &mut Vec<T>) -> Result<bool, Error> {
        let len = (self.left / size_of::<T>() as u64).min(ELEMENTS);
        piece.resize(len as usize, T::zeroed());
        self.data.read(self.section, piece).map_err(error)?;
        self.left -= len * size_of::<T>() as u64;
        Ok(len > 0)
    }

    fn failure(&self, cause: hard_sigmoid::Error) -> Error {
        error(self.data.failure(cause))
    }
}

/// The work on a file.
struct Work<'a> {
    f: HardSigmoid,
    gpu: Option<&'a Gpu>,
    /// The types that the GPU has computed.
    warm: Vec<Dtype>,
    output: Output,
    milliseconds: f64,
    counts: Saturation,
    before: Histogram,
    after: Histogram,
}

impl Work<'_> {
    async fn sections(&mut self, input: &mut Input, layout: &Layout<'_>) -> Result<(), Error> {
        for (i, section) in layout.sections.iter().enumerate() {
            if !self.output.begin(input, layout, i)? {
                continue;
            }
            let mut data = input.data(i, section).map_err(error)?;
            let pieces = Pieces { section, data: &mut data, left: section.bytes };
            match section.dtype {
                Some(dtype) => with_type!(dtype, T => self.compute::<T>(pieces).await)?,
                None => self.copy(pieces)?,
            }
            data.finish().map_err(error)?;
        }
        Ok(())
    }

    async fn compute<T: Element + Into<f64>>(&mut self, mut pieces: Pieces<'_, '_>) -> Result<(), Error> {
        let mut x: Vec<T> = Vec::new();
        while pieces.next(&mut x)? {
            self.counts += cpu::saturation(self.f, &x);
            self.before.add(&x);
            let gpu = self.gpu.filter(|_| T::ON_GPU);
            if let Some(gpu) = gpu.filter(|_| !self.warm.contains(&T::DTYPE)) {
                // The first call compiles the shader and creates buffers.
                let mut some = x[..x.len().min(1 << 20)].to_vec();
                gpu.apply_in_place(self.f, &mut some).await.map_err(|cause| pieces.failure(cause))?;
                self.warm.push(T::DTYPE);
            }
            let started = Instant::now();
            match gpu {
                Some(gpu) => gpu.apply_in_place(self.f, &mut x).await.map_err(|cause| pieces.failure(cause))?,
                None => cpu::apply_in_place(self.f, &mut x),
            }
            self.milliseconds += started.elapsed().as_secs_f64() * 1e3;
            self.after.add(&x);
            self.output.write(pieces.section.bytes_of(&mut x))?;
        }
        Ok(())
    }

    fn copy(&mut self, mut pieces: Pieces<'_, '_>) -> Result<(), Error> {
        let mut bytes: Vec<u8> = Vec::new();
        while pieces.next(&mut bytes)? {
            self.output.write(&bytes)?;
        }
        Ok(())
    }
}

/// What came of a batch.
#[wasm_bindgen(inspectable, getter_with_clone)]
pub struct Outcome {
    pub executed_on: String,
    /// Whether a GPU left f64 to the CPU path.
    pub with_f64_on_cpu: bool,
    pub milliseconds: f64,
    /// Bytes of elements, read and written.
    pub bytes: f64,
    pub zero: f64,
    pub one: f64,
    pub inside: f64,
    pub nan: f64,
    /// The range of the histogram before.
    pub from: f64,
    pub to: f64,
    pub before: Vec<f64>,
    pub after: Vec<f64>,
}
