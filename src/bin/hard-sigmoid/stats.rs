//! `hard-sigmoid stats`: how much of a batch is saturated.

use std::path::PathBuf;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, Engine, HardSigmoid, Saturation};

use super::backend::{Place, piece};
use super::function::Function;
use super::input::{self, Dtype, Input};
use super::stop::Stop;
use super::{Failure, print, printable};

/// From this part of a batch on, what it means is said.
const MOST: f64 = 0.5;

/// Count how many results would be 0, 1, between, and NaN, without writing them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A .npy or .safetensors file, as for apply.
    input: PathBuf,
    #[command(flatten)]
    function: Function,
    /// Count this tensor of a .safetensors file, and others named so, instead of all that can be.
    #[arg(long, value_name = "NAME")]
    tensor: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// Print a JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// The counts of an array or a tensor.
struct Counted {
    name: Option<String>,
    kind: &'static str,
    counts: Saturation,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let f = args.function.named();
    let mut input = input::open(&args.input, &args.tensor)?;
    let fail = |what: String| Failure::file(&args.input, what);
    let stop = Stop::on_signals();
    let mut engine = args.place.open(&input).map_err(fail)?;
    let mut all = Vec::new();
    for section in std::mem::take(&mut input.sections) {
        let (input, engine) = (&mut input, &mut engine);
        let counts = match section.computed {
            None => input.skip(section.bytes).map(|()| None).map_err(fail)?,
            Some((Dtype::F16, n)) => Some(count::<f16>(args, f, input, n, engine, &stop)?),
            Some((Dtype::Bf16, n)) => Some(count::<bf16>(args, f, input, n, engine, &stop)?),
            Some((Dtype::F32, n)) => Some(count::<f32>(args, f, input, n, engine, &stop)?),
            Some((Dtype::F64, n)) => Some(count::<f64>(args, f, input, n, engine, &stop)?),
        };
        all.extend(counts.map(|counts| Counted { name: section.name.clone(), kind: section.kind, counts }));
        input.sections.push(section);
    }
    let total = all.iter().fold(Saturation::default(), |total, one| total + one.counts);
    let place = args.place.describe(&engine, &input);
    let path = args.input.display().to_string();
    print(&if args.json {
        json(&path, f, &all, total, &place)
    } else {
        text(&printable(&path), f, &all, total, &place)
    })
}

fn count<T: Element>(
    args: &Args,
    f: HardSigmoid,
    input: &mut Input,
    elements: u64,
    engine: &mut Engine,
    stop: &Stop,
) -> Result<Saturation, Failure> {
    let fail = |what: String| Failure::file(&args.input, what);
    let mut x = Vec::<T>::new();
    let (mut left, mut total) = (elements, Saturation::default());
    while left > 0 {
        let most = piece(engine);
        let len = usize::try_from(left).map_or(most, |left| left.min(most));
        x.resize(len, T::zeroed());
        input.read(&mut x).map_err(fail)?;
        stop.check()?;
        let counts = engine.saturation_blocking(f, &x).map_err(|error| fail(error.to_string()))?;
        total += counts;
        left = left.saturating_sub(len as u64);
    }
    Ok(total)
}

fn text(path: &str, f: HardSigmoid, all: &[Counted], total: Saturation, place: &str) -> String {
    let mut text = format!("{path}: clamp({} x + {}, 0, 1), on {place}\n", f.alpha(), f.beta());
    for Counted { name, kind, counts } in all {
        let name = name.as_ref().map_or(String::new(), |name| format!("{name:?}, "));
        text.push_str(&table(&format!("{name}{} {kind} elements", counts.total()), *counts));
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
    let all = counts.total().max(1) as f64;
    let mut table = format!("  {title}\n");
    let rows = [("at 0", counts.zero), ("inside", counts.inside), ("at 1", counts.one), ("NaN", counts.nan)];
    for (what, n) in rows {
        table.push_str(&format!("    {what:<6} {n:>14}  {:>6.2} %\n", n as f64 / all * 100.0));
    }
    table
}

/// What a saturated batch means, in plain words.
fn advice(f: HardSigmoid, total: Saturation) -> Option<String> {
    if f.alpha() == 0.0 {
        return Some("With alpha 0 the function is a constant, and every gradient is zero.".into());
    }
    // Of the numbers: a NaN is neither saturated nor not.
    let numbers = total.total().saturating_sub(total.nan).max(1);
    let saturated = total.zero.saturating_add(total.one) as f64 / numbers as f64;
    (saturated > MOST).then(|| {
        format!(
            "{:.0} % of the results are saturated. Nearly all of their gradients are zero, so that training changes nothing \
             through them: smaller weights or a normalization before the activation would bring the inputs back between the \
             edges.",
            saturated * 100.0
        )
    })
}

fn json(path: &str, f: HardSigmoid, all: &[Counted], total: Saturation, place: &str) -> String {
    let object = |counts: Saturation, of: serde_json::Value| {
        let counts = serde_json::json!({
            "elements": counts.total(),
            "zero": counts.zero,
            "one": counts.one,
            "inside": counts.inside,
            "nan": counts.nan,
            "saturated": counts.fraction(),
        });
        let parts = [of, counts].into_iter().filter_map(|part| part.as_object().cloned());
        serde_json::Value::from(parts.flatten().collect::<serde_json::Map<_, _>>())
    };
    let tensor = |one: &Counted| object(one.counts, serde_json::json!({ "name": one.name, "element": one.kind }));
    let head = serde_json::json!({
        "file": path,
        "alpha": f.alpha(),
        "beta": f.beta(),
        "ran": place,
        "tensors": all.iter().map(tensor).collect::<Vec<_>>(),
        "advice": advice(f, total),
    });
    format!("{}\n", object(total, head))
}
