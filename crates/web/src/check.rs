//! Checking the device.

use hard_sigmoid::validate::{Inputs, Pass, Report, samples, validate, validate_cpu};
use hard_sigmoid::{Dtype, Element, HardSigmoid, with_type};
use js_sys::{Error, Function};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::apply::Runner;
use crate::error;

/// What one check has found.
#[wasm_bindgen(getter_with_clone)]
pub struct Checked {
    pub element: String,
    pub preset: String,
    pub pass: String,
    pub checked: f64,
    pub mismatches: f64,
    pub flushed: f64,
    pub miscounted: f64,
    pub out_of_bound: f64,
    pub max_ulp: u32,
    pub passed: bool,
    /// The first results that are wrong.
    pub first: Vec<String>,
}

#[wasm_bindgen]
impl Runner {
    /// Checks samples of every type, forward and backward. Calls `progress` with the number of steps that are done, the
    /// number of all, and what is checked next.
    pub async fn check(&self, progress: &Function) -> Result<Vec<Checked>, Error> {
        let mut check = Check { runner: self, progress, found: Vec::new() };
        for dtype in gpu_types() {
            with_type!(dtype, T => check.add::<T>().await)?;
        }
        Ok(check.found)
    }
}

struct Check<'a> {
    runner: &'a Runner,
    progress: &'a Function,
    found: Vec<Checked>,
}

impl Check<'_> {
    async fn add<T: Element>(&mut self) -> Result<(), Error> {
        for (preset, f) in HardSigmoid::PRESETS {
            let x = samples::<T>(f);
            for pass in passes(f) {
                self.show(&format!("{} {preset} {pass}", T::DTYPE.numpy_name()))?;
                let report = match &self.runner.gpu {
                    Some(gpu) => validate(gpu, pass, Inputs::Data(&x), |_| {}).await.map_err(error)?,
                    None => validate_cpu(pass, Inputs::Data(&x), |_| {}),
                };
                let Report { checked, mismatches, flushed, miscounted, out_of_bound, max_ulp, first, .. } = report;
                self.found.push(Checked {
                    element: T::DTYPE.numpy_name().into(),
                    preset: preset.into(),
                    pass: pass.to_string(),
                    checked: checked as f64,
                    mismatches: mismatches as f64,
                    flushed: flushed as f64,
                    miscounted: miscounted as f64,
                    out_of_bound: out_of_bound as f64,
                    max_ulp,
                    passed: mismatches + miscounted + out_of_bound == 0,
                    first: first.iter().map(ToString::to_string).collect(),
                });
            }
        }
        self.show("")
    }

    fn show(&self, what: &str) -> Result<(), Error> {
        let functions = HardSigmoid::PRESETS.iter().flat_map(|&(_, f)| passes(f));
        let steps = (functions.count() * gpu_types().count()) as u32;
        let done = self.found.len() as u32;
        let shown = self.progress.call3(&JsValue::NULL, &done.into(), &steps.into(), &what.into());
        shown.map(drop).map_err(|_| error("the page's progress callback failed"))
    }
}

fn gpu_types() -> impl Iterator<Item = Dtype> {
    Dtype::ALL.into_iter().filter(|dtype| dtype.is_on_gpu())
}

fn passes(f: HardSigmoid) -> [Pass; 3] {
    [f.into(), f.backward().into(), f.backward_from_output().into()]
}

/// The version of the crate, for the report.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}
