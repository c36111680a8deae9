//! `hard-sigmoid report`

use std::time::Instant;

use hard_sigmoid::validate::Report;
use hard_sigmoid::{Element, Gpu, HardSigmoid};
use hard_sigmoid_files::{Dtype, with_type};
use serde::Serialize;

use super::adapters::AdapterArgs;
use super::bench::{self, Measurement};
use super::console::{Failure, check_stdout, print};
use super::{size, validate};

/// Check and measure a GPU, and print what to paste into an issue
///
/// Checks both presets, forward and backward, for every element type, and measures what `bench` does. Takes a few
/// minutes. Prints Markdown, which ends with the same as JSON.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid report > report.md
  hard-sigmoid report --adapter llvmpipe --elements 1Mi > report.md")]
pub(crate) struct Args {
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Array lengths to measure, such as 64Ki or 16Mi
    #[arg(
        long,
        value_name = "N",
        num_args = 1..,
        default_values_t = [1 << 16, 1 << 20, 1 << 24],
        value_parser = size::elements,
    )]
    elements: Vec<u32>,
    /// Check all 2^32 values of f32 instead of samples (takes minutes more)
    #[arg(long)]
    exhaustive: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    check_stdout()?;
    let gpu = args.adapter.open()?;
    let (name, driver) = bench::names(gpu.as_ref());
    let types = Dtype::ALL.into_iter().filter(|&dtype| gpu.is_none() || dtype.is_on_gpu());

    let mut checks = Checks::default();
    let mut results = Vec::new();
    // What fails is reported, too.
    let mut failures = Vec::new();
    for dtype in types {
        let every_f32 = args.exhaustive && dtype == Dtype::F32;
        if let Err(failure) = with_type!(dtype, T => checks.add::<T>(gpu.as_ref(), every_f32)) {
            failures.push(format!("checking {}: {}", dtype.name(), failure.message()));
        }
        for &elements in &args.elements {
            match with_type!(dtype, T => bench::measure::<T>(gpu.as_ref(), elements as usize)) {
                Ok(measured) => results.extend(measured),
                Err(message) => failures.push(format!("measuring {elements} {}: {message}", dtype.name())),
            }
        }
    }
    let verdict = bench::verdict(&results, gpu.is_some());
    let json = Json {
        version: env!("CARGO_PKG_VERSION"),
        wgpu: WGPU,
        system: system(),
        checks: &checks.json,
        failures: &failures,
        bench: bench::Results::new(&name, &driver, &results, &verdict),
    };
    let json = serde_json::to_string(&json).map_err(|error| Failure::Runtime(error.to_string()))?;
    let driver = if driver.is_empty() { String::new() } else { format!(", {driver}") };
    print(&format!(
        "## {name}{driver}\n\nhard-sigmoid {}, wgpu {WGPU}, {}, {} threads\n\n{}\n{}{}\n{}{verdict}\n\n\
         <details><summary>JSON</summary>\n\n```json\n{json}\n```\n\n</details>\n",
        env!("CARGO_PKG_VERSION"),
        system(),
        hard_sigmoid::cpu::threads(),
        checks.table(),
        failures.iter().map(|failure| format!("* Failed: {failure}\n")).collect::<String>(),
        table(&results),
        bench::remarks(&results),
    ))?;
    match (validate::verdict(checks.totals), failures.into_iter().next()) {
        (Err(failure), _) => Err(failure),
        (Ok(()), Some(failure)) => Err(Failure::Runtime(failure)),
        (Ok(()), None) => Ok(()),
    }
}

/// The report as JSON.
#[derive(Serialize)]
struct Json<'a> {
    version: &'static str,
    wgpu: &'static str,
    system: String,
    checks: &'a [validate::Line],
    failures: &'a [String],
    bench: bench::Results<'a>,
}

/// The version of wgpu, as far as Cargo.toml gives it.
const WGPU: &str = "30.0";

/// The operating system, the architecture and the processor.
fn system() -> String {
    let known = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(String::new(), |(_, model)| format!(", {model}"));
    format!("{} on {}{model}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The outcome of the checks.
#[derive(Default)]
struct Checks {
    rows: Vec<String>,
    json: Vec<validate::Line>,
    totals: validate::Totals,
}

impl Checks {
    fn add<T: Element>(&mut self, gpu: Option<&Gpu>, every_f32: bool) -> Result<(), Failure> {
        for (name, f) in HardSigmoid::PRESETS {
            for pass in validate::passes(f, false).chain(validate::passes(f, true)) {
                let started = Instant::now();
                let report = validate::validate::<T>(gpu, f, pass, every_f32)?;
                let Report { checked, mismatches, flushed, miscounted, out_of_bound, max_ulp, .. } = &report;
                let counts =
                    format!("{checked} | {mismatches} | {flushed} | {miscounted} | {out_of_bound} | {max_ulp}");
                self.rows.push(format!("| {} | {name} {pass} | {counts} |\n", T::NAME));
                self.json.push(validate::Line::new(f, pass, &report, started.elapsed().as_secs_f64()));
                self.totals.add(&report);
            }
        }
        Ok(())
    }

    fn table(&self) -> String {
        let head = "| type | pass | checked | mismatches | flushed | miscounted | beyond the bound | most ULP |\n\
                    |---|---|---|---|---|---|---|---|\n";
        format!("{head}{}", self.rows.concat())
    }
}

fn table(results: &[Measurement]) -> String {
    let row = |result: &Measurement| {
        let share = bench::of_roof(results, result).map_or(String::new(), |share| format!("{:.0} %", share * 100.0));
        format!(
            "| {} | {} | {} | {} | {:.0} % | {:.2} | {share} |\n",
            result.case,
            result.element,
            result.elements,
            bench::duration(result.seconds),
            result.spread * 100.0,
            result.gb_per_s(),
        )
    };
    let rows: String = results.iter().map(row).collect();
    format!("| case | type | elements | time | spread | GB/s | of a copy |\n|---|---|---|---|---|---|---|\n{rows}")
}
