//! The functions over arrays.

use ::hard_sigmoid::Backend;
use pyo3::prelude::*;

use crate::arguments::{
    Alpha, BackendArg, Beta, FromOutput, Place, Preset, Refused, Threads, check_positional, function,
};
use crate::calls;

/// Return clip(alpha*x + beta, 0, 1) of each element.
///
/// Parameters
/// ----------
/// x : array_like
///     Numbers, in any shape and memory layout. float16, float32, float64 and the bfloat16 of ml_dtypes keep their
///     type. Integers are converted as by NumPy's functions of floats, and Python's numbers to float64. Contiguous
///     arrays are read where they are. Others are copied in pieces, which takes 2 to 8 times as long.
/// out : numpy.ndarray, optional
///     Where the result is written: `x` itself, or an array of the type of the result or a wider float, in either byte
///     order, to whose shape `x` can be broadcast. A Python number takes its type. It may also be a tuple of one
///     array. Without it, a new array is made.
/// preset : {"onnx", "pytorch"}, optional
///     "onnx" has alpha = 1/5 and beta = 1/2, as ONNX and Keras 1 and 2. "pytorch" has alpha = 1/6 and beta = 1/2, as
///     PyTorch, Keras 3 and JAX.
/// alpha, beta : float, optional
///     Instead of a preset: the slope, and the value at 0. Both are needed.
/// backend : {"auto", "cpu", "gpu"}, optional
///     "auto" uses a GPU if it is hardware, measured to be faster, and `x` is contiguous with at least 2**26 elements.
///     "gpu" uses any adapter, or raises. The bits of the result are the same, but a GPU may take subnormal numbers
///     for 0.
/// threads : int, optional
///     How many threads the CPU path uses at most, from 1 to 1024: by default as many as there are cores, or as
///     RAYON_NUM_THREADS says. A call that reads and writes little takes one.
///
/// Returns
/// -------
/// numpy.ndarray or scalar
///     `out`, or a new array of the shape, type and memory order of `x`. A scalar if `x` has no dimensions. A Series, a
///     DataFrame or a DataArray gives one with the same labels.
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
/// With alpha = 0, an infinite `x` gives clip(beta, 0, 1), as any number does. There, alpha*x + beta as ONNX writes it
/// is NaN. Another alpha must be a normal number of float32, that is, at least 1.2e-38 in magnitude, for float64 arrays
/// as well. The same holds for beta/alpha unless beta is 0.
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
        x, /, out=None, *, preset=None, alpha=None, beta=None, backend=BackendArg(Backend::Auto), threads=None,
        r#where=None, dtype=None, casting=None, order=None, subok=None
    ),
    text_signature = "(x, /, out=None, *, preset=None, alpha=None, beta=None, backend='auto', threads=None)"
)]
#[allow(clippy::too_many_arguments, unused_variables, reason = "they have names in Python, and some are refused")]
pub(crate) fn hard_sigmoid<'py>(
    x: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    preset: Option<Preset>,
    alpha: Option<Alpha>,
    beta: Option<Beta>,
    backend: BackendArg,
    threads: Option<Threads>,
    r#where: Option<Refused>,
    dtype: Option<Refused>,
    casting: Option<Refused>,
    order: Option<Refused>,
    subok: Option<Refused>,
) -> PyResult<Bound<'py, PyAny>> {
    check_positional(out)?;
    calls::apply(function(preset, alpha, beta)?, x, out, Place::new(backend, threads))
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
///     As for `hard_sigmoid`. TypeError also if the types of `x` and `grad` differ, and ValueError if both have labels,
///     of pandas or xarray, and these differ.
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
        backend=BackendArg(Backend::Auto), threads=None, r#where=None, dtype=None, casting=None, order=None, subok=None
    ),
    text_signature = "(x, grad, /, out=None, *, preset=None, alpha=None, beta=None, from_output=False, \
        backend='auto', threads=None)"
)]
#[allow(clippy::too_many_arguments, unused_variables, reason = "they have names in Python, and some are refused")]
pub(crate) fn backward<'py>(
    x: &Bound<'py, PyAny>,
    grad: &Bound<'py, PyAny>,
    out: Option<&Bound<'py, PyAny>>,
    preset: Option<Preset>,
    alpha: Option<Alpha>,
    beta: Option<Beta>,
    from_output: FromOutput,
    backend: BackendArg,
    threads: Option<Threads>,
    r#where: Option<Refused>,
    dtype: Option<Refused>,
    casting: Option<Refused>,
    order: Option<Refused>,
    subok: Option<Refused>,
) -> PyResult<Bound<'py, PyAny>> {
    calls::backward(function(preset, alpha, beta)?, [x, grad], out, from_output.0, Place::new(backend, threads))
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
    signature = (x, /, *, preset=None, alpha=None, beta=None, backend=BackendArg(Backend::Auto), threads=None),
    text_signature = "(x, /, *, preset=None, alpha=None, beta=None, backend='auto', threads=None)"
)]
pub(crate) fn saturation<'py>(
    x: &Bound<'py, PyAny>,
    preset: Option<Preset>,
    alpha: Option<Alpha>,
    beta: Option<Beta>,
    backend: BackendArg,
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    calls::saturation(function(preset, alpha, beta)?, x, Place::new(backend, threads))
}
