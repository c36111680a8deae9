//! `hard-sigmoid plot`

mod bins;
mod curve;
mod derivative;
mod format;
mod functions;
mod histogram;
mod panel;
mod pen;
mod target;

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use format::Format;
use functions::{FunctionsArgs, Range};
use hard_sigmoid::{Dtype, HardSigmoid};
use hard_sigmoid_files::Selection;

use super::console::Failure;
use super::function::SELECT;
use super::output::Output;
use super::selection::dtype;
use super::stop::Stop;

/// Draw functions, their derivatives, or a histogram of a file before and after a function
///
/// Without --preset, --alpha and --beta, the functions of all presets are drawn.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid plot curve.svg --preset onnx --sigmoid
  hard-sigmoid plot --alpha 0.25 --beta 0.5 --preset pytorch --range -4:4
  hard-sigmoid plot derivative.png --derivative
  hard-sigmoid plot histogram.svg --histogram x.npy --preset pytorch")]
pub(crate) struct Args {
    /// The picture to write, which ends in .svg or .png [default: text on stdout]
    output: Option<PathBuf>,
    #[command(flatten)]
    functions: FunctionsArgs,
    /// Draw the logistic sigmoid 1/(1 + e^-x), too, and mark the largest gap to each function
    ///
    /// With --derivative, its derivative is drawn, and no gaps are marked.
    #[arg(long)]
    sigmoid: bool,
    /// Draw the derivatives: alpha within the ramp, and 0 outside and at the edges
    #[arg(long)]
    derivative: bool,
    /// The range of x [default: -6:6, and more if a ramp extends beyond it]
    #[arg(long, value_name = "A:B", allow_hyphen_values = true)]
    range: Option<Range>,
    /// Draw a histogram of this file (- for stdin), before and after one function
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sigmoid", "derivative", "range"])]
    histogram: Option<PathBuf>,
    /// Count only this tensor of the file (can be repeated) [default: all supported tensors]
    #[arg(long, value_name = "NAME", requires = "histogram")]
    tensor: Vec<String>,
    /// The type of the elements, if the dtype of an array gives only their size
    #[arg(long, value_parser = dtype(), ignore_case = true, requires = "histogram")]
    element: Option<Dtype>,
    /// Replace OUTPUT if it exists
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn run(args: &Args, matches: &ArgMatches) -> Result<(), Failure> {
    let functions = args.functions.all(matches)?;
    let path = args.output.as_deref();
    let format = Format::of(path)?;
    // A signal removes an output that is not complete.
    let _stop = Stop::on_signals(true);
    // Called before the work begins. "svg" stands for .png as well, since only names of other data formats are refused.
    let open = |inputs: &[&Path]| path.map(|path| Output::create(path, "svg", inputs, args.force)).transpose();
    if let Some(file) = &args.histogram {
        let [f] = *functions else {
            return Err(Failure::Usage(format!("--histogram needs exactly one function: {SELECT}")));
        };
        let output = open(&[file])?;
        let (tensor, element) = (args.tensor.clone(), args.element);
        let selection = Selection { tensor, element, ..Selection::default() };
        return target::write(histogram::panels(f, file, &selection, format)?, format, output);
    }
    let functions = if functions.is_empty() { HardSigmoid::PRESETS.map(|(_, f)| f).to_vec() } else { functions };
    let range = args.range.unwrap_or_else(|| Range::of_ramps(&functions));
    let draw = if args.derivative { derivative::panel } else { curve::panel };
    target::write(vec![draw(&functions, range, args.sigmoid, format)], format, open(&[])?)
}
