//! The judge of other implementations.

use std::borrow::Cow;

use hard_sigmoid::validate::{Judgement, Pass, Tolerance, judge, judge_inputs};
use hard_sigmoid::{Dtype, Element, with_type};
use js_sys::{Array, Error};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{dtype, fields, function};

/// What is to be computed, how well, and of what.
#[wasm_bindgen]
pub struct Judge {
    pass: Pass,
    tolerance: Tolerance,
    dtype: Dtype,
    x: Vec<u8>,
    grad_y: Vec<u8>,
}

#[wasm_bindgen]
impl Judge {
    /// `from` says what a backward pass is given: `input` or `output`. The tolerance is in ULP, absolute, or none.
    #[wasm_bindgen(constructor)]
    pub fn new(
        element: &str,
        alpha: f64,
        beta: f64,
        from: Option<String>,
        ulp: Option<u32>,
        atol: Option<f64>,
    ) -> Result<Self, Error> {
        let f = function(alpha, beta)?;
        let pass = match from.as_deref() {
            None => f.into(),
            Some("output") => f.backward_from_output().into(),
            Some(_) => f.backward().into(),
        };
        let tolerance = match (ulp, atol) {
            (Some(ulp), _) => Tolerance::Ulps(ulp),
            (None, Some(atol)) => Tolerance::Absolute(atol),
            (None, None) => Tolerance::Bits,
        };
        let dtype = dtype(element)?;
        let (x, grad_y) = with_type!(dtype, T => {
            let (x, grad_y) = judge_inputs::<T>(pass);
            (bytemuck::cast_slice(&x).to_vec(), bytemuck::cast_slice(&grad_y).to_vec())
        });
        Ok(Self { pass, tolerance, dtype, x, grad_y })
    }

    /// The bytes of x, or of what the forward pass saved.
    pub fn x(&self) -> Vec<u8> {
        self.x.clone()
    }

    /// The bytes of the gradients with respect to y, which are none in the forward pass.
    pub fn grad_y(&self) -> Vec<u8> {
        self.grad_y.clone()
    }

    /// Judges the bytes of the results.
    pub fn judge(&self, results: &[u8]) -> Result<JsValue, Error> {
        with_type!(self.dtype, T => {
            let [x, grad_y, results] = [&self.x[..], &self.grad_y, results].map(elements::<T>);
            object(&judge(self.pass, self.tolerance, &x, &grad_y, &results))
        })
    }
}

fn elements<T: Element>(bytes: &[u8]) -> Cow<'_, [T]> {
    match bytemuck::try_cast_slice(bytes) {
        Ok(elements) => elements.into(),
        // The bytes lie where no element could.
        Err(_) => bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect(),
    }
}

fn object<T: Element>(judgement: &Judgement<T>) -> Result<JsValue, Error> {
    let findings = judgement.findings.iter().map(|finding| {
        fields([
            ("kind", finding.kind.name().into()),
            ("count", (finding.count as f64).into()),
            ("fails", finding.fails.into()),
            ("text", finding.to_string().into()),
            ("examples", texts(&finding.examples).into()),
        ])
    });
    fields([
        ("ok", judgement.is_ok().into()),
        ("checked", (judgement.checked as f64).into()),
        ("maxUlp", judgement.max_ulp.into()),
        ("maxAbsError", judgement.max_abs_error.into()),
        ("findings", findings.collect::<Result<Array, _>>()?.into()),
        ("causes", texts(&judgement.causes).into()),
        ("text", judgement.to_string().into()),
    ])
}

fn texts(items: &[impl ToString]) -> Array {
    items.iter().map(|item| JsValue::from(item.to_string())).collect()
}
