//! `hard-sigmoid validate`

use std::time::Instant;

use hard_sigmoid::validate::{self, Inputs, Pass, Report};
use hard_sigmoid::{Element, Gpu, HardSigmoid, adapter, wgpu};
use serde::Serialize;

use super::adapters::AdapterArgs;
use super::console::{Failure, check_stdout, print};
use super::function::FunctionArgs;
use super::json;
use super::progress::Progress;
use super::selection::dtype;
use hard_sigmoid_files::{Dtype, with_type};

/// Compare a GPU with the CPU path, bit for bit, and both with an f64 evaluation
///
/// By default, both presets are checked. The exit code is 1 if a result differs, except for subnormals that are
/// flushed to zero.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid validate
  hard-sigmoid validate --preset onnx --element f16 --adapter cpu
  hard-sigmoid validate --adapter cpu --backward --json")]
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
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    check_stdout()?;
    if args.exhaustive && args.element == Dtype::F64 {
        let message = "--exhaustive cannot be used with --element f64, which has 2^64 values: omit one of them";
        return Err(Failure::Usage(message.into()));
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
    let mut totals = Totals::default();
    for (f, pass) in functions.into_iter().flat_map(|f| passes(f, args.backward).map(move |pass| (f, pass))) {
        let started = Instant::now();
        let report = validate::<T>(gpu.as_ref(), f, pass, args.exhaustive && args.element == Dtype::F32)?;
        let seconds = started.elapsed().as_secs_f64();
        match args.json {
            true => json::print(&Line::new(f, pass, &report, seconds)),
            false => print(&text(f, pass, &report, seconds)),
        }?;
        totals.add(&report);
    }
    verdict(totals)
}

/// How many results of all passes are wrong, by what is wrong with them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Totals([u64; 3]);

impl Totals {
    pub(crate) fn add<T: Element>(&mut self, report: &Report<T>) {
        for (total, n) in self.0.iter_mut().zip([report.mismatches, report.miscounted, report.out_of_bound]) {
            *total = total.saturating_add(n);
        }
    }
}

/// A failure if anything is wrong.
pub(crate) fn verdict(totals: Totals) -> Result<(), Failure> {
    let problems = [
        "results differ from the CPU path: use the CPU path on this machine",
        "results are counted in the wrong category: count on the CPU path on this machine",
        "results exceed the documented error bound: please report it",
    ];
    match totals.0.into_iter().zip(problems).find(|(n, _)| *n > 0) {
        Some((n, problem)) => Err(Failure::Runtime(format!("{n} {problem}"))),
        None => Ok(()),
    }
}

/// The forward pass, or the backward pass from x and from y.
pub(crate) fn passes(f: HardSigmoid, backward: bool) -> impl Iterator<Item = Pass> {
    let forward = (!backward).then_some(f.into());
    let backward = backward.then(|| [f.backward().into(), f.backward_from_output().into()]);
    forward.into_iter().chain(backward.into_iter().flatten())
}

/// Checks a pass of `f` over samples, or over every f32, on the CPU path if there is no GPU.
pub(crate) fn validate<T: Element>(
    gpu: Option<&Gpu>,
    f: HardSigmoid,
    pass: Pass,
    every_f32: bool,
) -> Result<Report<T>, Failure> {
    let samples = if every_f32 { Vec::new() } else { validate::samples::<T>(f) };
    let inputs = if every_f32 { Inputs::Bits(0..=u32::MAX) } else { Inputs::Data(&samples) };
    let mut bar = Progress::numbers(inputs.count());
    let progress = |done| bar.set(done);
    let report = match gpu {
        Some(gpu) => validate::validate_blocking(gpu, pass, inputs, progress)
            .map_err(|error| Failure::Runtime(error.to_string())),
        None => Ok(validate::validate_cpu(pass, inputs, progress)),
    };
    bar.clear();
    report
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
    pub(crate) fn new<T: Element>(f: HardSigmoid, pass: Pass, report: &Report<T>, seconds: f64) -> Self {
        let info = report.adapter.as_deref();
        let text = |x: T| format!("{x:e}");
        let first = report.first.iter().map(|d| Difference {
            index: d.index,
            input: text(d.input),
            grad_y: d.grad_y.map(text),
            got: text(d.got),
            expected: text(d.expected),
        });
        let driver = |info: &wgpu::AdapterInfo| format!("{} {}", info.driver, info.driver_info).trim().to_owned();
        Self {
            adapter: info.map_or_else(|| "cpu".to_owned(), |info| info.name.clone()),
            backend: info.map_or("cpu", |info| info.backend.to_str()),
            driver: info.map_or(String::new(), driver),
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
}
