//! `hard-sigmoid stats`

use std::path::PathBuf;

use hard_sigmoid::{Element, Engine, HardSigmoid, Saturation};
use serde_json::{Value, json};

use super::backend::{self, BackendArgs};
use super::console::{Failure, escape, print};
use super::dtype::{Dtype, with_type};
use super::function::{self, FunctionArgs};
use super::input::Input;
use super::stop::Stop;

/// The fraction of saturated results above which the command gives advice.
const ADVICE_THRESHOLD: f64 = 0.5;

/// Count the results that would be 0, 1, in between, or NaN, without writing them
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A .npy or .safetensors file, as for `hard-sigmoid apply`
    input: PathBuf,
    #[command(flatten)]
    function: FunctionArgs,
    /// Count only this tensor (can be repeated) [default: all supported tensors]
    #[arg(long, value_name = "NAME")]
    tensor: Vec<String>,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// The counts of an array or a tensor.
struct Counted<'a> {
    name: Option<&'a str>,
    dtype: Dtype,
    counts: Saturation,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.required()?;
    let (mut input, layout) = Input::open(&args.input, &args.tensor)?;
    let stop = Stop::on_signals();
    let mut engine = args.backend.open(&input, &layout)?;
    let mut all = Vec::new();
    for section in &layout.sections {
        let Some(dtype) = section.dtype else {
            input.skip(section.bytes)?;
            continue;
        };
        let elements = section.elements();
        let counts = with_type!(dtype, T => count::<T>(f, &mut input, elements, &mut engine, &stop))?;
        all.push(Counted { name: section.name.as_deref(), dtype, counts });
    }
    let total = all.iter().map(|counted| counted.counts).sum();
    let executed_on = backend::describe(&engine, &layout);
    let path = args.input.display().to_string();
    print(&if args.json {
        json(&path, f, &all, total, &executed_on)
    } else {
        text(&escape(&path), f, &all, total, &executed_on)
    })
}

fn count<T: Element>(
    f: HardSigmoid,
    input: &mut Input,
    elements: u64,
    engine: &mut Engine,
    stop: &Stop,
) -> Result<Saturation, Failure> {
    let pieces = backend::pieces(engine, elements);
    let mut x = Vec::<T>::new();
    let count = |len| {
        x.resize(len, T::zeroed());
        input.read(&mut x)?;
        stop.check()?;
        engine.saturation_blocking(f, &x).map_err(|error| input.failure(error))
    };
    pieces.map(count).sum()
}

fn text(path: &str, f: HardSigmoid, all: &[Counted<'_>], total: Saturation, executed_on: &str) -> String {
    let preset = function::preset(f).map_or(String::new(), |name| format!("{name}, "));
    let mut text = format!("{path}: {preset}clamp({} x + {}, 0, 1), on {executed_on}\n", f.alpha(), f.beta());
    for Counted { name, dtype, counts } in all {
        let name = name.map_or(String::new(), |name| format!("{name:?}, "));
        text.push_str(&table(&format!("{name}{} {} elements", counts.total(), dtype.name()), *counts));
    }
    if all.len() > 1 {
        text.push_str(&table(&format!("all {} elements", total.total()), total));
    }
    if let Some(advice) = advice(f, total) {
        text.push_str(&format!("{advice}\n"));
    }
    text
}

fn table(title: &str, counts: Saturation) -> String {
    let total = counts.total().max(1) as f64;
    let mut table = format!("  {title}\n");
    let rows = [("at 0", counts.zero), ("inside", counts.inside), ("at 1", counts.one), ("NaN", counts.nan)];
    for (label, n) in rows {
        table.push_str(&format!("    {label:<6} {n:>14}  {:>6.2} %\n", n as f64 / total * 100.0));
    }
    table
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

fn json(path: &str, f: HardSigmoid, all: &[Counted<'_>], total: Saturation, executed_on: &str) -> String {
    let tensors = all
        .iter()
        .map(|Counted { name, dtype, counts }| with_counts(json!({ "name": name, "element": dtype.name() }), *counts));
    let file = json!({
        "file": path,
        "preset": function::preset(f),
        "alpha": f.alpha(),
        "beta": f.beta(),
        "ran": executed_on,
        "tensors": tensors.collect::<Vec<_>>(),
        "advice": advice(f, total),
    });
    format!("{}\n", with_counts(file, total))
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
