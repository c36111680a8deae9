//! The functions over arrays.

use ::hard_sigmoid::{HardSigmoid as Function, Saturation};
use pyo3::prelude::*;

use crate::arguments::{Alpha, BackendName, Beta, FromOutput, Preset, Threads, check_positional, function, place};
use crate::arrays::{Flat, returned, with_type};
use crate::compute::{Work, run};
use crate::function::{HardSigmoid, saturation_tuple};
use crate::process::Place;

/// Return clip(alpha*x + beta, 0, 1) of each element.
///
/// Parameters
/// ----------
/// x : array_like
///     Numbers, in any shape and memory layout. float16, float32, float64 and the bfloat16 of ml_dtypes keep their
///     type. Integers are converted as by NumPy's functions of floats, and Python's numbers to float64. Contiguous
///     arrays are read where they are. Others are copied in pieces, which takes 2 to 6 times as long.
/// out : numpy.ndarray, optional
///     Where the result is written: `x` itself, or an array of the type of the result, in either byte order, to whose
///     shape `x` can be broadcast. Without it, a new array is made.
/// preset : {"onnx", "pytorch"}, optional
///     "onnx" has alpha = 1/5 and beta = 1/2, as ONNX and Keras 1 and 2. "pytorch" has alpha = 1/6 and beta = 1/2, as
///     PyTorch, Keras 3 and JAX.
/// alpha, beta : float, optional
///     Instead of a preset: the slope, and the value at 0. Both are needed.
/// backend : {"auto", "cpu", "gpu"}, optional
///     "auto" uses a GPU if it is hardware, measured to be faster, and `x` is contiguous with at least 2**26 elements.
///     "gpu" uses any adapter, or raises. The bits of the result are the same.
/// threads : int, optional
///     How many threads the CPU path uses at most, from 1 to 1024: by default as many as there are cores, or as
///     RAYON_NUM_THREADS says. A call that reads and writes less than 1 MiB takes one.
///
/// Returns
/// -------
/// numpy.ndarray or scalar
///     `out`, or a new array of the shape, type and memory order of `x`. A scalar if `x` has no dimensions.
///
/// Raises
/// ------
/// TypeError
///     If neither a preset nor both alpha and beta are given, if `x` or `out` is something else than described, or for
///     float64 on a GPU.
/// ValueError
///     If `x` cannot be broadcast to the shape of `out`, `out` is read-only, or its elements share memory, or an
///     argument has a value that is not allowed.
/// RuntimeError
///     If a GPU was asked for and cannot be used.
/// KeyboardInterrupt
///     Within a second after Ctrl-C. The first elements of a contiguous `out` then have their results. In another
///     memory layout, each element has its result or is as it was.
///
/// Notes
/// -----
/// A float32 or float64 result is clip((x + beta/alpha)*alpha, 0, 1) in that type, with one rounding for each operation
/// and for beta/alpha. With a preset it is at most 1 ULP from the correctly rounded value, in float64 at most 2.
/// Otherwise the error is at most u*(abs(beta) + 3*y), with u = 2**-24 in float32 and 2**-53 in float64. 16-bit types
/// are computed in float32 and then rounded. NaN stays NaN. The result is never -0.
///
/// References
/// ----------
/// .. [1] ONNX HardSigmoid, https://onnx.ai/onnx/operators/onnx__HardSigmoid.html
/// .. [2] torch.nn.Hardsigmoid, https://pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
///
/// Examples
/// --------
/// >>> import numpy
/// >>> import hard_sigmoid as hs
/// >>> x = numpy.array([-9.0, 0.0, 1.25], dtype=numpy.float32)
/// >>> hs.hard_sigmoid(x, preset="onnx")
/// array([0.  , 0.5 , 0.75], dtype=float32)
/// >>> hs.hard_sigmoid(x, out=x, alpha=0.25, beta=0.5)
/// array([0.    , 0.5   , 0.8125], dtype=float32)
#[pyfunction]
#[pyo3(
    signature = (
        x, /, out=None, *, preset=None, alpha=None, beta=None, backend=BackendName("auto"), threads=None
    ),
    text_signature = "(x, /, out=None, *, preset=None, alpha=None, beta=None, backend='auto', threads=None)"
)]
#[allow(clippy::too_many_arguments, reason = "they have names in Python")]
pub(crate) fn hard_sigmoid<'py>(
    x: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    preset: Option<Preset>,
    alpha: Option<Alpha>,
    beta: Option<Beta>,
    backend: BackendName,
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    check_positional(out)?;
    apply(function(preset, alpha, beta)?, x, out, backend, place(backend, threads))
}

