//! Checking the device, and a report to paste into an issue.

use hard_sigmoid::validate::{Inputs, Pass, Report, samples, validate, validate_cpu};
use hard_sigmoid::{Dtype, Element, HardSigmoid, with_type};
use js_sys::{Error, Function, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::apply::Runner;
use crate::error;

const HEAD: &str = "| type | pass | checked | mismatches | flushed | miscounted | beyond the bound | most ULP |\n\
                    |---|---|---|---|---|---|---|---|\n";

#[wasm_bindgen]
impl Runner {
    /// Checks samples of every type, forward and backward. Calls `progress` with the number of steps that are done, the
    /// number of all, and what is checked next.
    pub async fn check(&self, progress: &Function) -> Result<String, Error> {
        let mut check = Check { runner: self, progress, rows: String::new(), done: 0, wrong: 0 };
        for dtype in gpu_types() {
            with_type!(dtype, T => check.add::<T>().await)?;
        }
        let verdict = if check.wrong == 0 { "no mismatches" } else { "MISMATCHES: please report this" };
        Ok(format!(
            "## {}\n\nhard-sigmoid {}, {}\n\n{HEAD}{}\n{verdict}\n",
            self.described(),
            env!("CARGO_PKG_VERSION"),
            user_agent(),
            check.rows,
        ))
    }
}

struct Check<'a> {
    runner: &'a Runner,
    progress: &'a Function,
    rows: String,
    done: u32,
    wrong: u64,
}

impl Check<'_> {
    async fn add<T: Element>(&mut self) -> Result<(), Error> {
        for (name, f) in HardSigmoid::PRESETS {
            let x = samples::<T>(f);
            for pass in passes(f) {
                self.show(&format!("{} {name} {pass}", T::NAME))?;
                let report = match &self.runner.gpu {
                    Some(gpu) => validate(gpu, pass, Inputs::Data(&x), |_| {}).await.map_err(error)?,
                    None => validate_cpu(pass, Inputs::Data(&x), |_| {}),
                };
                let Report { checked, mismatches, flushed, miscounted, out_of_bound, max_ulp, .. } = report;
                self.wrong += mismatches + miscounted + out_of_bound;
                self.rows.push_str(&format!(
                    "| {} | {name} {pass} | {checked} | {mismatches} | {flushed} | {miscounted} | {out_of_bound} | \
                     {max_ulp} |\n",
                    T::NAME
                ));
                self.done += 1;
            }
        }
        self.show("")
    }

    fn show(&self, what: &str) -> Result<(), Error> {
        let functions = HardSigmoid::PRESETS.iter().flat_map(|&(_, f)| passes(f));
        let steps = (functions.count() * gpu_types().count()) as u32;
        let shown = self.progress.call3(&JsValue::NULL, &self.done.into(), &steps.into(), &what.into());
        shown.map(drop).map_err(|_| error("the page's progress callback failed"))
    }
}

fn gpu_types() -> impl Iterator<Item = Dtype> {
    Dtype::ALL.into_iter().filter(|dtype| dtype.is_on_gpu())
}

fn passes(f: HardSigmoid) -> [Pass; 3] {
    [f.into(), f.backward().into(), f.backward_from_output().into()]
}

fn user_agent() -> String {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into());
    let agent = navigator.and_then(|navigator| Reflect::get(&navigator, &"userAgent".into()));
    agent.ok().and_then(|agent| agent.as_string()).unwrap_or_default()
}
