//! `hard-sigmoid apply`: a file in, a file out, piece by piece.

use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;
use hard_sigmoid::half::f16;
use hard_sigmoid::{Backend, Element, Engine, HardSigmoid, Ran, validate};

use super::function::Function;
use super::npy::{Dtype, Npy};
use super::output::Output;
use super::stop::Stop;
use super::{Failure, npy, progress};

/// Elements read, computed and written at a time: 8 to 32 MiB.
const PIECE: usize = 1 << 22;

/// Apply the function to every element of a .npy file.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A .npy file of dtype float16, float32 or float64 (little-endian), of any shape.
    input: PathBuf,
    /// Where the result goes: the same shape, order and dtype.
    output: PathBuf,
    #[command(flatten)]
    function: Function,
    /// Where to run. auto: a hardware GPU for large files if there is one, otherwise the CPU. gpu: any adapter, software
    /// ones included; WGPU_BACKEND (vulkan, gl, metal, dx12) and WGPU_ADAPTER_NAME (a part of the name) choose.
    #[arg(long, value_enum, default_value_t = Where::Auto)]
    backend: Where,
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

#[derive(Clone, Copy, ValueEnum)]
enum Where {
    Auto,
    Gpu,
    Cpu,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.named();
    let input = npy::open(&args.input)?;
    match input.dtype {
        Dtype::F16 => apply::<f16>(args, f, input),
        Dtype::F32 => apply::<f32>(args, f, input),
        Dtype::F64 => apply::<f64>(args, f, input),
    }
}

fn apply<T: Element>(args: &Args, f: HardSigmoid, mut input: Npy) -> Result<(), Failure> {
    let started = Instant::now();
    let stop = Stop::on_signals();
    let mut output = Output::create(&args.output, &args.input, args.force)?;
    let backend = match args.backend {
        Where::Auto if !T::ON_GPU => Backend::Cpu,
        Where::Auto => Backend::Auto,
        Where::Gpu => Backend::Gpu,
        Where::Cpu => Backend::Cpu,
    };
    let fail = |what: String| Failure::file(&args.input, what);
    let mut engine = Engine::open_blocking(backend, input.elements).map_err(|error| fail(error.to_string()))?;
    let bar = progress::bar(input.elements, args.quiet);

    output.write(&input.header)?;
    let mut done = 0;
    let (mut x, mut y) = (Vec::<T>::new(), Vec::<T>::new());
    while done < input.elements {
        let len = usize::try_from(input.elements.saturating_sub(done)).map_or(PIECE, |left| left.min(PIECE));
        x.resize(len, T::zeroed());
        y.resize(len, T::zeroed());
        input.file.read_exact(bytemuck::cast_slice_mut(&mut x)).map_err(|error| {
            fail(format!(
                "cannot be read to its end ({error}): it was shortened meanwhile, or its disk fails; try again"
            ))
        })?;
        stop.check()?;
        engine.apply_blocking(f, &x, &mut y).map_err(|error| fail(error.to_string()))?;
        if args.verify {
            verify(f, &engine.ran(), &x, &y, done).map_err(&fail)?;
        }
        output.write(bytemuck::cast_slice(&y))?;
        done = done.saturating_add(len as u64);
        bar.set_position(done);
    }
    output.finish()?;
    bar.finish_and_clear();
    if !args.quiet {
        summarise::<T>(
            &engine,
            matches!(args.backend, Where::Auto),
            done,
            started.elapsed().as_secs_f64(),
            args.verify,
        );
    }
    Ok(())
}

fn verify<T: Element>(f: HardSigmoid, ran: &Ran, x: &[T], y: &[T], done: u64) -> Result<(), String> {
    let (difference, other) = match ran {
        Ran::Gpu { .. } => (validate::first_unlike_eval(f, x, y), "the CPU path"),
        _ => (validate::first_out_of_bound(f, x, y), "the f64 evaluation"),
    };
    match difference {
        None => Ok(()),
        Some(mut difference) => {
            // The index in the file, not in the piece.
            difference.index = difference.index.saturating_add(done);
            Err(format!("{difference} by {other}; nothing was written, please report it with this line ({ran})"))
        }
    }
}

fn summarise<T: Element>(engine: &Engine, auto: bool, elements: u64, seconds: f64, verified: bool) {
    let why = match engine.fallback() {
        Some(why) => format!(" (auto: {why})"),
        None if auto && !T::ON_GPU => format!(" (auto: no GPU computes {})", T::NAME),
        None => String::new(),
    };
    let gigabytes = elements as f64 * size_of::<T>() as f64 * 2e-9;
    let verified = if verified { ", verified" } else { "" };
    super::say(&format!(
        "{}{why}: {elements} {} elements in {seconds:.3} s, {:.2} GB/s read and written{verified}",
        engine.ran(),
        T::NAME,
        gigabytes / seconds
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_names_the_element_of_the_file_the_input_and_both_values() {
        let f = HardSigmoid::ONNX;
        let x = [0.0_f32, 1.25, 9.0];
        let cpu = Ran::Cpu { threads: 1 };
        assert_eq!(verify(f, &cpu, &x, &[0.5, 0.75, 1.0], 4000), Ok(()));
        let message = verify(f, &cpu, &x, &[0.5, 0.7501, 1.0], 4000).unwrap_err();
        for part in ["element 4001:", "input 1.25e0", "gave 7.501e-1", "expected 7.5e-1", "the f64 evaluation"] {
            assert!(message.contains(part), "{part} is not in {message}");
        }
    }
}
