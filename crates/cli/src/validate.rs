//! `hard-sigmoid validate`

use std::time::Instant;

use hard_sigmoid::validate::{self, Inputs, Pass, Report};
use hard_sigmoid::{Dtype, Element, Gpu, HardSigmoid, adapter, with_type};
use serde::Serialize;

use super::adapters::AdapterArgs;
use super::console::{Failure, check_stdout, print};
use super::function::FunctionArgs;
use super::json;
use super::judge::JudgeArgs;
use super::progress::Progress;
use super::selection::dtype;

/// Compare a GPU with the CPU path, bit for bit, and both with an f64 evaluation
///
/// By default, both presets are checked. The exit code is 1 if a result differs, except for subnormals that are
/// flushed to zero.
///
/// With --write-inputs and --results, another implementation is judged instead: its results are compared with the exact
/// function. The report says in words what is wrong. --backward then stands for the gradient from x.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid validate
  hard-sigmoid validate --preset onnx --element f16 --adapter cpu
  hard-sigmoid validate --adapter cpu --backward --json
  hard-sigmoid validate --preset onnx --write-inputs x.npy
  hard-sigmoid validate --preset onnx --results y.npy")]
pub(crate) struct Args {
    #[command(flatten)]
    function: FunctionArgs,
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Check this element type
    ///
    /// All values of the 16-bit types are checked. f64 requires `--adapter cpu`.
    #[arg(long, value_parser = dtype(), ignore_case = true, default_value = "f32")]
    element: Dtype,
    /// Check the backward pass instead of the forward pass, from x and from y
    #[arg(long)]
    backward: bool,
    /// Check all 2^32 values of f32 instead of samples (takes minutes)
    #[arg(long)]
    exhaustive: bool,
    /// Print a JSON object for each function and pass
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    judge: JudgeArgs,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    check_stdout()?;
    if args.exhaustive && args.element == Dtype::F64 {
        let message = "--exhaustive cannot be used with --element f64, which has 2^64 values: omit one of them";
        return Err(Failure::Usage(message.into()));
    }
    if args.judge.is_given() {
        let f = args.function.required()?;
        let pass = if args.backward { f.backward().into() } else { f.into() };
        return with_type!(args.element, T => args.judge.run::<T>(pass));
    }
    with_type!(args.element, T => check::<T>(args))
}

fn check<T: Element>(args: &Args) -> Result<(), Failure> {
    let functions = match args.function.optional()? {
        Some(f) => vec![f],
        None => HardSigmoid::PRESETS.map(|(_, f)| f).to_vec(),
    };
    let gpu = args.adapter.open()?;
    if gpu.is_some() && !T::ON_GPU {
        let message = format!("a GPU does not compute {}: add --adapter cpu to check the CPU path", T::NAME);
        return Err(Failure::Usage(message));
    }
    let mut lines = Vec::new();
    for f in functions {
        for pass in passes(f, args.backward) {
            let (report, line) = validate::<T>(gpu.as_ref(), f, pass, args.exhaustive && args.element == Dtype::F32)?;
            if args.json { json::print(&line) } else { print(&text(f, pass, &report, line.seconds)) }?;
            lines.push(line);
        }
    }
    verdict(&lines)
}

/// A failure if any result is wrong.
pub(crate) fn verdict(lines: &[Line]) -> Result<(), Failure> {
    let total = |n: fn(&Line) -> u64| lines.iter().map(n).fold(0, u64::saturating_add);
    let problems = [
        (total(|line| line.mismatches), "differ from the CPU path: use the CPU path on this machine"),
        (total(|line| line.miscounted), "are counted in the wrong category: count on the CPU path on this machine"),
        (total(|line| line.out_of_bound), "exceed the documented error bound: please report it"),
    ];
    match problems.into_iter().find(|(n, _)| *n > 0) {
        Some((n, problem)) => Err(Failure::Runtime(format!("{n} results {problem}"))),
        None => Ok(()),
    }
}

/// The forward pass, or the backward pass from x and from y.
pub(crate) fn passes(f: HardSigmoid, backward: bool) -> Vec<Pass> {
    if backward { vec![f.backward().into(), f.backward_from_output().into()] } else { vec![f.into()] }
}