/// Return the gradient with respect to x, from the gradient with respect to the result.
///
/// It is alpha*grad where alpha*x + beta lies strictly between 0 and 1, and 0 elsewhere, also where x is NaN, as in
/// PyTorch. The edges are exact.
///
/// Parameters
/// ----------
/// x : array_like
///     What `hard_sigmoid` was applied to, or its result if `from_output` is true.
/// grad : array_like
///     The gradient with respect to the result: an array of the type of `x`, or a Python number. The shapes are
///     broadcast.
/// out : numpy.ndarray, optional
///     Where the result is written; `grad` itself, too.
/// from_output : bool, optional
///     Whether `x` holds results. The gradient is then 0 where a result was rounded to 0 or 1.
/// preset, alpha, beta, backend, threads
///     As for `hard_sigmoid`.
///
/// Returns
/// -------
/// numpy.ndarray or scalar
///     As for `hard_sigmoid`.
///
/// Raises
/// ------
/// TypeError, ValueError, RuntimeError, KeyboardInterrupt
///     As for `hard_sigmoid`. TypeError also if the types of `x` and `grad` differ.
///
/// References
/// ----------
/// .. [1] hardsigmoid_backward of PyTorch, https://pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
///
/// Examples
/// --------
/// >>> import numpy
/// >>> import hard_sigmoid as hs
/// >>> hs.backward(numpy.array([-2.5, 0.0, 2.4]), 10.0, preset="onnx")
/// array([0., 2., 2.])
#[pyfunction]
#[pyo3(
    signature = (
        x, grad, /, out=None, *, preset=None, alpha=None, beta=None, from_output=FromOutput(false),
        backend=BackendName("auto"), threads=None
    ),
    text_signature = "(x, grad, /, out=None, *, preset=None, alpha=None, beta=None, from_output=False, \
        backend='auto', threads=None)"
)]
#[allow(clippy::too_many_arguments, reason = "they have names in Python")]
pub(crate) fn backward<'py>(
    x: &Bound<'py, PyAny>,
    grad: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    preset: Option<Preset>,
    alpha: Option<Alpha>,
    beta: Option<Beta>,
    from_output: FromOutput,
    backend: BackendName,
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    apply_backward(function(preset, alpha, beta)?, [x, grad], out, from_output, backend, place(backend, threads))
}

/// Count how many results for `x` are 0, 1, between them, and NaN, without writing them anywhere.
///
/// Parameters
/// ----------
/// x : array_like
///     As for `hard_sigmoid`.
/// preset, alpha, beta, backend, threads
///     As for `hard_sigmoid`.
///
/// Returns
/// -------
/// Saturation
///     A named tuple of four counts. Its property `fraction` is the share of results that are 0 or 1.
///
/// Raises
/// ------
/// TypeError, ValueError, RuntimeError, KeyboardInterrupt
///     As for `hard_sigmoid`.
///
/// Examples
/// --------
/// >>> import hard_sigmoid as hs
/// >>> counts = hs.saturation([-9.0, 0.0, 9.0, 9.0], preset="onnx")
/// >>> counts
/// Saturation(zero=1, one=2, inside=1, nan=0)
/// >>> counts.fraction
/// 0.75
#[pyfunction]
#[pyo3(
    signature = (x, /, *, preset=None, alpha=None, beta=None, backend=BackendName("auto"), threads=None),
    text_signature = "(x, /, *, preset=None, alpha=None, beta=None, backend='auto', threads=None)"
)]
pub(crate) fn saturation<'py>(
    x: &Bound<'py, PyAny>,
    preset: Option<Preset>,
    alpha: Option<Alpha>,
    beta: Option<Beta>,
    backend: BackendName,
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    count(function(preset, alpha, beta)?, x, backend, place(backend, threads))
}

pub(crate) fn apply<'py>(
    f: Function,
    x: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    backend: BackendName,
    place: Place,
) -> PyResult<Bound<'py, PyAny>> {
    match out {
        None => {
            if let Some(source) = Flat::of(x)? {
                let y = source.new_like()?;
                if write(f, x, &y, place)? {
                    return returned(y);
                }
            }
        }
        Some(out) if write(f, x, out, place)? => return Ok(out.clone()),
        Some(_) => {}
    }
    let arguments = (HardSigmoid(f), x, out, backend.0, place.threads);
    x.py().import("hard_sigmoid._arrays")?.call_method1("apply", arguments)
}

pub(crate) fn apply_backward<'py>(
    f: Function,
    [x, grad]: [&Bound<'py, PyAny>; 2],
    out: Option<&Bound<'py, PyAny>>,
    from_output: FromOutput,
    backend: BackendName,
    place: Place,
) -> PyResult<Bound<'py, PyAny>> {
    match out {
        None => {
            if let Some(source) = Flat::of(x)? {
                let y = source.new_like()?;
                if write_backward(f, [x, grad], &y, from_output, place)? {
                    return returned(y);
                }
            }
        }
        Some(out) if write_backward(f, [x, grad], out, from_output, place)? => return Ok(out.clone()),
        Some(_) => {}
    }
    let arguments = (HardSigmoid(f), x, grad, out, from_output.0, backend.0, place.threads);
    x.py().import("hard_sigmoid._arrays")?.call_method1("backward", arguments)
}

