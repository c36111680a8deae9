//! `hard-sigmoid validate --write-inputs` and `--results`

use std::path::{Path, PathBuf};

use hard_sigmoid::validate::{self, Pass, Tolerance};
use hard_sigmoid::{Dtype, Element};
use hard_sigmoid_files::{Selection, npy, open};

use super::console::{Failure, print};
use super::output::Output;

/// The options for another implementation.
#[derive(clap::Args)]
pub(crate) struct JudgeArgs {
    /// Write the inputs for another implementation to a new .npy file, instead of checking anything here
    ///
    /// With --backward, the array has two rows: x, and the gradients with respect to y.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["adapter", "exhaustive", "json"])]
    write_inputs: Option<PathBuf>,
    /// Judge the results of another implementation for these inputs, from a .npy file
    ///
    /// The other options have to be those with which the inputs were written.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["write_inputs", "adapter", "exhaustive", "json"])]
    results: Option<PathBuf>,
    /// Accept results that are so many ULP from the exact ones [default: 1]
    #[arg(long, value_name = "N", requires = "results")]
    ulp: Option<u32>,
    /// Accept results that are at most this far from the exact ones
    ///
    /// In the backward pass, this is for a gradient with respect to y of 1 or less; for a greater one it grows with it.
    #[arg(long, value_name = "ERROR", requires = "results", conflicts_with = "ulp", value_parser = distance)]
    absolute: Option<f64>,
    /// Accept only the bits that this command computes
    #[arg(long, requires = "results", conflicts_with_all = ["ulp", "absolute"])]
    bits: bool,
}

impl JudgeArgs {
    pub(crate) const fn is_given(&self) -> bool {
        self.write_inputs.is_some() || self.results.is_some()
    }

    /// Writes the inputs, or judges the results.
    pub(crate) fn run<T: Element>(&self, pass: Pass) -> Result<(), Failure> {
        let (x, grad_y) = validate::judge_inputs::<T>(pass);
        if let Some(path) = &self.write_inputs {
            return write(path, &x, &grad_y);
        }
        let Some(path) = &self.results else { return Ok(()) };
        let y = read::<T>(path, x.len())?;
        let tolerance = match (self.absolute, self.ulp) {
            _ if self.bits => Tolerance::Bits,
            (Some(error), _) => Tolerance::Absolute(error),
            (None, ulp) => Tolerance::Ulps(ulp.unwrap_or(1)),
        };
        let judgement = validate::judge(pass, tolerance, &x, &grad_y, &y);
        print(&judgement.to_string())?;
        let wrong = || Failure::file(path, "has results outside of the tolerance: see the report");
        if judgement.is_ok() { Ok(()) } else { Err(wrong()) }
    }
}

/// Writes the inputs in the byte order of this machine, which the header names.
fn write<T: Element>(path: &Path, x: &[T], grad_y: &[T]) -> Result<(), Failure> {
    let order = if cfg!(target_endian = "big") { '>' } else { '<' };
    let descr = if T::DTYPE == Dtype::Bf16 { "|V2".to_owned() } else { format!("{order}f{}", size_of::<T>()) };
    let len = x.len() as u64;
    let shape = if grad_y.is_empty() { vec![len] } else { vec![2, len] };
    let mut output = Output::create(path, "npy", &[], false).map_err(|failure| match failure {
        Failure::Exists(_) => Failure::file(path, "already exists: choose another path"),
        failure => failure,
    })?;
    output.write(&npy::new_header(&descr, false, &shape))?;
    for elements in [x, grad_y] {
        output.write(bytemuck::cast_slice(elements))?;
    }
    output.finish()
}

fn distance(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|error| *error >= 0.0).ok_or_else(|| "this is no distance: use 0 or more".into())
}

/// The results, which are as many as the inputs.
fn read<T: Element>(path: &Path, inputs: usize) -> Result<Vec<T>, Failure> {
    let (mut input, header) = open(path)?;
    // The header of bfloat16 does not say what it is.
    let element = Some(Dtype::Bf16).filter(|&it| it == T::DTYPE && header.may_be_of(it));
    let layout = input.layout(&header, &Selection { element, ..Selection::default() })?;
    let [section] = &layout.sections[..] else {
        return Err(input.failure("is no .npy file: save the results with numpy.save").into());
    };
    if layout.is_fortran {
        return Err(input.failure("is in Fortran order: save numpy.ascontiguousarray of it").into());
    }
    if section.dtype != Some(T::DTYPE) {
        let has = section.dtype.map_or("another type", Dtype::numpy_name);
        let message = format!("has {has}, and the inputs {}: pass the --element of the inputs", T::DTYPE.numpy_name());
        return Err(input.failure(message).into());
    }
    let elements = section.elements();
    if elements != inputs as u64 {
        let message = format!("has {elements} results for {inputs} inputs: pass the options of --write-inputs");
        return Err(input.failure(message).into());
    }
    let mut y = vec![T::zeroed(); inputs];
    input.data(0, section)?.read(section, &mut y)?;
    input.finish()?;
    Ok(y)
}
