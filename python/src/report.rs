//! Checking the results, and listing adapters.

use hard_sigmoid::adapter::{self, AdapterKind};
use hard_sigmoid::validate::{Inputs, Report, samples, validate_blocking, validate_cpu};
use hard_sigmoid::{Backend, Element, Gpu, HardSigmoid, cpu, engine::ExecutedOn, with_type};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use crate::arguments::{Alpha, Beta, Checked, Preset, function};
use crate::arrays::Flat;
use crate::engines::gpu_error;
use crate::judge::Judge;
use crate::process::current;
use crate::threads::Threads;

/// Elements between two looks for signals.
const PIECE: usize = 1 << 22;

/// Check the results for `x`, or for millions of numbers of all kinds.
///
/// The results of the CPU path are compared bit for bit with an evaluation of each element by itself, those of a GPU
/// with those of the CPU path. Both are compared with the exact function, evaluated in another way, in float64. For
/// float64, the rounding errors of that are included.
///
/// Given a function, `validate` judges its results instead, by the exact function: those for the same numbers, in one
/// array, and in the forward pass also those for some integers.
///
/// Parameters
/// ----------
/// x : array_like or callable, optional
///     The numbers to check. By default 65,536 numbers of a 16-bit type, or about 17 million of another one: near the
///     edges, with all exponents, and spread over all bit patterns, NaN and infinities included. Or a function from a
///     NumPy array to an array of the same shape, of NumPy or of another library; with `backward`, from x and the
///     gradient with respect to y to the gradient with respect to x.
/// preset, alpha, beta
///     As for `hard_sigmoid`.
/// dtype : dtype, optional
///     The type of the numbers: float16, float32, float64 or the bfloat16 of ml_dtypes. By default that of `x`, or
///     else float32.
/// backend : {"cpu", "gpu"}, optional
///     What is checked. Not for a function.
/// backward : bool, optional
///     Whether a function computes the gradient.
/// ulp : int, optional
///     How far the results of a function may be from the exact ones, in units in the last place. By default 1.
/// atol : float, optional
///     How far they may be from the exact ones, instead of `ulp`.
/// bits : bool, optional
///     Whether they have to have the bits that this package computes, instead.
///
/// Returns
/// -------
/// Report
///     A named tuple. Its property `ok` says whether nothing is wrong.
/// Judgement
///     For a function: a named tuple with `ok`. As text, it says in Markdown what is wrong.
///
/// Raises
/// ------
/// TypeError, ValueError, RuntimeError, KeyboardInterrupt
///     As for `hard_sigmoid`, but Ctrl-C may take seconds while a function is judged. ValueError also if its results
///     have another shape than x. What else is wrong with them is in the report.
///
/// Examples
/// --------
/// >>> import hard_sigmoid as hs
/// >>> report = hs.validate(preset="onnx", dtype="float16")
/// >>> report.ok, report.checked, report.max_ulp
/// (True, 65536, 0)
/// >>> import numpy
/// >>> keras2 = lambda x: numpy.clip(0.2 * x + 0.5, 0, 1)
/// >>> judgement = hs.validate(keras2, preset="pytorch", dtype="float16")
/// >>> judgement.ok, judgement.causes
/// (False, ['this is the other function: onnx (alpha 0.2000, beta 0.5)'])
#[pyfunction]
#[pyo3(
    signature = (
        x=None, /, *, preset=None, alpha=None, beta=None, dtype=None, backend=Checked(Backend::Cpu), backward=false,
        ulp=None, atol=None, bits=false
    ),
    text_signature = "(x=None, /, *, preset=None, alpha=None, beta=None, dtype=None, backend='cpu', backward=False, \
                      ulp=None, atol=None, bits=False)"
)]
#[allow(clippy::too_many_arguments, reason = "they are passed by name")]
pub(crate) fn validate<'py>(
    py: Python<'py>,
    x: Option<Bound<'py, PyAny>>,
    preset: Option<Preset>,
    alpha: Option<Alpha>,
    beta: Option<Beta>,
    dtype: Option<Bound<'py, PyAny>>,
    backend: Checked,
    backward: bool,
    ulp: Option<i64>,
    atol: Option<f64>,
    bits: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let f = function(preset, alpha, beta)?;
    if let Some(x) = x.as_ref().filter(|x| x.is_callable()) {
        if backend.0 == Backend::Gpu {
            return Err(PyTypeError::new_err("backend is for the functions of this package: omit it for another one"));
        }
        let judge = Judge::new(if backward { f.backward().into() } else { f.into() }, ulp, atol, bits)?;
        // Integers are judged by α and β. Any type of float is accurate enough.
        let tolerance = atol.unwrap_or_default().max(0.01);
        let arguments = (judge, x, dtype, backward, f.alpha(), f.beta(), tolerance);
        return py.import("hard_sigmoid._judge")?.call_method1("judge", arguments);
    }
    if backward || bits || ulp.is_some() || atol.is_some() {
        return Err(PyTypeError::new_err(
            "backward, ulp, atol and bits are for a function to judge: pass one, or omit them",
        ));
    }
    let has_data = x.is_some();
    // Without data, an array without elements tells the type.
    let x = x.unwrap_or_else(|| PyList::empty(py).into_any());
    let dtype = match dtype {
        None if !has_data => Some(PyString::new(py, "float32").into_any()),
        dtype => dtype,
    };
    let x = py.import("hard_sigmoid._arrays")?.call_method1("flat", (x, dtype))?;
    let Some(flat) = Flat::of(&x)? else {
        return Err(PyRuntimeError::new_err("NumPy gave an array that is not contiguous; please report this"));
    };
    with_type!(flat.dtype, T => {
        // SAFETY: the type is that of the array, which lives until the end, and nothing is written.
        #[allow(unsafe_code, reason = "the slice is memory of NumPy")]
        let data = unsafe { flat.elements::<T>() };
        check(py, f, has_data.then_some(data), backend.0)
    })
}

