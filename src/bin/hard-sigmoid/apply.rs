//! `hard-sigmoid apply`

mod batch;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Instant;

use hard_sigmoid::{Element, Engine, ExecutedOn, HardSigmoid, cpu};
use serde_json::{Value, json};

use super::backend::{self, BackendArgs, Opener};
use super::console::{self, Failure};
use super::dtype::{Dtype, with_type};
use super::function::FunctionArgs;
use super::input::{self, Data, Header, Input, STANDARD, Selection};
use super::layout::{Layout, Section};
use super::list::ListArgs;
use super::npz;
use super::output::Output;
use super::progress::Progress;
use super::stop::Stop;
use super::summary::{Computed, join, path_json};
use verify::verify;

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
  hard-sigmoid apply model.safetensors out.safetensors --preset pytorch --tensor a
  hard-sigmoid apply - - --alpha 0.25 --beta 0.5 < x.npy > piped.npy
  hard-sigmoid apply *.npy --output-dir out --preset onnx
  hard-sigmoid apply --files-from list --output-dir parts --shard 1/4 --preset onnx"
)]
pub(crate) struct Args {
    /// The input and the output, or the inputs for --output-dir. - is stdin or stdout
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the outputs to this folder, under the names of the inputs
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    #[command(flatten)]
    list: ListArgs,
    #[command(flatten)]
    selection: Selection,
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
    #[arg(long)]
    force: bool,
    /// Print a JSON object for each input to stdout, instead of a summary to stderr
    #[arg(long)]
    json: bool,
    /// Do not print progress or a summary
    #[arg(long)]
    quiet: bool,
}

/// What the files of a call share.
struct Run<'a> {
    f: HardSigmoid,
    args: &'a Args,
    opener: Opener<'a>,
    stop: Option<Stop>,
    /// None for a single file, which has its own.
    bar: Option<Progress>,
}

/// What was done with a file.
#[derive(Default)]
struct Done {
    computed: Computed,
    /// Without the time in which a GPU was opened.
    seconds: f64,
    executed_on: String,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    let mut run = Run { f, args, opener: args.backend.opener(), stop: None, bar: None };
    if let Some(folder) = &args.output_dir {
        return batch::run(&mut run, folder);
    }
    if args.list.files_from.is_some() || args.list.shard.is_some() {
        return Err(Failure::Usage("--files-from and --shard are for many inputs: add --output-dir DIR".into()));
    }
    let [input, output] = args.files.as_slice() else {
        let remedy = "pass INPUT and OUTPUT, or many inputs and --output-dir DIR";
        return Err(Failure::Usage(format!("{} files given: {remedy}", args.files.len())));
    };
    if super::index::is_index(input) {
        return Err(Failure::Usage("an index stands for several files: use --output-dir DIR instead of OUTPUT".into()));
    }
    if args.json && output.as_os_str() == STANDARD {
        return Err(Failure::Usage("stdout cannot have both the output and --json: name a file as the output".into()));
    }
    let done = run.file(input, output, &args.selection)?;
    if args.json {
        console::print(&format!("{}\n", run.json(&done, input, output)))?;
    } else if !args.quiet {
        let Done { computed, seconds, executed_on } = done;
        console::log(&format!("{}{}, on {executed_on}", computed.text(2, seconds), run.verified()));
    }
    Ok(())
}

impl Run<'_> {
    /// Computes a file.
    fn file(&mut self, input: &Path, output: &Path, selection: &Selection) -> Result<Done, Failure> {
        let started = Instant::now();
        let (mut data, header) = input::open(input)?;
        let layout = header.layout(&data, selection)?;
        let signals = || if data.is_stream() { Stop::by_default() } else { Stop::on_signals() };
        let stop = self.stop.get_or_insert_with(signals);
        let mut output = Output::create(output, layout.extension, &[input], self.args.force)?;
        let opening = self.opener.seconds;
        let engine = self.opener.engine(&data, &layout)?;
        let mut own_bar = None;
        let bar = match &mut self.bar {
            Some(bar) => bar,
            None => own_bar.insert(Progress::bytes(layout.bytes(), self.args.quiet)),
        };
        let mut work = Work { f: self.f, verify: self.args.verify, engine, stop, bar };
        match &header {
            Header::Npz(members) => work.archive(&mut data, members, selection, &layout, &output)?,
            _ => work.sections(&mut data, &layout, &mut output)?,
        }
        data.finish()?;
        output.finish()?;
        let executed_on = backend::describe(work.engine, &layout);
        if let Some(bar) = own_bar {
            bar.clear();
        }
        let seconds = started.elapsed().as_secs_f64() - (self.opener.seconds - opening);
        Ok(Done { computed: Computed::of(&layout), seconds, executed_on })
    }

    fn verified(&self) -> &'static str {
        if self.args.verify { ", verified" } else { "" }
    }

    fn json(&self, done: &Done, input: &Path, output: &Path) -> Value {
        let how = json!({
            "preset": self.f.preset(),
            "alpha": self.f.alpha(),
            "beta": self.f.beta(),
            "seconds": done.seconds,
            "ran": done.executed_on,
            "verified": self.args.verify,
        });
        let paths = join(path_json("file", input), path_json("output", output));
        join(join(paths, done.computed.json()), how)
    }
}

