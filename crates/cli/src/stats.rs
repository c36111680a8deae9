//! `hard-sigmoid stats`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hard_sigmoid::{Dtype, Element, Engine, HardSigmoid, Saturation, with_type};
use hard_sigmoid_files::{Data, Layout, STANDARD, Section, Selection};
use serde::Serialize;

use super::backend::{BackendArgs, Opener};
use super::console::{self, Failure, escape};
use super::function::{self, FunctionArgs};
use super::item::Action;
use super::json;
use super::list::ListArgs;
use super::pieces;
use super::ran::Ran;
use super::selection::SelectionArgs;
use super::summary::verdict;

/// The fraction of saturated results above which the command gives advice.
const ADVICE_THRESHOLD: f64 = 0.5;

/// Count the results that would be 0, 1, in between, or NaN, without writing them
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid stats x.npy --preset onnx
  hard-sigmoid stats model.safetensors --preset pytorch --json
  hard-sigmoid stats - --preset onnx < x.npy")]
pub(crate) struct Args {
    /// .npy, .npz or .safetensors files, or - for stdin
    ///
    /// The dtype of an array can be float16, float32 or float64, in either byte order. Of tensors, F16, BF16, F32 and
    /// F64 are counted. An index such as model.safetensors.index.json stands for its files.
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    list: ListArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    function: FunctionArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print a JSON object for each input
    #[arg(long)]
    json: bool,
}

/// The counts of a file.
struct Report<'a> {
    f: HardSigmoid,
    path: &'a Path,
    layout: &'a Layout<'a>,
    /// Of each section that is computed.
    counts: Vec<Saturation>,
    total: Saturation,
    ran: Ran,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    console::check_stdout()?;
    let items = args.list.part(args.list.items(&args.inputs, &args.selection.selection())?);
    let mut opener = args.backend.opener();
    let (mut total, mut failed) = (Saturation::default(), Vec::new());
    let items: Vec<_> = items.iter().filter(|item| !matches!(item.action, Action::Copy)).collect();
    let style = match items.len() {
        _ if args.json => Style::Json,
        0 | 1 => Style::Text,
        _ => Style::Row,
    };
    if style == Style::Row {
        console::print(&format!("{}\n      elements     at 0   inside     at 1      NaN  file\n", function::name(f)))?;
    }
    for item in &items {
        let counted = match &item.action {
            Action::Fail(message) => Err(Failure::file(&item.path, message)),
            Action::Compute(selection) => file(style, f, &item.path, selection, &mut opener),
            Action::Copy => continue,
        };
        match counted {
            Ok(counts) => total = [total, counts].into_iter().sum(),
            Err(failure) => {
                if args.json {
                    json::print(&json::Failed { file: item.path.as_path().into(), error: failure.message() })?;
                }
                if items.len() == 1 {
                    return Err(failure);
                }
                console::error(failure.message());
                failed.push(item.path.as_path());
            }
        }
    }
    if style == Style::Row {
        let files = items.len().saturating_sub(failed.len());
        console::print_with(|out| {
            row(out, &format!("sum of {files}"), total)?;
            advice(f, total).map_or(Ok(()), |advice| writeln!(out, "{advice}"))
        })?;
    }
    verdict(&failed, items.len())
}

/// How a file is reported.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Text,
    /// Of a table.
    Row,
    Json,
}

/// Counts and reports a file.
fn file(
    style: Style,
    f: HardSigmoid,
    path: &Path,
    selection: &Selection,
    opener: &mut Opener<'_>,
) -> Result<Saturation, Failure> {
    let (mut input, header) = hard_sigmoid_files::open(path)?;
    let layout = input.layout(&header, selection)?;
    let engine = opener.engine(&input, &layout)?;
    let mut counts = Vec::new();
    input.each_computed(&layout, |dtype, section, data| {
        counts.push(with_type!(dtype, T => count::<T>(f, data, section, engine))?);
        Ok::<_, Failure>(())
    })?;
    let (total, ran) = (counts.iter().copied().sum(), Ran::of(engine, &layout));
    let is_verbose = opener.is_verbose();
    let report = Report { f, path, layout: &layout, counts, total, ran };
    match style {
        Style::Text => console::print_with(|out| report.text(out, is_verbose)),
        Style::Row => {
            let on = if is_verbose { format!(", on {}", report.ran.text(true)) } else { String::new() };
            console::print_with(|out| row(out, &format!("{}{on}", report.name()), total))
        }
        Style::Json => report.print_json(),
    }?;
    Ok(total)
}

