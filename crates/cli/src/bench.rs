//! `hard-sigmoid bench`

mod workloads;

use std::time::{Duration, Instant};

use hard_sigmoid::{Element, Gpu, adapter, cpu};
use hard_sigmoid_files::{Dtype, with_type};
use serde::Serialize;
use workloads::Case;

use super::adapters::AdapterArgs;
use super::console::{self, Failure, print};
use super::selection::dtype;
use super::{json, size};

/// The most timings of a case. The median is reported.
const MAX_TIMINGS: u32 = 15;

/// The time after which a case is not timed again.
const TIME_PER_CASE: Duration = Duration::from_millis(1200);

/// A spread above which there is a remark.
const LARGE_SPREAD: f64 = 0.25;

/// The least duration of a timing. Short cases run several times in it.
const MIN_TIMING: Duration = Duration::from_millis(4);

/// Measure the kernels, the round trip from slice to slice, and the CPU path
///
/// The results of the function are checked before it is timed. Times are medians. The spread is the distance between
/// the quartiles, as a share of the median. Throughput counts the bytes read and the bytes written. The last column
/// compares with a copy of as many bytes: its time (on the GPU, with an empty dispatch added) divided by the measured
/// time. On the CPU, the copy is a parallel memcpy. The naive round trip is what tutorials show.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid bench
  hard-sigmoid bench --adapter cpu --elements 64Ki 1Mi --element f32 f16
  hard-sigmoid bench --adapter cpu --elements 64Ki --json")]
pub(crate) struct Args {
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Element types to measure [default: f32, and f16 and bf16 at the greatest length]
    #[arg(long, value_parser = dtype(), ignore_case = true, value_name = "TYPE", num_args = 1..)]
    element: Vec<Dtype>,
    /// Array lengths to measure, such as 64Ki or 16Mi
    ///
    /// The greatest is 256Mi, which takes 14 GiB of memory with f32.
    #[arg(
        long,
        value_name = "N",
        num_args = 1..,
        default_values_t = [1 << 10, 1 << 16, 1 << 20, 1 << 24],
        value_parser = size::elements,
    )]
    elements: Vec<u32>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// The measurement of a case.
#[derive(Serialize)]
pub(crate) struct Measurement {
    pub(crate) case: &'static str,
    pub(crate) element: &'static str,
    pub(crate) elements: u64,
    bytes: u64,
    /// The median.
    pub(crate) seconds: f64,
    /// The distance between the quartiles, as a share of the median.
    pub(crate) spread: f64,
    /// How many timings there were.
    pub(crate) timings: usize,
}

impl Measurement {
    pub(crate) fn gb_per_s(&self) -> f64 {
        self.bytes as f64 * 1e-9 / self.seconds
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    console::check_stdout()?;
    let gpu = match args.adapter.open() {
        // Without a GPU, the CPU path is still worth measuring.
        Err(Failure::Runtime(error)) if args.adapter.adapter.is_none() => {
            console::log(&format!("{error}; measuring only the CPU path"));
            None
        }
        gpu => gpu?,
    };
    let mut results = Vec::new();
    let largest: Vec<u32> = args.elements.iter().max().copied().into_iter().collect();
    let default = [(Dtype::F32, &args.elements), (Dtype::F16, &largest), (Dtype::Bf16, &largest)];
    let chosen = args.element.iter().map(|&element| (element, &args.elements));
    let types: Vec<_> = if args.element.is_empty() { default.to_vec() } else { chosen.collect() };
    for (element, lengths) in types {
        for &elements in lengths {
            let measured = with_type!(element, T => measure::<T>(gpu.as_ref(), elements as usize));
            results.extend(measured.map_err(Failure::Runtime)?);
        }
    }
    let verdict = verdict(&results, gpu.is_some());
    let (name, driver) = names(gpu.as_ref());
    match args.json {
        true => json::print(&Results::new(&name, &driver, &results, &verdict)),
        false => print(&text(&name, &driver, &results, &verdict)),
    }
}

/// The adapter and its driver.
pub(crate) fn names(gpu: Option<&Gpu>) -> (String, String) {
    gpu.map_or(("the CPU path".to_owned(), String::new()), |gpu| {
        let info = gpu.device().adapter_info();
        (adapter::describe(&info), format!("{} {}", info.driver, info.driver_info).trim().to_owned())
    })
}

/// All measurements as JSON.
#[derive(Serialize)]
pub(crate) struct Results<'a> {
    adapter: &'a str,
    driver: &'a str,
    threads: usize,
    results: Vec<Row<'a>>,
    verdict: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    measurement: &'a Measurement,
    gb_per_s: f64,
    of_roof: Option<f64>,
}

