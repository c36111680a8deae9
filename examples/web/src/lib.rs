//! What the page and the JavaScript package call.

mod apply;
mod batch;
mod check;
mod curve;
mod dispatches;
mod histogram;
mod package;

// The command's reader: the same files, and the same errors. Only a part of it is needed.
#[allow(unused_imports, reason = "the command uses it")]
#[path = "../../../src/bin/hard-sigmoid/dtype.rs"]
mod dtype;
#[path = "../../../src/bin/hard-sigmoid/foreign.rs"]
mod foreign;
#[allow(dead_code, reason = "the command uses it")]
#[path = "../../../src/bin/hard-sigmoid/layout.rs"]
mod layout;
#[allow(dead_code, reason = "the command uses it")]
#[path = "../../../src/bin/hard-sigmoid/npy.rs"]
mod npy;
#[path = "../../../src/bin/hard-sigmoid/python.rs"]
mod python;

use hard_sigmoid::HardSigmoid;
use js_sys::Error;

/// The function for α and β, or an error for JavaScript.
fn function(alpha: f64, beta: f64) -> Result<HardSigmoid, Error> {
    HardSigmoid::new(alpha, beta).map_err(error)
}

fn error(error: impl std::fmt::Display) -> Error {
    Error::new(&error.to_string())
}
