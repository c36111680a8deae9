//! The judge of other implementations, which `_judge.py` asks.

use hard_sigmoid::validate::{self, Judgement, Pass, Tolerance};
use hard_sigmoid::{Element, with_type};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyTuple};

use crate::arrays::Flat;
use crate::threads::Threads;

/// What is to be computed, and how well.
#[pyclass(frozen, module = "hard_sigmoid._native")]
pub(crate) struct Judge {
    pass: Pass,
    tolerance: Tolerance,
}

impl Judge {
    pub(crate) fn new(pass: Pass, ulp: Option<i64>, atol: Option<f64>, bits: bool) -> PyResult<Self> {
        let tolerance = match (ulp, atol, bits) {
            (ulp, None, false) => match u32::try_from(ulp.unwrap_or(1)) {
                Ok(ulp) => Tolerance::Ulps(ulp),
                Err(_) => return Err(PyValueError::new_err("ulp is no distance in ULP: use 0 to 2**32 - 1")),
            },
            (None, Some(atol), false) if atol >= 0.0 => Tolerance::Absolute(atol),
            (None, Some(_), false) => return Err(PyValueError::new_err("atol is no distance: use 0 or more")),
            (None, None, true) => Tolerance::Bits,
            _ => return Err(PyTypeError::new_err("pass one of ulp=, atol= and bits=True, not several")),
        };
        Ok(Self { pass, tolerance })
    }
}

#[pymethods]
impl Judge {
    /// The bytes of x and of the gradients, which are none in the forward pass.
    fn inputs<'py>(
        &self,
        py: Python<'py>,
        like: &Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyByteArray>, Bound<'py, PyByteArray>)> {
        let inputs = with_type!(flat(like)?.dtype, T => {
            let (x, grad_y) = py.detach(|| validate::judge_inputs::<T>(self.pass));
            (bytes(py, &x), bytes(py, &grad_y))
        });
        Ok(inputs)
    }

    /// Judges results for these inputs, of one type: the fields of a `Judgement`, with tuples for its findings.
    fn judge<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        grad_y: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let [x, grad_y, y] = [flat(x)?, flat(grad_y)?, flat(y)?];
        if x.dtype != y.dtype || x.dtype != grad_y.dtype {
            return Err(PyRuntimeError::new_err("the arrays have several types; please report this"));
        }
        with_type!(x.dtype, T => {
            // SAFETY: the types are those of the arrays, which live until the end, and nothing is written.
            #[allow(unsafe_code, reason = "the slices are memory of NumPy")]
            let (x, grad_y, y) = unsafe { (x.elements::<T>(), grad_y.elements::<T>(), y.elements::<T>()) };
            let threads = Threads::new(None)?;
            let (pass, tolerance) = (self.pass, self.tolerance);
            let judgement = py.detach(|| threads.run(|| validate::judge(pass, tolerance, x, grad_y, y)));
            fields(py, &judgement)
        })
    }
}

fn flat<'a, 'py>(x: &'a Bound<'py, PyAny>) -> PyResult<Flat<'a, 'py>> {
    Flat::of(x)?.ok_or_else(|| PyRuntimeError::new_err("an array is not contiguous; please report this"))
}

fn bytes<'py, T: Element>(py: Python<'py>, elements: &[T]) -> Bound<'py, PyByteArray> {
    PyByteArray::new(py, bytemuck::cast_slice(elements))
}

fn fields<'py, T: Element>(py: Python<'py>, judgement: &Judgement<T>) -> PyResult<Bound<'py, PyTuple>> {
    let findings: Vec<_> = judgement
        .findings
        .iter()
        .map(|finding| {
            let examples: Vec<_> = finding.examples.iter().map(ToString::to_string).collect();
            (finding.kind.name(), finding.count, finding.fails, finding.to_string(), examples)
        })
        .collect();
    let causes: Vec<_> = judgement.causes.iter().map(ToString::to_string).collect();
    let Judgement { checked, max_ulp, max_abs_error, .. } = judgement;
    (checked, max_ulp, max_abs_error, findings, causes, judgement.to_string()).into_pyobject(py)
}