pub(crate) fn count<'py>(
    f: Function,
    x: &Bound<'py, PyAny>,
    backend: BackendName,
    place: Place,
) -> PyResult<Bound<'py, PyAny>> {
    match counts(f, x, place)? {
        Some(counts) => saturation_tuple(x.py(), counts),
        None => {
            let arguments = (HardSigmoid(f), x, backend.0, place.threads);
            x.py().import("hard_sigmoid._arrays")?.call_method1("saturation", arguments)
        }
    }
}

/// For `_arrays`: writes the result if the arrays are flat and of one type and shape, and returns whether they are.
#[pyfunction(name = "_apply_flat")]
pub(crate) fn apply_flat(
    f: &Bound<'_, HardSigmoid>,
    x: &Bound<'_, PyAny>,
    out: &Bound<'_, PyAny>,
    backend: BackendName,
    threads: Option<Threads>,
) -> PyResult<bool> {
    write(f.get().0, x, out, place(backend, threads))
}

/// As `_apply_flat`.
#[pyfunction(name = "_backward_flat")]
pub(crate) fn backward_flat(
    f: &Bound<'_, HardSigmoid>,
    x: &Bound<'_, PyAny>,
    grad: &Bound<'_, PyAny>,
    out: &Bound<'_, PyAny>,
    from_output: FromOutput,
    backend: BackendName,
    threads: Option<Threads>,
) -> PyResult<bool> {
    write_backward(f.get().0, [x, grad], out, from_output, place(backend, threads))
}

/// As `_apply_flat`, but returns the counts, or None.
#[pyfunction(name = "_saturation_flat")]
pub(crate) fn saturation_flat(
    f: &Bound<'_, HardSigmoid>,
    x: &Bound<'_, PyAny>,
    backend: BackendName,
    threads: Option<Threads>,
) -> PyResult<Option<[u64; 4]>> {
    let counts = counts(f.get().0, x, place(backend, threads))?;
    Ok(counts.map(|counts| [counts.zero, counts.one, counts.inside, counts.nan]))
}

#[allow(unsafe_code, reason = "the slices are memory of NumPy")]
fn write(f: Function, x: &Bound<'_, PyAny>, out: &Bound<'_, PyAny>, place: Place) -> PyResult<bool> {
    let (Some(source), Some(target)) = (Flat::of(x)?, Flat::writeable(out)?) else { return Ok(false) };
    let is_in_place = source.is_at(&target);
    if !source.matches(&target) || !is_in_place && source.overlaps(&target) {
        return Ok(false);
    }
    with_type!(source.dtype, T => {
        // SAFETY: the type is that of both; the references keep the arrays alive; they do not overlap unless they are
        // one, of which only one slice is made.
        let work = unsafe {
            match is_in_place {
                true => Work::ApplyInPlace(f, target.elements_mut::<T>()),
                false => Work::Apply(f, source.elements::<T>(), target.elements_mut()),
            }
        };
        run(x.py(), work, place)?;
    });
    Ok(true)
}

#[allow(unsafe_code, reason = "the slices are memory of NumPy")]
fn write_backward(
    f: Function,
    [x, grad]: [&Bound<'_, PyAny>; 2],
    out: &Bound<'_, PyAny>,
    from_output: FromOutput,
    place: Place,
) -> PyResult<bool> {
    let (Some(saved), Some(grad), Some(target)) = (Flat::of(x)?, Flat::of(grad)?, Flat::writeable(out)?) else {
        return Ok(false);
    };
    let is_in_place = grad.is_at(&target);
    if !saved.matches(&target) || !grad.matches(&target) || saved.overlaps(&target) {
        return Ok(false);
    }
    if !is_in_place && grad.overlaps(&target) {
        return Ok(false);
    }
    let f = if from_output.0 { f.backward_from_output() } else { f.backward() };
    with_type!(saved.dtype, T => {
        // SAFETY: as in `write`.
        let work = unsafe {
            match is_in_place {
                true => Work::BackwardInPlace(f, saved.elements::<T>(), target.elements_mut()),
                false => Work::Backward(f, saved.elements::<T>(), grad.elements(), target.elements_mut()),
            }
        };
        run(x.py(), work, place)?;
    });
    Ok(true)
}

#[allow(unsafe_code, reason = "the slice is memory of NumPy")]
fn counts(f: Function, x: &Bound<'_, PyAny>, place: Place) -> PyResult<Option<Saturation>> {
    let Some(source) = Flat::of(x)? else { return Ok(None) };
    with_type!(source.dtype, T => {
        // SAFETY: the type is that of the array, which the reference keeps alive, and nothing is written.
        let work = unsafe { Work::Count(f, source.elements::<T>()) };
        run(x.py(), work, place).map(Some)
    })
}
