//! The class of functions.

use std::hash::{DefaultHasher, Hash, Hasher};

use hard_sigmoid::Backend;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyTuple};

use crate::arguments::{Alpha, BackendArg, Beta, FromOutput, Place, Preset, Refused, Threads, function};
use crate::calls;

/// A hard sigmoid, clip(alpha*x + beta, 0, 1), as an object.
///
/// Objects are immutable, equal if their alpha and beta are, hashable, and can be pickled. They are called as
/// ``f(x, out=None, *, backend="auto", threads=None)``, which is `hard_sigmoid` with this function.
///
/// Parameters
/// ----------
/// preset : {"onnx", "pytorch"}, optional
///     "onnx" has alpha = 1/5 and beta = 1/2, as ONNX and Keras 1 and 2. "pytorch" has alpha = 1/6 and beta = 1/2, as
///     PyTorch, Keras 3 and JAX.
/// alpha, beta : float, optional
///     Instead of a preset: the slope, and the value at 0. Both are needed.
///
/// Attributes
/// ----------
/// alpha, beta : float
/// preset : str or None
///     The name of the preset that the function is.
/// ONNX, PYTORCH : HardSigmoid
///     The presets.
///
/// Raises
/// ------
/// TypeError
///     If neither a preset nor both numbers are given, or if both are.
/// ValueError
///     If there is no such preset, or alpha or beta is not finite. Unless alpha is 0, it has to be a normal number of
///     float32, also for float64 arrays, and so has beta/alpha unless beta is 0.
///
/// Examples
/// --------
/// >>> import hard_sigmoid as hs
/// >>> f = hs.HardSigmoid("pytorch")
/// >>> f == hs.HardSigmoid(alpha=1/6, beta=0.5) == hs.HardSigmoid.PYTORCH
/// True
/// >>> f([-3.0, 1.5, 3.0])
/// array([0.  , 0.75, 1.  ])
#[pyclass(frozen, weakref, module = "hard_sigmoid")]
pub(crate) struct HardSigmoid(hard_sigmoid::HardSigmoid);

#[pymethods]
impl HardSigmoid {
    #[classattr]
    const ONNX: Self = Self(hard_sigmoid::HardSigmoid::ONNX);
    #[classattr]
    const PYTORCH: Self = Self(hard_sigmoid::HardSigmoid::PYTORCH);

    /// On objects, the signature of `__call__`.
    #[classattr]
    fn __signature__(py: Python<'_>) -> PyResult<Py<PyAny>> {
        py.import("hard_sigmoid._signature")?.getattr("CallSignature")?.call0().map(Bound::unbind)
    }

    #[new]
    #[pyo3(signature = (preset=None, *, alpha=None, beta=None))]
    fn new(preset: Option<Preset>, alpha: Option<Alpha>, beta: Option<Beta>) -> PyResult<Self> {
        function(preset, alpha, beta).map(Self)
    }

    /// The slope.
    #[getter]
    const fn alpha(&self) -> f64 {
        self.0.alpha()
    }

    /// The value at 0.
    #[getter]
    const fn beta(&self) -> f64 {
        self.0.beta()
    }

    /// The name of the preset that the function is, or None.
    #[getter]
    fn preset(&self) -> Option<&'static str> {
        self.0.preset()
    }

    #[getter]
    const fn __name__(&self) -> &'static str {
        "hard_sigmoid"
    }

    /// Return the function of each element of `x`.
    ///
    /// `hard_sigmoid.hard_sigmoid` describes the arguments.
    #[pyo3(
        signature = (
            x, /, out=None, *, backend=BackendArg(Backend::Auto), threads=None, r#where=None, dtype=None, casting=None,
            order=None, subok=None
        )
    )]
    #[allow(clippy::too_many_arguments, unused_variables, reason = "some are refused")]
    fn __call__<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        out: Option<&Bound<'py, PyAny>>,
        backend: BackendArg,
        threads: Option<Threads>,
        r#where: Option<Refused>,
        dtype: Option<Refused>,
        casting: Option<Refused>,
        order: Option<Refused>,
        subok: Option<Refused>,
    ) -> PyResult<Bound<'py, PyAny>> {
        calls::apply(self.0, x, out, Place::new(backend, threads))
    }

    /// Return the gradient with respect to x.
    ///
    /// `hard_sigmoid.backward` describes the arguments.
    #[pyo3(
        signature = (
            x, grad, /, out=None, *, from_output=FromOutput(false), backend=BackendArg(Backend::Auto), threads=None,
            r#where=None, dtype=None, casting=None, order=None, subok=None
        ),
        text_signature = "($self, x, grad, /, out=None, *, from_output=False, backend='auto', threads=None)"
    )]
    #[allow(clippy::too_many_arguments, unused_variables, reason = "they have names in Python, and some are refused")]
    fn backward<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        grad: &Bound<'py, PyAny>,
        out: Option<&Bound<'py, PyAny>>,
        from_output: FromOutput,
        backend: BackendArg,
        threads: Option<Threads>,
        r#where: Option<Refused>,
        dtype: Option<Refused>,
        casting: Option<Refused>,
        order: Option<Refused>,
        subok: Option<Refused>,
    ) -> PyResult<Bound<'py, PyAny>> {
        calls::backward(self.0, [x, grad], out, from_output.0, Place::new(backend, threads))
    }

    /// Count how many results for `x` are 0, 1, between them, and NaN.
    ///
    /// `hard_sigmoid.saturation` describes the arguments.
    #[pyo3(
        signature = (x, /, *, backend=BackendArg(Backend::Auto), threads=None),
        text_signature = "($self, x, /, *, backend='auto', threads=None)"
    )]
    fn saturation<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        backend: BackendArg,
        threads: Option<Threads>,
    ) -> PyResult<Bound<'py, PyAny>> {
        calls::saturation(self.0, x, Place::new(backend, threads))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        // As Python writes numbers.
        let [alpha, beta] = [self.alpha(), self.beta()].map(|number| number.into_pyobject(py));
        Ok(format!("HardSigmoid(alpha={}, beta={})", alpha?.repr()?, beta?.repr()?))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        // 0 and -0 are equal.
        [self.alpha(), self.beta()].map(|number| (number + 0.0).to_bits()).hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let keywords = [("alpha", slf.get().alpha()), ("beta", slf.get().beta())].into_py_dict(py)?;
        let arguments = (slf.get_type(), PyTuple::empty(py), keywords).into_pyobject(py)?;
        Ok((py.import("copyreg")?.getattr("__newobj_ex__")?, arguments))
    }
}