/// The work on a file.
struct Work<'a> {
    f: HardSigmoid,
    verify: bool,
    engine: &'a mut Engine,
    stop: &'a Stop,
    bar: &'a mut Progress,
}

impl Work<'_> {
    fn sections(&mut self, input: &mut Input, layout: &Layout<'_>, output: &mut Output) -> Result<(), Failure> {
        output.write(&layout.header)?;
        for (i, section) in layout.sections.iter().enumerate() {
            let mut data = input.data(i, section)?;
            let write = |bytes: &[u8]| output.write(bytes);
            match section.dtype {
                Some(dtype) => with_type!(dtype, T => self.compute::<T>(section, &mut data, write))?,
                None => self.copy(section, &mut data, write)?,
            }
        }
        Ok(())
    }

    fn archive(
        &mut self,
        input: &mut Input,
        members: &[npz::Member],
        selection: &Selection,
        layout: &Layout<'_>,
        output: &Output,
    ) -> Result<(), Failure> {
        let fail = |error| output.failure(&error);
        let (Some(archive), Some(file)) = (input.archive(), output.file()?) else { return Ok(()) };
        let mut writer = npz::Writer::new(file, archive);
        for (i, (section, member)) in layout.sections.iter().zip(members).enumerate() {
            let Some(archive) = input.archive() else { continue };
            self.stop.check()?;
            let Some(dtype) = section.dtype else {
                writer.copy(archive, i).map_err(fail)?;
                self.bar.add(section.bytes);
                continue;
            };
            let header =
                npz::array(member, selection).map_err(|message| output.failure(&std::io::Error::other(message)))?;
            writer.start(archive, i, &header.header).map_err(fail)?;
            let mut data = input.data(i, section)?;
            let write = |bytes: &[u8]| writer.write(bytes).map_err(fail);
            with_type!(dtype, T => self.compute::<T>(section, &mut data, write))?;
            data.finish()?;
        }
        writer.finish().map_err(fail)
    }

    fn compute<T: Element>(
        &mut self,
        section: &Section<'_>,
        data: &mut Data<'_>,
        mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut x, mut y) = (Vec::<T>::new(), Vec::<T>::new());
        let mut done = 0_u64;
        for len in backend::pieces(self.engine, section.elements()) {
            x.resize(len, T::zeroed());
            y.resize(len, T::zeroed());
            data.read(section, &mut x)?;
            self.stop.check()?;
            self.engine.apply_blocking(self.f, &x, &mut y).map_err(|error| data.failure(error))?;
            if self.verify {
                let cpu = ExecutedOn::Cpu { threads: cpu::threads() };
                let executed_on = if T::ON_GPU { self.engine.executed_on() } else { cpu };
                verify(self.f, &executed_on, &x, &y, done, section.name.as_deref())
                    .map_err(|error| data.failure(error))?;
            }
            section.swap_bytes(&mut y);
            write(bytemuck::cast_slice(&y))?;
            done = done.saturating_add(len as u64);
            self.bar.add(size_of_val(y.as_slice()) as u64);
        }
        Ok(())
    }

    fn copy(
        &mut self,
        section: &Section<'_>,
        data: &mut Data<'_>,
        mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut buffer = Vec::new();
        for len in backend::pieces(self.engine, section.bytes) {
            buffer.resize(len, 0_u8);
            data.read(section, &mut buffer)?;
            self.stop.check()?;
            write(&buffer)?;
            self.bar.add(len as u64);
        }
        Ok(())
    }
}