impl<'a> Results<'a> {
    pub(crate) fn new(adapter: &'a str, driver: &'a str, results: &'a [Measurement], verdict: &'a str) -> Self {
        let row =
            |measurement| Row { measurement, gb_per_s: measurement.gb_per_s(), of_roof: of_roof(results, measurement) };
        Self { adapter, driver, threads: cpu::threads(), results: results.iter().map(row).collect(), verdict }
    }
}

fn text(name: &str, driver: &str, results: &[Measurement], verdict: &str) -> String {
    let driver = if driver.is_empty() { String::new() } else { format!(", {driver}") };
    let mut text = format!("{name}{driver}; {} threads\n", cpu::threads());
    text.push_str("case              element     elements        time    spread      GB/s   of a copy\n");
    for result in results {
        let (time, speed) = (duration(result.seconds), result.gb_per_s());
        let ratio = of_roof(results, result).map_or(String::new(), |share| format!("{:.0} %", share * 100.0));
        text.push_str(&format!(
            "{:<17} {:<7} {:>12} {time:>11} {:>7.0} % {speed:>9.2} {ratio:>11}\n",
            result.case,
            result.element,
            result.elements,
            result.spread * 100.0,
        ));
    }
    let timings = results.iter().map(|result| result.timings).min().unwrap_or(0);
    text.push_str(&format!("Times are medians of {timings} timings or more.\n"));
    text.push_str(&remarks(results));
    format!("{text}{verdict}\n")
}

/// What a reader of the table may wonder about.
pub(crate) fn remarks(results: &[Measurement]) -> String {
    let mut text = String::new();
    if results.iter().any(|result| of_roof(results, result).is_some_and(|share| share > 1.05)) {
        text.push_str(
            "More than 100 % of a copy: streaming stores bypass the caches, which memcpy may not, and counting only \
             reads.\n",
        );
    }
    if results.iter().any(|result| result.spread > LARGE_SPREAD) {
        text.push_str("Some timings are far apart: other work on this machine disturbs them. Measure again.\n");
    }
    text
}

/// A time with three digits and its unit.
pub(crate) fn duration(seconds: f64) -> String {
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "us")];
    let (unit, name) = units.into_iter().find(|&(unit, _)| seconds >= 0.9995 * unit).unwrap_or((1e-9, "ns"));
    let value = seconds / unit;
    let digits = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {name}")
}

/// The share of the speed that the memory allows, or `None` if there is no copy to compare with.
pub(crate) fn of_roof(results: &[Measurement], of: &Measurement) -> Option<f64> {
    let copy = match of.case {
        "kernel" | "backward" | "saturation" => "copy",
        "cpu" | "cpu_backward" | "cpu_saturation" => "memcpy",
        _ => return None,
    };
    let same = |case| {
        move |result: &&Measurement| (result.case, result.element, result.elements) == (case, of.element, of.elements)
    };
    let copy = results.iter().find(same(copy))?;
    let dispatch = results.iter().find(same("empty_dispatch")).filter(|_| copy.case == "copy");
    let bound = copy.seconds * of.bytes as f64 / copy.bytes as f64 + dispatch.map_or(0.0, |empty| empty.seconds);
    Some(bound / of.seconds)
}