fn count<T: Element>(
    f: HardSigmoid,
    data: &mut Data<'_>,
    section: &Section<'_>,
    engine: &mut Engine,
) -> Result<Saturation, Failure> {
    let mut counts = Saturation::default();
    pieces::each(pieces::elements::<T>(engine), [section], [data], |data, [x]: &mut [Vec<T>; 1]| {
        let of_piece = engine.saturation_blocking(f, x).map_err(|error| data.failure(error))?;
        counts = [counts, of_piece].into_iter().sum();
        Ok(())
    })?;
    Ok(counts)
}

/// Counts in JSON.
#[derive(Serialize)]
struct Counts {
    elements: u64,
    zero: u64,
    one: u64,
    inside: u64,
    nan: u64,
    saturated: f64,
}

impl From<Saturation> for Counts {
    fn from(counts: Saturation) -> Self {
        let Saturation { zero, one, inside, nan } = counts;
        Self { elements: counts.total(), zero, one, inside, nan, saturated: counts.fraction() }
    }
}

impl Report<'_> {
    /// The name, the type and the counts of each tensor, or of the array.
    fn tensors(&self) -> impl Iterator<Item = (Option<&str>, Dtype, Saturation)> {
        let sections = self.layout.computed().zip(&self.counts);
        sections.filter_map(|(section, counts)| Some((section.name.as_deref(), section.dtype?, *counts)))
    }

    fn name(&self) -> String {
        if self.path.as_os_str() == STANDARD { "stdin".into() } else { escape(&self.path.display().to_string()) }
    }

    fn text(&self, out: &mut dyn Write, is_verbose: bool) -> io::Result<()> {
        let f = self.f;
        writeln!(out, "{}: {}, on {}", self.name(), function::name(f), self.ran.text(is_verbose))?;
        for (name, dtype, counts) in self.tensors() {
            let name = name.map_or(String::new(), |name| format!("{name:?}, "));
            table(out, &format!("{name}{} {} elements", counts.total(), dtype.name()), counts)?;
        }
        if self.counts.len() > 1 {
            table(out, &format!("all {} elements", self.total.total()), self.total)?;
        }
        advice(f, self.total).map_or(Ok(()), |advice| writeln!(out, "{advice}"))
    }

    /// Prints one tensor at a time, because there may be millions.
    fn print_json(&self) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Tensor<'a> {
            name: Option<&'a str>,
            element: &'static str,
            #[serde(flatten)]
            counts: Counts,
        }
        #[derive(Serialize)]
        struct Line<'a, T> {
            #[serde(flatten)]
            file: json::File<'a>,
            #[serde(flatten)]
            f: json::Function,
            ran: String,
            advice: Option<String>,
            #[serde(flatten)]
            counts: Counts,
            tensors: T,
        }
        let tensor = |(name, dtype, counts): (_, Dtype, Saturation)| Tensor {
            name,
            element: dtype.name(),
            counts: counts.into(),
        };
        json::print(&Line {
            file: self.path.into(),
            f: self.f.into(),
            ran: self.ran.text(true),
            advice: advice(self.f, self.total),
            counts: self.total.into(),
            tensors: json::Sequence(|| self.tensors().map(tensor)),
        })
    }
}

fn table(out: &mut dyn Write, title: &str, counts: Saturation) -> io::Result<()> {
    let total = counts.total().max(1) as f64;
    writeln!(out, "  {title}")?;
    let rows = [("at 0", counts.zero), ("inside", counts.inside), ("at 1", counts.one), ("NaN", counts.nan)];
    rows.iter().try_for_each(|(label, n)| writeln!(out, "    {label:<6} {n:>14}  {:>6.2} %", *n as f64 / total * 100.0))
}

/// Writes a row of the table for several files.
fn row(out: &mut dyn Write, name: &str, counts: Saturation) -> io::Result<()> {
    let Saturation { zero, one, inside, nan } = counts;
    let total = counts.total();
    let [zero, inside, one, nan] = [zero, inside, one, nan].map(|n| n as f64 / total.max(1) as f64 * 100.0);
    writeln!(out, "{total:>14} {zero:>6.2} % {inside:>6.2} % {one:>6.2} % {nan:>6.2} %  {name}")
}

/// Explains the effect of saturation on training, if it is large.
fn advice(f: HardSigmoid, total: Saturation) -> Option<String> {
    if f.alpha() == 0.0 {
        return Some("With alpha = 0 the function is constant, and every gradient is zero.".into());
    }
    let saturated = total.fraction();
    (saturated > ADVICE_THRESHOLD).then(|| {
        format!(
            "{:.0} % of the results are saturated. Nearly all of their gradients are zero, so they do not contribute \
             to training. Smaller weights, or a normalization before the activation, would reduce the saturation.",
            saturated * 100.0
        )
    })
}
