//! `hard-sigmoid backward`

use std::path::{Path, PathBuf};
use std::time::Instant;

use hard_sigmoid::{Backward, Element, Engine};
use indicatif::ProgressBar;

use super::backend::{self, BackendArgs};
use super::console::{self, Failure};
use super::dtype::{Dtype, with_type};
use super::function::FunctionArgs;
use super::input::{Header, Input, InputArgs};
use super::layout::{Layout, Section};
use super::output::Output;
use super::stop::Stop;
use super::{apply, progress};

/// Compute the gradients with respect to x from those with respect to y
///
/// Where alpha*x + beta lies strictly between 0 and 1, the gradient is multiplied by alpha. Elsewhere it is 0, as in
/// PyTorch.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The .npy file with x, or with y and --from-output
    x: PathBuf,
    /// The .npy file with the gradients with respect to y, of the same shape and type
    grad: PathBuf,
    /// The .npy file to write, with the header of GRAD
    output: PathBuf,
    /// Read y, the results of the function, instead of x
    #[arg(long)]
    from_output: bool,
    /// The type of the elements, if the dtype of the files gives only their size
    ///
    /// NumPy saves arrays of bfloat16 (ml_dtypes, JAX) with dtype V2: use `--element bf16`.
    #[arg(long, value_enum)]
    element: Option<Dtype>,
    #[command(flatten)]
    function: FunctionArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Replace OUTPUT if it exists
    #[arg(long)]
    force: bool,
    /// Do not print progress or a summary
    #[arg(long)]
    quiet: bool,
}

/// An open file.
struct Opened {
    input: Input,
    header: Header,
    arguments: InputArgs,
}

impl Opened {
    fn new(path: &Path, element: Option<Dtype>) -> Result<Self, Failure> {
        let arguments = InputArgs { input: path.to_owned(), tensor: Vec::new(), element };
        let (input, header) = arguments.open()?;
        if header.is_npy() {
            return Ok(Self { input, header, arguments });
        }
        Err(input.failure("is a .safetensors file: save each tensor with numpy.save"))
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    let backward = if args.from_output { f.backward_from_output() } else { f.backward() };
    let x = Opened::new(&args.x, args.element)?;
    let grad = Opened::new(&args.grad, args.element)?;
    let [x_layout, layout] = [x.arguments.layout(&x.header)?, grad.arguments.layout(&grad.header)?];
    let described = |layout: &Layout<'_>| {
        let types = layout.sections.iter().filter_map(|section| Some(section.dtype?.name()));
        format!("{} elements in {}", types.collect::<String>(), layout.shape)
    };
    let [of_x, of_grad] = [&x_layout, &layout].map(described);
    if of_x != of_grad {
        let x = args.x.display();
        return Err(grad
            .input
            .failure(format!("has {of_grad}, but {x} has {of_x}: pass arrays of one type and shape")));
    }

    let started = Instant::now();
    let mut run = Run {
        backward,
        stop: Stop::on_signals(),
        output: Output::create(&args.output, layout.extension, &[&args.x, &args.grad], args.force)?,
        engine: args.backend.open(&grad.input, &layout)?,
        bar: progress::bar(layout.elements(), args.quiet),
        x: x.input,
        grad: grad.input,
    };
    run.output.write(&layout.header)?;
    for (of_x, of_grad) in x_layout.sections.iter().zip(&layout.sections) {
        if let Some(dtype) = of_grad.dtype {
            with_type!(dtype, T => run.compute::<T>(of_x, of_grad))?;
        }
    }
    run.output.finish()?;
    run.bar.finish_and_clear();
    if !args.quiet {
        let summary = apply::summary(&layout, 3, started.elapsed().as_secs_f64());
        console::log(&format!("{summary}, on {}", backend::describe(&run.engine, &layout)));
    }
    Ok(())
}

struct Run {
    backward: Backward,
    stop: Stop,
    output: Output,
    engine: Engine,
    bar: ProgressBar,
    x: Input,
    grad: Input,
}

impl Run {
    fn compute<T: Element>(&mut self, of_x: &Section<'_>, of_grad: &Section<'_>) -> Result<(), Failure> {
        let (mut saved, mut data) = (Vec::<T>::new(), Vec::<T>::new());
        for len in backend::pieces(&self.engine, of_grad.elements()) {
            saved.resize(len, T::zeroed());
            data.resize(len, T::zeroed());
            self.x.read(of_x, &mut saved)?;
            self.grad.read(of_grad, &mut data)?;
            self.stop.check()?;
            let computed = self.engine.backward_in_place_blocking(self.backward, &saved, &mut data);
            computed.map_err(|error| self.grad.failure(error))?;
            of_grad.swap_bytes(&mut data);
            self.output.write(bytemuck::cast_slice(&data))?;
            self.bar.inc(len as u64);
        }
        Ok(())
    }
}
