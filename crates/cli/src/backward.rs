//! `hard-sigmoid backward`

use std::path::PathBuf;

use hard_sigmoid_files::STANDARD;

use super::backend::BackendArgs;
use super::console::{self, Failure};
use super::function::FunctionArgs;
use super::selection::SelectionArgs;
use super::transform::{Operation, Run};

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
    /// The .npy, .npz or .safetensors file with x, or with y and --from-output. - is stdin
    x: PathBuf,
    /// The file with the gradients with respect to y: of the same format, with the same arrays or tensors. - is stdin
    grad: PathBuf,
    /// The file to write, which is GRAD but for its elements. - is stdout
    output: PathBuf,
    /// Read y, the results of the function, instead of x
    #[arg(long)]
    from_output: bool,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    function: FunctionArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Replace OUTPUT if it exists
    #[arg(short, long)]
    force: bool,
    /// Do not print progress or a summary
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    let backward = if args.from_output { f.backward_from_output() } else { f.backward() };
    if [&args.x, &args.grad].iter().all(|path| path.as_os_str() == STANDARD) {
        return Err(Failure::Usage("stdin cannot be both X and GRAD: name a file for one of them".into()));
    }
    let (operation, opener, stop, bar) =
        (Operation::Backward { backward, saved: &args.x }, args.backend.opener(), None, None);
    let mut run = Run { operation, force: args.force, quiet: args.quiet, opener, stop, bar };
    let done = run.file(&args.grad, &args.output, &args.selection.selection())?;
    if !args.quiet {
        console::log(&run.summary(&done));
    }
    Ok(())
}