/// Checks a pass of `f` over samples, or over every f32, on the CPU path if there is no GPU. The line is the report as
/// JSON.
pub(crate) fn validate<T: Element>(
    gpu: Option<&Gpu>,
    f: HardSigmoid,
    pass: Pass,
    every_f32: bool,
) -> Result<(Report<T>, Line), Failure> {
    let started = Instant::now();
    let samples = if every_f32 { Vec::new() } else { validate::samples::<T>(f) };
    let inputs = if every_f32 { Inputs::Bits(0..=u32::MAX) } else { Inputs::Data(&samples) };
    let mut bar = Progress::numbers(inputs.count());
    let progress = |done| bar.set(done);
    let report = match gpu {
        Some(gpu) => validate::validate_blocking(gpu, pass, inputs, progress),
        None => Ok(validate::validate_cpu(pass, inputs, progress)),
    };
    bar.clear();
    let report = report?;
    let line = Line::new(f, pass, &report, started.elapsed().as_secs_f64());
    Ok((report, line))
}

fn text<T: Element>(f: HardSigmoid, pass: Pass, report: &Report<T>, seconds: f64) -> String {
    let adapter = report.adapter.as_ref().map_or("the CPU path".to_owned(), |info| adapter::describe(info));
    let name = f.preset().map_or_else(|| format!("alpha {} beta {}", f.alpha(), f.beta()), str::to_owned);
    let Report { checked, nan_checked, mismatches, flushed, max_ulp, max_abs_error, .. } = report;
    // A gradient may be as large as an f32, and so is the absolute error of its product then.
    let (pass, absolute) = match pass {
        Pass::Forward(_) => (String::new(), format!(", {max_abs_error:.3e} absolute")),
        _ => (format!(", {pass}"), String::new()),
    };
    let mut text = format!(
        "{adapter}, {name}, {}{pass}:\n  {checked} inputs checked ({nan_checked} NaN) in {seconds:.1} s\n  \
         {mismatches} mismatches, {flushed} flushed subnormals\n  \
         maximum error {max_ulp} ULP{absolute}\n",
        T::NAME,
    );
    if report.miscounted > 0 {
        text.push_str(&format!("  {} results counted in the wrong category\n", report.miscounted));
    }
    for difference in &report.first {
        text.push_str(&format!("  {difference}\n"));
    }
    text
}

/// A report as JSON.
#[derive(Serialize)]
pub(crate) struct Line {
    adapter: String,
    backend: &'static str,
    driver: String,
    element: &'static str,
    #[serde(flatten)]
    f: json::Function,
    pass: String,
    checked: u64,
    mismatches: u64,
    flushed: u64,
    out_of_bound: u64,
    miscounted: u64,
    max_ulp: u32,
    /// A gradient may be as large as an f32, and so may the error of its product within 1 ULP.
    max_abs_error: Option<f64>,
    nan_checked: u64,
    seconds: f64,
    first: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    index: u64,
    input: String,
    grad_y: Option<String>,
    got: String,
    expected: String,
}

impl Line {
    fn new<T: Element>(f: HardSigmoid, pass: Pass, report: &Report<T>, seconds: f64) -> Self {
        let info = report.adapter.as_deref();
        let text = |x: T| format!("{x:e}");
        let first = report.first.iter().map(|d| Difference {
            index: d.index,
            input: text(d.input),
            grad_y: d.grad_y.map(text),
            got: text(d.got),
            expected: text(d.expected),
        });
        Self {
            adapter: info.map_or_else(|| "cpu".to_owned(), |info| info.name.clone()),
            backend: info.map_or("cpu", |info| info.backend.to_str()),
            driver: info.map_or(String::new(), adapter::describe_driver),
            element: T::NAME,
            f: f.into(),
            pass: pass.to_string(),
            checked: report.checked,
            mismatches: report.mismatches,
            flushed: report.flushed,
            out_of_bound: report.out_of_bound,
            miscounted: report.miscounted,
            max_ulp: report.max_ulp,
            max_abs_error: matches!(pass, Pass::Forward(_)).then_some(report.max_abs_error),
            nan_checked: report.nan_checked,
            seconds,
            first: first.collect(),
        }
    }

    /// A row of a table.
    pub(crate) fn markdown(&self) -> String {
        let Self { element, f, pass, checked, mismatches, flushed, miscounted, out_of_bound, max_ulp, .. } = self;
        let name = f.preset.unwrap_or_default();
        let wrong = format!("{mismatches} | {flushed} | {miscounted} | {out_of_bound}");
        format!("| {element} | {name} {pass} | {checked} | {wrong} | {max_ulp} |\n")
    }
}