fn check<'py, T: Element>(
    py: Python<'py>,
    f: HardSigmoid,
    data: Option<&[T]>,
    backend: Backend,
) -> PyResult<Bound<'py, PyAny>> {
    let process = current();
    if backend == Backend::Gpu {
        process.check_gpu::<T>()?;
        process.note_driver();
    }
    let (report, executed_on) = py.detach(|| {
        let threads = Threads::new(None)?;
        let gpu = match backend {
            Backend::Gpu => Some(pollster::block_on(Gpu::open(AdapterKind::Any)).map_err(|error| gpu_error(&error))?),
            Backend::Auto | Backend::Cpu => None,
        };
        let generated;
        let data = match data {
            Some(data) => data,
            None => {
                generated = samples::<T>(f);
                &generated
            }
        };
        let mut report = Report::<T>::default();
        for piece in data.chunks(PIECE) {
            let inputs = Inputs::Data(piece);
            let next = threads.run(|| match &gpu {
                Some(gpu) => validate_blocking(gpu, f, inputs, |_| {}),
                None => Ok(validate_cpu(f, inputs, |_| {})),
            });
            report = report.merge(next.map_err(|error| gpu_error(&error))?);
            Python::attach(|py| py.check_signals())?;
        }
        let executed_on = match gpu {
            Some(gpu) => adapter::describe(&gpu.device().adapter_info()),
            None => ExecutedOn::Cpu { threads: threads.run(cpu::threads) }.to_string(),
        };
        Ok::<_, PyErr>((report, executed_on))
    })?;
    let differences: Vec<_> = report.first.iter().map(ToString::to_string).collect();
    let Report { checked, mismatches, flushed, out_of_bound, miscounted, nan_checked, max_ulp, max_abs_error, .. } =
        report;
    let counts = (checked, mismatches, flushed, out_of_bound, miscounted, nan_checked);
    let fields = counts.into_pyobject(py)?.add((max_ulp, max_abs_error, differences, executed_on))?;
    py.import("hard_sigmoid._results")?.getattr("Report")?.call1(fields.cast_into::<PyTuple>()?)
}

/// List the GPU adapters of this machine, hardware first.
///
/// Returns
/// -------
/// list of Adapter
///     Empty if there are none.
///
/// Raises
/// ------
/// RuntimeError
///     If the environment variable WGPU_BACKEND names no backend, or if the process was forked after drivers were
///     loaded.
///
/// Examples
/// --------
/// >>> import hard_sigmoid as hs
/// >>> for adapter in hs.adapters():
/// ...     print(adapter.name, adapter.backend, adapter.kind)  # doctest: +SKIP
/// llvmpipe (LLVM 15.0.6, 256 bits) vulkan software
#[pyfunction]
pub(crate) fn adapters(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    current().check_gpu::<f32>()?;
    current().note_driver();
    let adapters = py.detach(|| pollster::block_on(adapter::enumerate())).map_err(|error| gpu_error(&error))?;
    let class = py.import("hard_sigmoid._results")?.getattr("Adapter")?;
    let list = PyList::empty(py);
    for adapter in adapters {
        let info = adapter.get_info();
        let (kind, driver) = (adapter::kind(&info), adapter::describe_driver(&info));
        let is_usable = adapter::check(&adapter).is_ok();
        list.append(class.call1((&info.name, info.backend.to_string(), kind, driver, is_usable))?)?;
    }
    Ok(list.into_any())
}
