//! `hard-sigmoid backward`

use std::path::{Path, PathBuf};
use std::time::Instant;

use hard_sigmoid::{Backward, Element, Engine};
use hard_sigmoid_files::{Data, Dtype, Header, Input, Layout, STANDARD, Section, Selection, with_type};

use super::backend::BackendArgs;
use super::console::{self, Failure};
use super::container::Container;
use super::function::FunctionArgs;
use super::output::{Output, is_pipe};
use super::pieces;
use super::progress::Progress;
use super::ran::Ran;
use super::selection::dtype;
use super::stop::Stop;
use super::summary::Computed;

/// Compute the gradients with respect to x from those with respect to y
///
/// Where alpha*x + beta lies strictly between 0 and 1, the gradient is multiplied by alpha. Elsewhere it is 0, as in
/// PyTorch.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid backward x.npy grad_y.npy grad_x.npy --preset pytorch
  hard-sigmoid backward y.npy grad_y.npy gx.npy --from-output --preset onnx")]
pub(crate) struct Args {
    /// The .npy file with x, or with y and --from-output. - is stdin
    x: PathBuf,
    /// The .npy file with the gradients with respect to y, of the same shape and type. - is stdin
    grad: PathBuf,
    /// The .npy file to write, with the header of GRAD. - is stdout
    output: PathBuf,
    /// Read y, the results of the function, instead of x
    #[arg(long)]
    from_output: bool,
    /// The type of the elements, if the dtype of the files gives only their size
    ///
    /// NumPy saves arrays of bfloat16 (ml_dtypes, JAX) with dtype V2: use `--element bf16`.
    #[arg(long, value_parser = dtype())]
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

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    let backward = if args.from_output { f.backward_from_output() } else { f.backward() };
    if [&args.x, &args.grad].iter().all(|path| path.as_os_str() == STANDARD) {
        return Err(Failure::Usage("stdin cannot be both X and GRAD: name a file for one of them".into()));
    }
    let selection = Selection { element: args.element, ..Selection::default() };
    let [(mut x, x_header), (mut grad, header)] = [open(&args.x)?, open(&args.grad)?];
    let [x_layout, layout] = [x_header.layout(&x, &selection)?, header.layout(&grad, &selection)?];
    let described = |layout: &Layout<'_>| {
        let types = layout.sections.iter().filter_map(|section| Some(section.dtype?.name()));
        let order = if layout.is_fortran { " and Fortran order" } else { "" };
        format!("{} elements in shape {:?}{order}", types.collect::<String>(), layout.shape)
    };
    let [of_x, of_grad] = [&x_layout, &layout].map(described);
    if of_x != of_grad {
        let x = args.x.display();
        let message = format!("has {of_grad}, but {x} has {of_x}: pass arrays of one type and shape");
        return Err(grad.failure(message).into());
    }

    let started = Instant::now();
    let mut opener = args.backend.opener();
    // Before the output is created, so that a signal removes it.
    let waits = x.is_stream() || grad.is_stream() || is_pipe(&args.output);
    let stop = if waits { Stop::by_default() } else { Stop::on_signals() };
    let output = Output::create(&args.output, layout.format.extension(), &[&args.x, &args.grad], args.force)?;
    let (engine, bar) = (opener.engine(&grad, &layout)?, Progress::bytes(layout.bytes(), args.quiet));
    let mut output = Container::new(output, &mut grad, &layout)?;
    let mut run = Run { backward, stop, engine, bar };
    for (i, (of_x, of_grad)) in x_layout.sections.iter().zip(&layout.sections).enumerate() {
        if let Some(dtype) = of_grad.dtype {
            output.begin(&mut grad, i, of_grad)?;
            let (mut x, mut grad) = (x.data(i, of_x)?, grad.data(i, of_grad)?);
            with_type!(dtype, T => run.compute::<T>([of_x, of_grad], [&mut x, &mut grad], &mut output))?;
        }
    }
    x.finish()?;
    grad.finish()?;
    output.finish()?;
    run.bar.clear();
    if !args.quiet {
        let ran = Ran::of(run.engine, &layout);
        let seconds = started.elapsed().as_secs_f64() - opener.seconds;
        console::log(&format!("{}, on {ran}", Computed::of(&layout).text(3, seconds)));
    }
    Ok(())
}

/// Opens a `.npy` file.
fn open(path: &Path) -> Result<(Input, Header), Failure> {
    let (input, header) = hard_sigmoid_files::open(path)?;
    match header {
        Header::Npy(_) => Ok((input, header)),
        _ => Err(input.failure("is not a .npy file: save each array or tensor with numpy.save").into()),
    }
}

struct Run<'a> {
    backward: Backward,
    stop: Stop,
    engine: &'a mut Engine,
    bar: Progress,
}

impl Run<'_> {
    fn compute<T: Element>(
        &mut self,
        sections: [&Section<'_>; 2],
        data: [&mut Data<'_>; 2],
        output: &mut Container,
    ) -> Result<(), Failure> {
        let [_, of_grad] = sections;
        let most = pieces::elements::<T>(self.engine);
        pieces::each(most, sections, data, |data, [saved, grad]: &mut [Vec<T>; 2]| {
            self.stop.check()?;
            self.engine.backward_in_place_blocking(self.backward, saved, grad).map_err(|error| data.failure(error))?;
            output.write(of_grad, grad)?;
            self.bar.add(size_of_val(grad.as_slice()) as u64);
            Ok(())
        })
    }
}
