//! `hard-sigmoid validate`: does this machine's adapter give the CPU's bits?

use std::time::Instant;

use clap::CommandFactory;
use clap::error::ErrorKind;
use hard_sigmoid::adapter::{self, AdapterKind};
use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::validate::{self, Inputs, Pass, Report};
use hard_sigmoid::{Element, Gpu, HardSigmoid};

use super::function::Function;
use super::{Failure, print, progress};

/// Compare a GPU with the CPU path, bit for bit, and both with an f64 evaluation of the exact function.
///
/// Without a function it checks both presets. Exit code 1 on any difference, other than a subnormal flushed to zero.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    function: Function,
    /// A part of an adapter's name (see `hard-sigmoid adapters`; WGPU_BACKEND chooses among its backends), or `cpu` for
    /// the CPU path alone.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// The type of number to check. The 16-bit ones are always checked exhaustively; f64 is for the CPU path alone.
    #[arg(long, value_enum, default_value_t = Type::F32)]
    element: Type,
    /// Check the backward pass instead, from x and from y, with gradients of all kinds.
    #[arg(long)]
    backward: bool,
    /// Check all 2^32 f32 instead of some millions of samples. Takes minutes.
    #[arg(long)]
    exhaustive: bool,
    /// Print a JSON object on stdout, one for each function checked.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Type {
    F32,
    F16,
    Bf16,
    F64,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match args.element {
        Type::F32 => check::<f32>(args),
        Type::F16 => check::<f16>(args),
        Type::Bf16 => check::<bf16>(args),
        Type::F64 => check::<f64>(args),
    }
}

fn check<T: Element>(args: &Args) -> Result<(), Failure> {
    let functions = if args.function.is_named() {
        vec![args.function.named()]
    } else {
        vec![HardSigmoid::ONNX, HardSigmoid::PYTORCH]
    };
    let gpu = match args.adapter.as_deref() {
        Some("cpu") => None,
        name => Some(pollster::block_on(open(name)).map_err(|error| Failure(error.to_string()))?),
    };
    if args.exhaustive && matches!(args.element, Type::F64) {
        let error = "--exhaustive does not go with --element f64, of which there are 2^64: leave one of them out";
        super::Cli::command().error(ErrorKind::ArgumentConflict, error).exit();
    }
    let passes = |f: HardSigmoid| match args.backward {
        true => vec![f.backward().into(), f.backward_from_output().into()],
        false => vec![Pass::from(f)],
    };
    let (mut mismatches, mut far, mut miscounted) = (0_u64, 0_u64, 0_u64);
    for (f, pass) in functions.into_iter().flat_map(|f| passes(f).into_iter().map(move |pass| (f, pass))) {
        let started = Instant::now();
        let every_f32 = args.exhaustive && matches!(args.element, Type::F32);
        let samples = if every_f32 { Vec::new() } else { validate::samples::<T>(f) };
        let inputs = if every_f32 { Inputs::Bits(0..=u32::MAX) } else { Inputs::Data(&samples) };
        let bar = progress::bar(inputs.count(), false);
        let progress = |done| bar.set_position(done);
        let report = match &gpu {
            Some(gpu) => validate::validate_blocking(gpu, pass, inputs, progress),
            None => Ok(validate::validate_cpu(pass, inputs, progress)),
        };
        let report = report.map_err(|error| Failure(error.to_string()))?;
        bar.finish_and_clear();
        let seconds = started.elapsed().as_secs_f64();
        if args.json {
            print(&json(f, pass, &report, seconds))?;
        } else {
            print(&text(f, pass, &report, seconds))?;
        }
        mismatches = mismatches.saturating_add(report.mismatches);
        far = far.saturating_add(report.out_of_bound);
        miscounted = miscounted.saturating_add(report.miscounted);
    }
    if mismatches > 0 {
        return Err(Failure(format!(
            "{mismatches} results differ from the CPU path: use the CPU path on this machine"
        )));
    }
    if miscounted > 0 {
        return Err(Failure(format!(
            "{miscounted} results are counted as another kind than they are: count on the CPU path on this machine"
        )));
    }
    if far > 0 {
        return Err(Failure(format!(
            "{far} results are further from the exact function than promised: please report it"
        )));
    }
    Ok(())
}

async fn open(name: Option<&str>) -> Result<Gpu, hard_sigmoid::Error> {
    Gpu::open_adapter(&adapter::find(AdapterKind::Any, name).await?).await
}

fn preset(f: HardSigmoid) -> Option<&'static str> {
    match f {
        HardSigmoid::ONNX => Some("onnx"),
        HardSigmoid::PYTORCH => Some("pytorch"),
        _ => None,
    }
}

fn text<T: Element>(f: HardSigmoid, pass: Pass, report: &Report<T>, seconds: f64) -> String {
    let adapter = report.adapter.as_ref().map_or("the CPU path".to_owned(), |info| adapter::describe(info));
    let name = preset(f).map_or_else(|| format!("alpha {} beta {}", f.alpha(), f.beta()), str::to_owned);
    let Report { checked, nan_checked, mismatches, flushed, max_ulp, max_abs_error, .. } = report;
    let mut text = format!(
        "{adapter}, {name}, {}{}:\n  {checked} checked ({nan_checked} NaN) in {seconds:.1} s\n  \
         {mismatches} mismatches, {flushed} flushed subnormals\n  \
         at most {max_ulp} ULP and {max_abs_error:.3e} from the exact result\n",
        T::NAME,
        if let Pass::Forward(_) = pass { String::new() } else { format!(", {pass}") },
    );
    if report.miscounted > 0 {
        text.push_str(&format!("  {} miscounted\n", report.miscounted));
    }
    for difference in &report.first {
        text.push_str(&format!("  {difference}\n"));
    }
    text
}

fn json<T: Element>(f: HardSigmoid, pass: Pass, report: &Report<T>, seconds: f64) -> String {
    let info = report.adapter.as_deref();
    let text = |x: T| format!("{x:e}");
    let first: Vec<_> = report
        .first
        .iter()
        .map(|d| {
            let (input, got, expected) = (text(d.input), text(d.got), text(d.expected));
            let grad_y = d.grad_y.map(text);
            serde_json::json!({ "index": d.index, "input": input, "grad_y": grad_y, "got": got, "expected": expected })
        })
        .collect();
    let object = serde_json::json!({
        "adapter": info.map_or("cpu", |info| &info.name),
        "backend": info.map_or("cpu", |info| info.backend.to_str()),
        "driver": info.map_or(String::new(), |info| format!("{} {}", info.driver, info.driver_info).trim().to_owned()),
        "element": T::NAME,
        "preset": preset(f),
        "alpha": f.alpha(),
        "beta": f.beta(),
        "pass": pass.to_string(),
        "checked": report.checked,
        "mismatches": report.mismatches,
        "flushed": report.flushed,
        "out_of_bound": report.out_of_bound,
        "miscounted": report.miscounted,
        "max_ulp": report.max_ulp,
        "max_abs_error": report.max_abs_error,
        "nan_checked": report.nan_checked,
        "seconds": seconds,
        "first": first,
    });
    format!("{object}\n")
}
