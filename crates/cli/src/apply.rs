//! `hard-sigmoid apply`

mod batch;

use std::path::PathBuf;

use super::backend::BackendArgs;
use super::console::{self, Failure};
use super::function::FunctionArgs;
use super::index;
use super::list::ListArgs;
use super::output::is_pipe;
use super::selection::SelectionArgs;
use super::stop::Stop;
use super::transform::{Operation, Run};

/// Apply the function to files of numbers
///
/// A file is a .npy file, a .npz archive, or a .safetensors file, which is recognized by its contents. The output has
/// its format, shapes and types. The dtype of an array can be float16, float32 or float64, in either byte order. Of
/// tensors, F16, BF16, F32 and F64 are computed. Other arrays and tensors, and the metadata, are copied.
///
/// With --output-dir, there can be many inputs. Each output has the name of its input. If an input fails, the others
/// are still computed. An index such as model.safetensors.index.json stands for its files, and is copied.
#[derive(clap::Args)]
#[command(
    override_usage = "hard-sigmoid apply [OPTIONS] <INPUT> <OUTPUT>\n       \
                      hard-sigmoid apply [OPTIONS] --output-dir <DIR> <INPUT>...",
    after_help = "\
Examples:
  hard-sigmoid apply x.npy y.npy --preset onnx
  hard-sigmoid apply model.safetensors y.safetensors --preset onnx --tensor a
  hard-sigmoid apply - - --alpha 0.25 --beta 0.5 < x.npy > piped.npy
  hard-sigmoid apply *.npy --output-dir out --preset onnx
  hard-sigmoid apply --files-from list --output-dir d --shard 1/4 --preset onnx"
)]
pub(crate) struct Args {
    /// The input and the output, or the inputs for --output-dir. - is stdin or stdout
    ///
    /// If the output is a folder, the file in it has the name of the input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the outputs to this folder, which is created if there is none, under the names of the inputs
    #[arg(short, long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    #[command(flatten)]
    list: ListArgs,
    #[command(flatten)]
    selection: SelectionArgs,
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
    /// Replace outputs that exist
    #[arg(short, long)]
    force: bool,
    /// Print a JSON object for each input to stdout, instead of a summary to stderr
    #[arg(long)]
    json: bool,
    /// Do not print progress or a summary
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    if args.json {
        console::check_stdout()?;
    }
    let operation = Operation::Apply { f, verify: args.verify };
    let (opener, stop, bar) = (args.backend.opener(), None, None);
    let mut run = Run { operation, force: args.force, quiet: args.quiet, opener, stop, bar };
    if let Some(folder) = &args.output_dir {
        let items = args.list.items(&args.files, &args.selection.selection())?;
        batch::check_names(&items)?;
        batch::check_outputs(&items, folder)?;
        let stop = Stop::on_signals(false);
        batch::create_folder(&items, folder)?;
        run.stop = Some(stop.clone());
        return batch::run(&mut run, &stop, &args.list.part(items), folder, args.json);
    }
    if args.list.files_from.is_some() || args.list.shard.is_some() {
        return Err(Failure::Usage("--files-from and --shard are for many inputs: add --output-dir DIR".into()));
    }
    let [input, output] = args.files.as_slice() else {
        let remedy = "pass INPUT and OUTPUT, or many inputs and --output-dir DIR";
        return Err(Failure::Usage(format!(
            "{} given: {remedy}",
            if args.files.len() == 1 { "1 file".into() } else { format!("{} files", args.files.len()) }
        )));
    };
    if index::is_index(input) {
        return Err(Failure::Usage("an index stands for several files: use --output-dir DIR instead of OUTPUT".into()));
    }
    // As with cp, a folder takes the output under the name of the input.
    let inside = input.file_name().filter(|_| output.is_dir() && !is_pipe(input));
    let output = &inside.map_or_else(|| output.clone(), |name| output.join(name));
    if args.json && is_pipe(output) {
        return Err(Failure::Usage("stdout cannot have both the output and --json: name a file as the output".into()));
    }
    let done = run.file(input, output, &args.selection.selection())?;
    if args.json {
        run.print_json(&done, input, output)?;
    } else if !args.quiet {
        console::log(&run.summary(&done));
    }
    Ok(())
}
