//! `hard-sigmoid report`

use hard_sigmoid::{Dtype, Element, Gpu, HardSigmoid, with_type};
use serde::Serialize;

use super::adapters::AdapterArgs;
use super::console::{Failure, check_stdout, print};
use super::{bench, size, validate};

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
    let types = Dtype::ALL.into_iter().filter(|&dtype| gpu.is_none() || dtype.is_on_gpu());

    let (mut checks, mut results) = (Vec::new(), Vec::new());
    // What fails is reported, too.
    let mut failures = Vec::new();
    for dtype in types {
        let every_f32 = args.exhaustive && dtype == Dtype::F32;
        if let Err(failure) = with_type!(dtype, T => check::<T>(gpu.as_ref(), every_f32, &mut checks)) {
            failures.push(format!("checking {}: {}", dtype.name(), failure.message()));
        }
        for &elements in &args.elements {
            match with_type!(dtype, T => bench::measure::<T>(gpu.as_ref(), elements as usize)) {
                Ok(measured) => results.extend(measured),
                Err(message) => failures.push(format!("measuring {elements} {}: {message}", dtype.name())),
            }
        }
    }
    let bench = bench::Results::new(gpu.as_ref(), results);
    let json = Json {
        version: env!("CARGO_PKG_VERSION"),
        wgpu: WGPU,
        system: system(),
        checks: &checks,
        failures: &failures,
        bench: &bench,
    };
    let json = serde_json::to_string(&json).map_err(|error| Failure::Runtime(error.to_string()))?;
    print(&format!(
        "## {}\n\nhard-sigmoid {}, wgpu {WGPU}, {}, {} threads\n\n{}\n{}{}\n\
         <details><summary>JSON</summary>\n\n```json\n{json}\n```\n\n</details>\n",
        bench.title(),
        env!("CARGO_PKG_VERSION"),
        system(),
        hard_sigmoid::cpu::threads(),
        table(&checks),
        failures.iter().map(|failure| format!("* Failed: {failure}\n")).collect::<String>(),
        bench.markdown(),
    ))?;
    match (validate::verdict(&checks), failures.into_iter().next()) {
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
    bench: &'a bench::Results,
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

/// Checks an element type, and adds the outcomes.
fn check<T: Element>(gpu: Option<&Gpu>, every_f32: bool, checks: &mut Vec<validate::Line>) -> Result<(), Failure> {
    for (_, f) in HardSigmoid::PRESETS {
        for pass in validate::passes(f, false).into_iter().chain(validate::passes(f, true)) {
            checks.push(validate::validate::<T>(gpu, f, pass, every_f32)?.1);
        }
    }
    Ok(())
}

fn table(checks: &[validate::Line]) -> String {
    let head = "| type | pass | checked | mismatches | flushed | miscounted | beyond the bound | most ULP |\n\
                |---|---|---|---|---|---|---|---|\n";
    let rows: String = checks.iter().map(validate::Line::markdown).collect();
    format!("{head}{rows}")
}
