//! `hard-sigmoid apply`

use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;
use hard_sigmoid::{Element, Engine, ExecutedOn, HardSigmoid, cpu, validate};
use indicatif::ProgressBar;

use super::backend::{self, BackendArgs};
use super::console::{self, Failure};
use super::dtype::{Dtype, with_type};
use super::function::FunctionArgs;
use super::input::{Input, InputArgs};
use super::layout::{Layout, Section};
use super::output::Output;
use super::progress;
use super::stop::Stop;

/// Apply the function to a .npy file or to the tensors of a .safetensors file
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The file to write, in the format of INPUT, with the same shapes and types
    ///
    /// Tensors that are not computed, and the metadata, are copied from INPUT.
    output: PathBuf,
    #[command(flatten)]
    function: FunctionArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Check every result
    ///
    /// Results of a GPU are compared with the CPU path, bit for bit. Results of the CPU path are compared with an f64
    /// evaluation.
    #[arg(long)]
    verify: bool,
    /// Replace OUTPUT if it exists
    #[arg(long)]
    force: bool,
    /// Do not print progress or a summary
    #[arg(long)]
    quiet: bool,
}

/// What the sections of a file share.
struct Run {
    f: HardSigmoid,
    verify: bool,
    input: Input,
    output: Output,
    engine: Engine,
    stop: Stop,
    bar: ProgressBar,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    let (input, header) = args.input.open()?;
    let layout = args.input.layout(&header)?;
    let started = Instant::now();
    let stop = Stop::on_signals();
    let output = Output::create(&args.output, layout.extension, &[&args.input.input], args.force)?;
    let engine = args.backend.open(&input, &layout)?;
    let bar = progress::bar(layout.elements(), args.quiet);
    let mut run = Run { f, verify: args.verify, input, output, engine, stop, bar };

    run.output.write(&layout.header)?;
    for section in &layout.sections {
        match section.dtype {
            Some(dtype) => with_type!(dtype, T => run.compute::<T>(section))?,
            None => run.copy(section)?,
        }
    }
    run.output.finish()?;
    run.bar.finish_and_clear();
    if !args.quiet {
        let seconds = started.elapsed().as_secs_f64();
        let verified = if args.verify { ", verified" } else { "" };
        let executed_on = backend::describe(&run.engine, &layout);
        console::log(&format!("{}{verified}, on {executed_on}", summary(&layout, 2, seconds)));
    }
    Ok(())
}

impl Run {
    fn compute<T: Element>(&mut self, section: &Section<'_>) -> Result<(), Failure> {
        let (mut x, mut y) = (Vec::<T>::new(), Vec::<T>::new());
        let mut done = 0_u64;
        for len in backend::pieces(&self.engine, section.elements()) {
            x.resize(len, T::zeroed());
            y.resize(len, T::zeroed());
            self.input.read(section, &mut x)?;
            self.stop.check()?;
            self.engine.apply_blocking(self.f, &x, &mut y).map_err(|error| self.input.failure(error))?;
            if self.verify {
                let cpu = ExecutedOn::Cpu { threads: cpu::threads() };
                let executed_on = if T::ON_GPU { self.engine.executed_on() } else { cpu };
                verify(self.f, &executed_on, &x, &y, done, section.name.as_deref())
                    .map_err(|error| self.input.failure(error))?;
            }
            section.swap_bytes(&mut y);
            self.output.write(bytemuck::cast_slice(&y))?;
            done = done.saturating_add(len as u64);
            self.bar.inc(len as u64);
        }
        Ok(())
    }

    fn copy(&mut self, section: &Section<'_>) -> Result<(), Failure> {
        let mut buffer = Vec::new();
        for len in backend::pieces(&self.engine, section.bytes) {
            buffer.resize(len, 0_u8);
            self.input.read(section, &mut buffer)?;
            self.stop.check()?;
            self.output.write(&buffer)?;
        }
        Ok(())
    }
}

/// Checks a piece that starts at element `start` of its array or tensor.
fn verify<T: Element>(
    f: HardSigmoid,
    executed_on: &ExecutedOn,
    x: &[T],
    y: &[T],
    start: u64,
    tensor: Option<&str>,
) -> Result<(), String> {
    let (difference, reference) = match executed_on {
        ExecutedOn::Gpu { .. } => (validate::first_mismatch(f, x, y), "the CPU path"),
        _ => (validate::first_out_of_bound(f, x, y), "the f64 evaluation"),
    };
    let Some(mut difference) = difference else { return Ok(()) };
    difference.index = difference.index.saturating_add(start);
    let tensor = tensor.map_or(String::new(), |name| format!("tensor {name:?}, "));
    Err(format!(
        "differs from {reference} on {executed_on}: {tensor}{difference}; nothing was written; please report this"
    ))
}

/// Says what was computed. `arrays` of the size of the input were read and written.
pub(crate) fn summary(layout: &Layout<'_>, arrays: u8, seconds: f64) -> String {
    let computed = || layout.sections.iter().filter(|section| section.dtype.is_some());
    let types = Dtype::value_variants().iter().filter(|&&it| computed().any(|section| section.dtype == Some(it)));
    let types: Vec<_> = types.map(|dtype| dtype.name()).collect();
    let mut summary = format!("{} {} elements", layout.elements(), types.join(" and "));
    if computed().any(|section| section.name.is_some()) {
        let n = computed().count();
        summary.push_str(&format!(" of {n} tensors ({} others copied)", layout.sections.len().saturating_sub(n)));
    }
    let bytes: u64 = computed().map(|section| section.bytes).sum();
    let speed = bytes as f64 * f64::from(arrays) * 1e-9 / seconds;
    format!("{summary} in {seconds:.3} s, {speed:.2} GB/s read and written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_names_the_element_of_the_file_the_input_and_both_values() {
        let f = HardSigmoid::ONNX;
        let x = [0.0_f32, 1.25, 9.0];
        let cpu = ExecutedOn::Cpu { threads: 1 };
        assert_eq!(verify(f, &cpu, &x, &[0.5, 0.75, 1.0], 4000, None), Ok(()));
        let message = verify(f, &cpu, &x, &[0.5, 0.7501, 1.0], 4000, Some("a.b")).unwrap_err();
        let parts =
            ["\"a.b\"", "element 4001:", "input 1.25e0", "gave 7.501e-1", "expected 7.5e-1", "the f64 evaluation"];
        for part in parts {
            assert!(message.contains(part), "{part} is not in {message}");
        }
    }
}
