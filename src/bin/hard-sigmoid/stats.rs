//! `hard-sigmoid stats`

use std::io::{self, Write};

use hard_sigmoid::{Element, Engine, HardSigmoid, Saturation};
use serde_json::{Value, json};

use super::backend::{self, BackendArgs};
use super::console::{self, Failure, escape};
use super::dtype::{Dtype, with_type};
use super::function::FunctionArgs;
use super::input::{Input, InputArgs};
use super::layout::{Layout, Section};
use super::stop::Stop;

/// The fraction of saturated results above which the command gives advice.
const ADVICE_THRESHOLD: f64 = 0.5;

/// Count the results that would be 0, 1, in between, or NaN, without writing them
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    function: FunctionArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// The counts of a file.
struct Report<'a> {
    f: HardSigmoid,
    args: &'a Args,
    layout: &'a Layout<'a>,
    /// Of each section that is computed.
    counts: Vec<Saturation>,
    executed_on: String,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    let (mut input, header) = args.input.open()?;
    let layout = args.input.layout(&header)?;
    let stop = Stop::on_signals();
    let mut engine = args.backend.open(&input, &layout)?;
    let mut counts = Vec::new();
    for section in &layout.sections {
        match section.dtype {
            Some(dtype) => {
                counts.push(with_type!(dtype, T => count::<T>(f, &mut input, section, &mut engine, &stop))?);
            }
            None => input.skip(section.bytes)?,
        }
    }
    let executed_on = backend::describe(&engine, &layout);
    let report = Report { f, args, layout: &layout, counts, executed_on };
    console::print_with(|out| if args.json { report.json(out) } else { report.text(out) })
}

fn count<T: Element>(
    f: HardSigmoid,
    input: &mut Input,
    section: &Section<'_>,
    engine: &mut Engine,
    stop: &Stop,
) -> Result<Saturation, Failure> {
    let pieces = backend::pieces(engine, section.elements());
    let mut x = Vec::<T>::new();
    let count = |len| {
        x.resize(len, T::zeroed());
        input.read(section, &mut x)?;
        stop.check()?;
        engine.saturation_blocking(f, &x).map_err(|error| input.failure(error))
    };
    pieces.map(count).sum()
}

impl Report<'_> {
    fn total(&self) -> Saturation {
        self.counts.iter().copied().sum()
    }

    /// The name, the type and the counts of each tensor, or of the array.
    fn tensors(&self) -> impl Iterator<Item = (Option<&str>, Dtype, Saturation)> {
        let computed =
            self.layout.sections.iter().filter_map(|section| Some((section.name.as_deref(), section.dtype?)));
        computed.zip(&self.counts).map(|((name, dtype), counts)| (name, dtype, *counts))
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (f, path) = (self.f, escape(&self.args.input.input.display().to_string()));
        let preset = f.preset().map_or(String::new(), |name| format!("{name}, "));
        let function = format!("{preset}clamp({} x + {}, 0, 1)", f.alpha(), f.beta());
        writeln!(out, "{path}: {function}, on {}", self.executed_on)?;
        for (name, dtype, counts) in self.tensors() {
            let name = name.map_or(String::new(), |name| format!("{name:?}, "));
            table(out, &format!("{name}{} {} elements", counts.total(), dtype.name()), counts)?;
        }
        let total = self.total();
        if self.counts.len() > 1 {
            table(out, &format!("all {} elements", total.total()), total)?;
        }
        advice(f, total).map_or(Ok(()), |advice| writeln!(out, "{advice}"))
    }

    /// Writes one tensor at a time, because there may be millions.
    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let (f, total) = (self.f, self.total());
        let path = self.args.input.input.as_path();
        // JSON is Unicode, which a file name need not be.
        let bytes = path.to_str().is_none().then_some(path.as_os_str().as_encoded_bytes());
        let file = json!({
            "file": path.to_str(),
            "file_bytes": bytes,
            "preset": f.preset(),
            "alpha": f.alpha(),
            "beta": f.beta(),
            "ran": self.executed_on,
            "advice": advice(f, total),
        });
        let file = with_counts(file, total).to_string();
        write!(out, "{},\"tensors\":[", file.strip_suffix('}').unwrap_or_default())?;
        for (i, (name, dtype, counts)) in self.tensors().enumerate() {
            let tensor = with_counts(json!({ "name": name, "element": dtype.name() }), counts);
            write!(out, "{}{tensor}", if i == 0 { "" } else { "," })?;
        }
        writeln!(out, "]}}")
    }
}

fn table(out: &mut dyn Write, title: &str, counts: Saturation) -> io::Result<()> {
    let total = counts.total().max(1) as f64;
    writeln!(out, "  {title}")?;
    let rows = [("at 0", counts.zero), ("inside", counts.inside), ("at 1", counts.one), ("NaN", counts.nan)];
    rows.iter().try_for_each(|(label, n)| writeln!(out, "    {label:<6} {n:>14}  {:>6.2} %", *n as f64 / total * 100.0))
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

/// Adds `counts` to a JSON object.
fn with_counts(mut object: Value, counts: Saturation) -> Value {
    let fields = [
        ("elements", json!(counts.total())),
        ("zero", json!(counts.zero)),
        ("one", json!(counts.one)),
        ("inside", json!(counts.inside)),
        ("nan", json!(counts.nan)),
        ("saturated", json!(counts.fraction())),
    ];
    if let Some(object) = object.as_object_mut() {
        object.extend(fields.map(|(key, value)| (key.to_owned(), value)));
    }
    object
}
