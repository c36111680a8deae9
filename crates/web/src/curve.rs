//! Points of curves, as f64.

use hard_sigmoid::HardSigmoid;
use js_sys::Error;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{error, function};

/// α or β as it is typed.
#[wasm_bindgen]
pub fn parameter(text: &str) -> Result<f64, Error> {
    HardSigmoid::parse_parameter(text).map_err(error)
}

/// `n` values of `f` from `from` to `to`.
fn points(from: f64, to: f64, n: u32, f: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..n).map(|i| f(from + (to - from) * f64::from(i) / f64::from(n.max(2) - 1))).collect()
}

#[wasm_bindgen]
pub fn curve(alpha: f64, beta: f64, from: f64, to: f64, n: u32) -> Result<Vec<f64>, Error> {
    let f = function(alpha, beta)?;
    Ok(points(from, to, n, |x| f.eval(x)))
}

#[wasm_bindgen]
pub fn gradient(alpha: f64, beta: f64, from: f64, to: f64, n: u32) -> Result<Vec<f64>, Error> {
    let backward = function(alpha, beta)?.backward();
    Ok(points(from, to, n, |x| backward.eval(x, 1.0)))
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[wasm_bindgen]
pub fn sigmoid(from: f64, to: f64, n: u32) -> Vec<f64> {
    points(from, to, n, logistic)
}

#[wasm_bindgen]
pub fn sigmoid_gradient(from: f64, to: f64, n: u32) -> Vec<f64> {
    points(from, to, n, |x| logistic(x) * (1.0 - logistic(x)))
}
