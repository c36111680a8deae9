//! The calls over arrays: what is flat at once, and the rest through the package's `_arrays`.

use hard_sigmoid::{Backward, HardSigmoid, Job, Saturation, cpu::LengthMismatch, with_type};
use pyo3::call::PyCallArgs;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCFunction;

use crate::arguments::Place;
use crate::arrays::{Flat, returned};
use crate::compute::run;

pub(crate) fn apply<'py>(
    f: HardSigmoid,
    x: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    place: Place,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(y) = written(x, out, |x, out| write(f, x, out, place))? {
        return Ok(y);
    }
    let compute = PyCFunction::new_closure(x.py(), None, None, move |arrays, _| {
        let (x, out) = arrays.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
        written(&x, Some(&out), |x, out| write(f, x, out, place)).map(|y| y.is_some())
    })?;
    arrays(x.py(), "apply", (compute, x, out))
}

pub(crate) fn backward<'py>(
    f: HardSigmoid,
    [x, grad]: [&Bound<'py, PyAny>; 2],
    out: Option<&Bound<'py, PyAny>>,
    from_output: bool,
    place: Place,
) -> PyResult<Bound<'py, PyAny>> {
    let f = if from_output { f.backward_from_output() } else { f.backward() };
    if let Some(y) = written(x, out, |x, out| write_backward(f, x, grad, out, place))? {
        return Ok(y);
    }
    let compute = PyCFunction::new_closure(x.py(), None, None, move |arrays, _| {
        let (x, grad, out) = arrays.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
        written(&x, Some(&out), |x, out| write_backward(f, x, &grad, out, place)).map(|y| y.is_some())
    })?;
    arrays(x.py(), "backward", (compute, x, grad, out))
}

/// Returns a named tuple.
pub(crate) fn saturation<'py>(f: HardSigmoid, x: &Bound<'py, PyAny>, place: Place) -> PyResult<Bound<'py, PyAny>> {
    let py = x.py();
    if let Some(counts) = count(f, x, place)? {
        return py.import("hard_sigmoid._results")?.getattr("Saturation")?.call1(counts);
    }
    let compute = PyCFunction::new_closure(py, None, None, move |arrays, _| {
        let (x,) = arrays.extract::<(Bound<'_, PyAny>,)>()?;
        count(f, &x, place)
    })?;
    arrays(py, "saturation", (compute, x))
}

/// Has `_arrays` call a function with flat pieces of arrays that are not flat.
fn arrays<'py>(py: Python<'py>, name: &str, arguments: impl PyCallArgs<'py>) -> PyResult<Bound<'py, PyAny>> {
    py.import("hard_sigmoid._arrays")?.getattr(name)?.call1(arguments)
}

/// Has `write` write to `out` or to a new array like `x`, and returns that. None if they are not flat, or if `write`
/// says that they do not fit.
fn written<'py>(
    x: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    write: impl Fn(&Flat<'_, 'py>, &Flat<'_, 'py>) -> PyResult<bool>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(source) = Flat::of(x)? else { return Ok(None) };
    let y = match out {
        Some(out) => out.clone(),
        None => source.new_like()?,
    };
    match Flat::writeable(&y)? {
        Some(target) if write(&source, &target)? => {}
        _ => return Ok(None),
    }
    if out.is_some() { Ok(Some(y)) } else { returned(y).map(Some) }
}

/// Writes the result if the arrays are of one type and shape, and returns whether they are.
#[allow(unsafe_code, reason = "the slices are memory of NumPy")]
fn write<'py>(f: HardSigmoid, source: &Flat<'_, 'py>, target: &Flat<'_, 'py>, place: Place) -> PyResult<bool> {
    let is_in_place = source.is_at(target);
    if !source.matches(target) || !is_in_place && source.overlaps(target) {
        return Ok(false);
    }
    with_type!(source.dtype, T => {
        // SAFETY: the type is that of both; the references keep the arrays alive; they do not overlap unless they are
        // one, of which only one slice is made.
        let job = unsafe {
            match is_in_place {
                true => Job::apply_in_place(f, target.elements_mut::<T>()),
                false => Job::apply(f, source.elements::<T>(), target.elements_mut()).map_err(mismatch)?,
            }
        };
        run(source.py(), job, place)?;
    });
    Ok(true)
}

/// As `write`, if the gradient is flat, too.
#[allow(unsafe_code, reason = "the slices are memory of NumPy")]
fn write_backward<'py>(
    f: Backward,
    saved: &Flat<'_, 'py>,
    grad: &Bound<'py, PyAny>,
    target: &Flat<'_, 'py>,
    place: Place,
) -> PyResult<bool> {
    let Some(grad) = Flat::of(grad)? else { return Ok(false) };
    let is_in_place = grad.is_at(target);
    if !saved.matches(target) || !grad.matches(target) || saved.overlaps(target) {
        return Ok(false);
    }
    if !is_in_place && grad.overlaps(target) {
        return Ok(false);
    }
    with_type!(saved.dtype, T => {
        // SAFETY: as in `write`.
        let job = unsafe {
            match is_in_place {
                true => Job::backward_in_place(f, saved.elements::<T>(), target.elements_mut()),
                false => Job::backward(f, saved.elements::<T>(), grad.elements(), target.elements_mut()),
            }
        };
        run(saved.py(), job.map_err(mismatch)?, place)?;
    });
    Ok(true)
}

/// Arrays of one shape are equally long.
fn mismatch(error: LengthMismatch) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The counts in the order of `Saturation`, if the array is flat.
#[allow(unsafe_code, reason = "the slice is memory of NumPy")]
fn count(f: HardSigmoid, x: &Bound<'_, PyAny>, place: Place) -> PyResult<Option<(u64, u64, u64, u64)>> {
    let Some(source) = Flat::of(x)? else { return Ok(None) };
    let Saturation { zero, one, inside, nan } = with_type!(source.dtype, T => {
        // SAFETY: the type is that of the array, which the reference keeps alive, and nothing is written.
        let job = unsafe { Job::saturation(f, source.elements::<T>()) };
        run(x.py(), job, place)?
    });
    Ok(Some((zero, one, inside, nan)))
}
