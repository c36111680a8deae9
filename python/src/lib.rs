//! The extension module `hard_sigmoid._native`. The package's Python files handle the arguments that are not simply
//! contiguous arrays.

#![allow(clippy::doc_markdown, reason = "Python shows the doc comments as plain text")]

mod arguments;
mod arrays;
mod calls;
mod compute;
mod engines;
mod function;
mod functions;
mod judge;
mod process;
mod report;
mod threads;

use pyo3::prelude::*;

// Free-threaded CPython takes no abi3 wheels, so this is only tested with the GIL.
#[pymodule(gil_used = true)]
mod _native {
    #[pymodule_export]
    use crate::function::HardSigmoid;
    #[pymodule_export]
    use crate::functions::{backward, hard_sigmoid, saturation};
    #[pymodule_export]
    use crate::report::{adapters, validate};

    use pyo3::prelude::*;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::process::register(module.py())
    }
}