pub(crate) fn measure<T: Element>(gpu: Option<&Gpu>, elements: usize) -> Result<Vec<Measurement>, String> {
    let mut cases = workloads::on_cpu::<T>(elements)?;
    if let Some(gpu) = gpu.filter(|_| T::ON_GPU) {
        cases.extend(workloads::resident::<T>(gpu, elements)?);
        cases.extend(workloads::round_trips::<T>(gpu, elements)?);
    }
    time(cases)
}

fn time(mut cases: Vec<Case<'_>>) -> Result<Vec<Measurement>, String> {
    let mut runs = Vec::new();
    for case in &mut cases {
        // The first run is a warm-up.
        let once = (case.run)(1).and_then(|_| (case.run)(1))?;
        runs.push((MIN_TIMING.as_secs_f64() / once.as_secs_f64().max(1e-9)).ceil().clamp(1.0, 1e6) as u64);
    }
    let mut timings = vec![Vec::new(); cases.len()];
    let started = Instant::now();
    for round in 0..MAX_TIMINGS {
        // The cases take turns, so that other load on the machine affects all of them.
        for ((case, &runs), timings) in cases.iter_mut().zip(&runs).zip(&mut timings) {
            timings.push((case.run)(runs)?.as_secs_f64() / runs as f64);
        }
        if round >= 2 && started.elapsed() > TIME_PER_CASE.saturating_mul(cases.len() as u32) {
            break;
        }
    }
    let measurement = |(case, mut timings): (Case<'_>, Vec<f64>)| {
        timings.sort_by(f64::total_cmp);
        // Between two timings, in proportion.
        let quantile = |share: f64| {
            let at = timings.len().saturating_sub(1) as f64 * share;
            let timing = |at: f64| timings.get(at as usize).copied().unwrap_or(f64::NAN);
            timing(at.floor()) + (timing(at.ceil()) - timing(at.floor())) * at.fract()
        };
        Measurement {
            case: case.name,
            element: case.element,
            elements: case.elements,
            bytes: case.bytes,
            seconds: quantile(0.5),
            spread: (quantile(0.75) - quantile(0.25)) / quantile(0.5),
            timings: timings.len(),
        }
    };
    Ok(cases.into_iter().zip(timings).map(measurement).collect())
}

/// Says from which size on the GPU is faster for data that starts and ends on the host.
pub(crate) fn verdict(results: &[Measurement], gpu: bool) -> String {
    if !gpu {
        return "Only the CPU path was measured.".into();
    }
    let element = results.first().map_or("", |result| result.element);
    let of_element = || results.iter().filter(|result| result.element == element);
    let seconds = |case, elements| {
        of_element().find(|result| (result.case, result.elements) == (case, elements)).map(|result| result.seconds)
    };
    let mut sizes: Vec<_> = of_element().map(|result| result.elements).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let ratios: Vec<_> =
        sizes.iter().filter_map(|&n| Some((n, seconds("round_trip", n)? / seconds("cpu", n)?))).collect();
    // The first size that is followed only by sizes at which the round trip is faster.
    let first = ratios.iter().rposition(|&(_, ratio)| ratio >= 1.0).map_or(0, |last| last.saturating_add(1));
    match (ratios.get(first), ratios.last()) {
        (Some((n, ratio)), _) => format!(
            "For data that starts and ends on the host, the GPU is faster from about {n} elements on ({:.2} times as \
             fast as the CPU path at that size).",
            1.0 / ratio
        ),
        (None, Some((n, ratio))) => format!(
            "For data that starts and ends on the host, use the CPU path: at {n} elements, the round trip to the GPU \
             takes {ratio:.1} times as long. This does not apply to data that is already on the GPU."
        ),
        (None, None) => format!("GPUs do not compute {element}."),
    }
}
