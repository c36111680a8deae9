//! `hard-sigmoid apply`: a file in, a file out, piece by piece.

use std::path::PathBuf;
use std::time::Instant;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, Engine, ExecutedOn, HardSigmoid, cpu, validate};
use indicatif::ProgressBar;

use super::backend::{Place, piece};
use super::function::Function;
use super::input::{self, Dtype, Input, Section};
use super::output::Output;
use super::stop::Stop;
use super::{Failure, progress};

/// Apply the function to every element of a .npy file, or of the tensors of a .safetensors file.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A .npy file of dtype float16, float32 or float64 (little-endian) and of any shape, or a .safetensors file with
    /// tensors of F16, BF16, F32 or F64.
    input: PathBuf,
    /// Where the result goes: the same shapes, order and types. Other tensors and metadata are carried over as they are.
    output: PathBuf,
    #[command(flatten)]
    function: Function,
    /// Compute this tensor of a .safetensors file, and others named so, instead of all that can be.
    #[arg(long, value_name = "NAME")]
    tensor: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// Check every element by another path: a GPU's against the CPU's, bit for bit; the CPU's against an f64 evaluation.
    #[arg(long)]
    verify: bool,
    /// Replace OUTPUT if it exists.
    #[arg(long)]
    force: bool,
    /// Print no progress and no summary.
    #[arg(long)]
    quiet: bool,
}

/// What the pieces of a run share.
struct Run<'a> {
    args: &'a Args,
    f: HardSigmoid,
    input: Input,
    output: Output,
    engine: Engine,
    stop: Stop,
    bar: ProgressBar,
    /// Elements computed.
    done: u64,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.named();
    let input = input::open(&args.input, &args.tensor)?;
    let started = Instant::now();
    let stop = Stop::on_signals();
    let output = Output::create(&args.output, &args.input, args.force)?;
    let engine = args.place.open(&input).map_err(|error| Failure::file(&args.input, error))?;
    let bar = progress::bar(input.elements(), args.quiet);
    let mut run = Run { args, f, input, output, engine, stop, bar, done: 0 };

    run.output.write(&run.input.header)?;
    for section in std::mem::take(&mut run.input.sections) {
        match section.computed {
            None => run.carry_over(section.bytes)?,
            Some((Dtype::F16, elements)) => run.compute::<f16>(elements, &section)?,
            Some((Dtype::Bf16, elements)) => run.compute::<bf16>(elements, &section)?,
            Some((Dtype::F32, elements)) => run.compute::<f32>(elements, &section)?,
            Some((Dtype::F64, elements)) => run.compute::<f64>(elements, &section)?,
        }
        run.input.sections.push(section);
    }
    run.output.finish()?;
    run.bar.finish_and_clear();
    if !args.quiet {
        let place = args.place.describe(&run.engine, &run.input);
        super::say(&summary(&place, &run.input, started.elapsed().as_secs_f64(), args.verify));
    }
    Ok(())
}

impl Run<'_> {
    fn compute<T: Element>(&mut self, elements: u64, section: &Section) -> Result<(), Failure> {
        let fail = |what: String| Failure::file(&self.args.input, what);
        let (mut x, mut y) = (Vec::<T>::new(), Vec::<T>::new());
        let mut left = elements;
        while left > 0 {
            let most = piece(&self.engine);
            let len = usize::try_from(left).map_or(most, |left| left.min(most));
            x.resize(len, T::zeroed());
            y.resize(len, T::zeroed());
            self.input.read(&mut x).map_err(fail)?;
            self.stop.check()?;
            self.engine.apply_blocking(self.f, &x, &mut y).map_err(|error| fail(error.to_string()))?;
            if self.args.verify {
                let index = elements.saturating_sub(left);
                let ran =
                    if T::ON_GPU { self.engine.executed_on() } else { ExecutedOn::Cpu { threads: cpu::threads() } };
                verify(self.f, &ran, &x, &y, index, section.name.as_deref()).map_err(fail)?;
            }
            self.output.write(bytemuck::cast_slice(&y))?;
            left = left.saturating_sub(len as u64);
            self.done = self.done.saturating_add(len as u64);
            self.bar.set_position(self.done);
        }
        Ok(())
    }

    fn carry_over(&mut self, bytes: u64) -> Result<(), Failure> {
        let mut buffer = Vec::new();
        let mut left = bytes;
        let most = piece(&self.engine);
        while left > 0 {
            let len = usize::try_from(left).map_or(most, |left| left.min(most));
            buffer.resize(len, 0_u8);
            self.input.read(&mut buffer).map_err(|what| Failure::file(&self.args.input, what))?;
            self.stop.check()?;
            self.output.write(&buffer)?;
            left = left.saturating_sub(len as u64);
        }
        Ok(())
    }
}

/// `index`: of the first element in its array or tensor.
fn verify<T: Element>(
    f: HardSigmoid,
    ran: &ExecutedOn,
    x: &[T],
    y: &[T],
    index: u64,
    tensor: Option<&str>,
) -> Result<(), String> {
    let (difference, other) = match ran {
        ExecutedOn::Gpu { .. } => (validate::first_mismatch(f, x, y), "the CPU path"),
        _ => (validate::first_out_of_bound(f, x, y), "the f64 evaluation"),
    };
    let Some(mut difference) = difference else { return Ok(()) };
    difference.index = difference.index.saturating_add(index);
    let tensor = tensor.map_or(String::new(), |name| format!("tensor {name:?}, "));
    Err(format!("{tensor}{difference} by {other}; nothing was written, please report it with this line ({ran})"))
}

fn summary(place: &str, input: &Input, seconds: f64, verified: bool) -> String {
    let computed: Vec<_> = input.sections.iter().filter(|section| section.computed.is_some()).collect();
    let bytes = computed.iter().map(|section| section.bytes).fold(0, u64::saturating_add);
    let mut kinds: Vec<_> = computed.iter().map(|section| section.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut what = format!("{} {} elements", input.elements(), kinds.join(" and "));
    if computed.iter().any(|section| section.name.is_some()) {
        let others = input.sections.len().saturating_sub(computed.len());
        what.push_str(&format!(" of {} tensors, {others} others carried over,", computed.len()));
    }
    let speed = bytes as f64 * 2e-9 / seconds;
    let verified = if verified { ", verified" } else { "" };
    format!("{place}: {what} in {seconds:.3} s, {speed:.2} GB/s read and written{verified}")
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
