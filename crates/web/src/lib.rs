//! What the page and the JavaScript package call.

#![cfg(target_arch = "wasm32")]
// Each feature uses a part of what is below.
#![cfg_attr(
    not(all(feature = "page", feature = "package", feature = "judge")),
    allow(dead_code, reason = "as said above")
)]
#![allow(missing_debug_implementations, missing_docs, unreachable_pub, reason = "JavaScript calls what is public")]

#[cfg(feature = "page")]
mod apply;
#[cfg(feature = "page")]
mod batch;
#[cfg(feature = "page")]
mod check;
#[cfg(feature = "page")]
mod curve;
#[cfg(feature = "page")]
mod file;
#[cfg(feature = "page")]
mod histogram;
#[cfg(feature = "judge")]
mod judge;
#[cfg(feature = "page")]
mod output;
#[cfg(feature = "package")]
mod recipe;
#[cfg(feature = "package")]
mod stage;

use hard_sigmoid::{Dtype, HardSigmoid};
use js_sys::{Error, Number, Object, Reflect};
use wasm_bindgen::JsValue;

/// The function for α and β, or an error for JavaScript.
fn function(alpha: f64, beta: f64) -> Result<HardSigmoid, Error> {
    HardSigmoid::new(alpha, beta).map_err(error)
}

fn error(error: impl std::fmt::Display) -> Error {
    Error::new(&error.to_string())
}

/// The type of this name, or an error for JavaScript.
fn dtype(name: &str) -> Result<Dtype, Error> {
    let names = Dtype::ALL.map(|dtype| format!("{:?}", dtype.numpy_name())).join(", ");
    let found = Dtype::ALL.into_iter().find(|dtype| dtype.numpy_name() == name);
    found.ok_or_else(|| error(format!("unknown type {name:?}: use one of {names}")))
}

/// A count or a place that JavaScript gives.
fn whole(number: f64) -> Result<u64, Error> {
    let is_whole = Number::is_safe_integer(&number.into()) && number >= 0.0;
    if is_whole { Ok(number as u64) } else { Err(error(format!("{number} is not a whole number from 0 to 2^53 - 1"))) }
}

/// An object for JavaScript.
fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, JsValue)>) -> Result<JsValue, Error> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &name.into(), &value).map_err(|_| error(format!("cannot set {name}")))?;
    }
    Ok(object.into())
}
