//! `hard-sigmoid bench`

mod workloads;

use std::time::{Duration, Instant};

use hard_sigmoid::{Dtype, Element, Gpu, adapter, cpu, with_type};
use serde::Serialize;
use workloads::{COPY, CPU, Case, EMPTY_DISPATCH, ROUND_TRIP};

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
    case: &'static str,
    element: &'static str,
    elements: u64,
    bytes: u64,
    /// The median.
    seconds: f64,
    /// The distance between the quartiles, as a share of the median.
    spread: f64,
    /// How many timings there were.
    timings: usize,
    gb_per_s: f64,
    /// The share of the speed that the memory allows, or `None` if there is no copy to compare with.
    of_roof: Option<f64>,
}

impl Measurement {
    /// The columns of a table.
    fn cells(&self) -> [String; 7] {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        [
            self.case.into(),
            self.element.into(),
            self.elements.to_string(),
            duration(self.seconds),
            percent(self.spread),
            format!("{:.2}", self.gb_per_s),
            self.of_roof.map_or(String::new(), percent),
        ]
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
    let results = Results::new(gpu.as_ref(), results);
    if args.json { json::print(&results) } else { print(&results.text()) }
}

/// All measurements on a GPU and the CPU path.
#[derive(Serialize)]
pub(crate) struct Results {
    adapter: String,
    driver: String,
    threads: usize,
    results: Vec<Measurement>,
    verdict: String,
}

impl Results {
    pub(crate) fn new(gpu: Option<&Gpu>, results: Vec<Measurement>) -> Self {
        let info = gpu.map(|gpu| gpu.device().adapter_info());
        Self {
            adapter: info.as_ref().map_or("the CPU path".into(), adapter::describe),
            driver: info.as_ref().map_or(String::new(), adapter::describe_driver),
            threads: cpu::threads(),
            verdict: verdict(&results, gpu.is_some()),
            results,
        }
    }

    /// The adapter and its driver.
    pub(crate) fn title(&self) -> String {
        let Self { adapter, driver, .. } = self;
        if driver.is_empty() { adapter.clone() } else { format!("{adapter}, {driver}") }
    }

    fn text(&self) -> String {
        let mut text = format!("{}; {} threads\n", self.title(), self.threads);
        text.push_str("case              element     elements        time    spread      GB/s   of a copy\n");
        for [case, element, elements, time, spread, speed, share] in self.results.iter().map(Measurement::cells) {
            let row = format!("{case:<17} {element:<7} {elements:>12} {time:>11} {spread:>9} {speed:>9} {share:>11}\n");
            text.push_str(&row);
        }
        let timings = self.results.iter().map(|result| result.timings).min().unwrap_or(0);
        format!("{text}Times are medians of {timings} timings or more.\n{}", self.remarks())
    }

    pub(crate) fn markdown(&self) -> String {
        let row = |result: &Measurement| format!("| {} |\n", result.cells().join(" | "));
        let rows: String = self.results.iter().map(row).collect();
        let head = "| case | type | elements | time | spread | GB/s | of a copy |\n|---|---|---|---|---|---|---|\n";
        format!("{head}{rows}\n{}", self.remarks())
    }

    /// What a reader of the table may wonder about, and the verdict.
    fn remarks(&self) -> String {
        let mut text = String::new();
        if self.results.iter().any(|result| result.of_roof.is_some_and(|share| share > 1.05)) {
            text.push_str(
                "More than 100 % of a copy: streaming stores bypass the caches, which memcpy may not, and counting \
                 only reads.\n",
            );
        }
        if self.results.iter().any(|result| result.spread > LARGE_SPREAD) {
            text.push_str("Some timings are far apart: other work on this machine disturbs them. Measure again.\n");
        }
        format!("{text}{}\n", self.verdict)
    }
}

/// A time with three digits and its unit.
fn duration(seconds: f64) -> String {
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "us")];
    let (unit, name) = units.into_iter().find(|&(unit, _)| seconds >= 0.9995 * unit).unwrap_or((1e-9, "ns"));
    let value = seconds / unit;
    let digits = match value {
        99.95.. => 0,
        9.995.. => 1,
        _ => 2,
    };
    format!("{value:.digits$} {name}")
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
    let copies: Vec<_> = cases.iter().map(|case| case.copy).collect();
    let measurement = |(case, mut timings): (Case<'_>, Vec<f64>)| {
        timings.sort_by(f64::total_cmp);
        // Between two timings, in proportion.
        let quantile = |share: f64| {
            let at = timings.len().saturating_sub(1) as f64 * share;
            let timing = |at: f64| timings.get(at as usize).copied().unwrap_or(f64::NAN);
            timing(at.floor()) + (timing(at.ceil()) - timing(at.floor())) * at.fract()
        };
        let seconds = quantile(0.5);
        Measurement {
            case: case.name,
            element: case.element,
            elements: case.elements,
            bytes: case.bytes,
            seconds,
            spread: (quantile(0.75) - quantile(0.25)) / seconds,
            timings: timings.len(),
            gb_per_s: case.bytes as f64 * 1e-9 / seconds,
            of_roof: None,
        }
    };
    let mut results: Vec<_> = cases.into_iter().zip(timings).map(measurement).collect();
    let shares: Vec<_> = results.iter().zip(copies).map(|(result, copy)| of_roof(&results, result, copy?)).collect();
    results.iter_mut().zip(shares).for_each(|(result, share)| result.of_roof = share);
    Ok(results)
}

/// The share of the speed that the memory allows, by a copy of the same elements.
fn of_roof(results: &[Measurement], of: &Measurement, copy: &str) -> Option<f64> {
    let find = |case| results.iter().find(|result| result.case == case);
    let dispatch = find(EMPTY_DISPATCH).filter(|_| copy == COPY);
    let copy = find(copy)?;
    let bound = copy.seconds * of.bytes as f64 / copy.bytes as f64 + dispatch.map_or(0.0, |empty| empty.seconds);
    Some(bound / of.seconds)
}

/// Says from which size on the GPU is faster for data that starts and ends on the host.
fn verdict(results: &[Measurement], gpu: bool) -> String {
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
    let ratios: Vec<_> = sizes.iter().filter_map(|&n| Some((n, seconds(ROUND_TRIP, n)? / seconds(CPU, n)?))).collect();
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
