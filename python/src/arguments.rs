//! Arguments that are no arrays, with errors that name them.

use ::hard_sigmoid::{Backend, HardSigmoid};
use pyo3::Borrowed;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::process::Place;

const PRESETS: &str = "use \"onnx\" or \"pytorch\"";

pub(crate) struct Preset(HardSigmoid);

/// α or β.
pub(crate) struct Number(f64);

pub(crate) struct Threads(usize);

fn type_error(object: &Borrowed<'_, '_, PyAny>, is: &str, remedy: &str) -> PyErr {
    match object.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!("{is} of type {name}: {remedy}")),
        Err(error) => error,
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Preset {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match object.extract::<&str>() {
            Ok("onnx") => Ok(Self(HardSigmoid::ONNX)),
            Ok("pytorch") => Ok(Self(HardSigmoid::PYTORCH)),
            Ok(name) => Err(PyValueError::new_err(format!("there is no preset {name:?}: {PRESETS}"))),
            Err(_) => Err(type_error(&object, "preset is", PRESETS)),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Number {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match object.extract() {
            Ok(number) => Ok(Self(number)),
            Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => {
                Err(PyValueError::new_err("alpha or beta is too large for a float: use a smaller number"))
            }
            Err(_) => Err(type_error(&object, "alpha or beta is", "use a number")),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Threads {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        const REMEDY: &str = "use 1 to 1024, or None for one per core";
        match object.extract::<i64>() {
            Ok(number @ 1..=1024) => Ok(Self(number as usize)),
            Err(error) if !error.is_instance_of::<PyOverflowError>(object.py()) => {
                Err(type_error(&object, "threads is", REMEDY))
            }
            _ => Err(PyValueError::new_err(format!("threads is {}: {REMEDY}", object.str()?))),
        }
    }
}

/// The function that three arguments stand for.
pub(crate) fn function(preset: Option<Preset>, alpha: Option<Number>, beta: Option<Number>) -> PyResult<HardSigmoid> {
    match (preset, alpha, beta) {
        (Some(Preset(f)), None, None) => Ok(f),
        (None, Some(Number(alpha)), Some(Number(beta))) => HardSigmoid::new(alpha, beta).map_err(|error| {
            // The names of types are Python's.
            PyValueError::new_err(error.to_string().replace("f32", "float32"))
        }),
        (None, ..) => Err(PyTypeError::new_err(
            "which hard sigmoid? Pass preset=\"onnx\" (alpha = 1/5, beta = 1/2), preset=\"pytorch\" (alpha = 1/6, \
             beta = 1/2), or both alpha= and beta=",
        )),
        _ => Err(PyTypeError::new_err("pass either preset= or alpha= and beta=, not both")),
    }
}

/// What the arguments `backend` and `threads` stand for.
pub(crate) fn place(backend: &str, threads: Option<Threads>) -> PyResult<Place> {
    let backend = match backend {
        "auto" => Backend::Auto,
        "cpu" => Backend::Cpu,
        "gpu" => Backend::Gpu,
        _ => {
            let message = format!("there is no backend {backend:?}: use \"auto\", \"cpu\" or \"gpu\"");
            return Err(PyValueError::new_err(message));
        }
    };
    Ok(Place { backend, threads: threads.map(|Threads(number)| number) })
}
