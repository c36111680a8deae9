//! Arguments that are no arrays, with errors that name them.

use ::hard_sigmoid::{Backend, HardSigmoid};
use pyo3::Borrowed;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Where and how a call runs.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) backend: Backend,
    pub(crate) threads: Option<usize>,
}

pub(crate) struct Preset(HardSigmoid);

pub(crate) struct Alpha(f64);

pub(crate) struct Beta(f64);

pub(crate) struct FromOutput(pub(crate) bool);

pub(crate) struct BackendArg(pub(crate) Backend);

/// The backend that `validate` checks.
pub(crate) struct Checked(pub(crate) Backend);

pub(crate) struct Threads(usize);

/// An argument of NumPy's functions, such as `where`, which always raises what to do instead. `**keywords` in a
/// signature would say so, too, but make each call slower.
pub(crate) enum Refused {}

impl Place {
    pub(crate) fn new(BackendArg(backend): BackendArg, threads: Option<Threads>) -> Self {
        Self { backend, threads: threads.map(|Threads(number)| number) }
    }
}

fn type_error(object: &Borrowed<'_, '_, PyAny>, argument: &str, remedy: &str) -> PyErr {
    match object.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!("{argument} is of type {name}: {remedy}")),
        Err(error) => error,
    }
}

/// The value of the text that an argument is.
fn choice<T: Copy>(object: &Borrowed<'_, '_, PyAny>, argument: &str, choices: &[(&str, T)]) -> PyResult<T> {
    let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
    let remedy = format!("use {}", names.join(" or "));
    let Ok(text) = object.extract::<&str>() else { return Err(type_error(object, argument, &remedy)) };
    let chosen = choices.iter().find(|(name, _)| *name == text);
    chosen.map(|&(_, value)| value).ok_or_else(|| PyValueError::new_err(format!("{argument} is {text:?}: {remedy}")))
}

impl<'a, 'py> FromPyObject<'a, 'py> for Preset {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        choice(&object, "preset", &HardSigmoid::PRESETS).map(Self)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for BackendArg {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        choice(&object, "backend", &[("auto", Backend::Auto), ("cpu", Backend::Cpu), ("gpu", Backend::Gpu)]).map(Self)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Checked {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        choice(&object, "backend", &[("cpu", Backend::Cpu), ("gpu", Backend::Gpu)]).map(Self)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Alpha {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        number(&object, "alpha").map(Self)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Beta {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        number(&object, "beta").map(Self)
    }
}

fn number(object: &Borrowed<'_, '_, PyAny>, name: &str) -> PyResult<f64> {
    object.extract().map_err(|error: PyErr| match error.is_instance_of::<PyOverflowError>(object.py()) {
        true => PyValueError::new_err(format!("{name} is too large for a float: use a smaller number")),
        false => type_error(object, name, "use a number"),
    })
}

impl<'a, 'py> FromPyObject<'a, 'py> for FromOutput {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.extract().map(Self).map_err(|_| type_error(&object, "from_output", "use True or False"))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Threads {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        const REMEDY: &str = "use 1 to 1024, or None for one per core";
        match object.extract::<i64>() {
            Ok(number @ 1..=1024) => Ok(Self(number as usize)),
            Err(error) if !error.is_instance_of::<PyOverflowError>(object.py()) => {
                Err(type_error(&object, "threads", REMEDY))
            }
            _ => Err(PyValueError::new_err(format!("threads is {}: {REMEDY}", object.str()?))),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Refused {
    type Error = PyErr;

    fn extract(_: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Err(PyTypeError::new_err(
            "there is no where=, dtype=, casting=, order= or subok=: choose from the result, as by \
             numpy.where(mask, y, x), or convert x or the result, as by numpy.asarray(x, dtype)",
        ))
    }
}

/// The function that three arguments stand for.
pub(crate) fn function(preset: Option<Preset>, alpha: Option<Alpha>, beta: Option<Beta>) -> PyResult<HardSigmoid> {
    match (preset, alpha, beta) {
        (Some(Preset(f)), None, None) => Ok(f),
        (None, Some(Alpha(alpha)), Some(Beta(beta))) => {
            HardSigmoid::new(alpha, beta).map_err(|error| PyValueError::new_err(error.to_string()))
        }
        (None, None, None) => Err(PyTypeError::new_err(
            "which hard sigmoid? Pass preset=\"onnx\" (alpha = 1/5, beta = 1/2), preset=\"pytorch\" (alpha = 1/6, \
             beta = 1/2), or both alpha= and beta=",
        )),
        (None, ..) => Err(PyTypeError::new_err(
            "one of alpha and beta is missing: pass both, or instead of them preset=\"onnx\" or preset=\"pytorch\"",
        )),
        _ => Err(PyTypeError::new_err("pass either preset= or alpha= and beta=, not both")),
    }
}

/// Refuses what is meant for an argument that is passed by name, in the place of `out`.
pub(crate) fn check_positional(out: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match out {
        Some(out) if out.is_instance_of::<PyString>() => Err(PyTypeError::new_err(format!(
            "out is the text {}: pass the preset by name, preset=\"onnx\" or preset=\"pytorch\"",
            out.repr()?
        ))),
        _ => Ok(()),
    }
}
