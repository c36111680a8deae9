//! `hard-sigmoid bench`

mod workloads;

use std::time::{Duration, Instant};

use clap::value_parser;
use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, Gpu, adapter, cpu};
use workloads::Case;

use super::adapters::AdapterArgs;
use super::console::{self, Failure, print};

/// The most timings of a case. The median is reported.
const MAX_TIMINGS: u32 = 15;

/// The time after which a case is not timed again.
const TIME_PER_CASE: Duration = Duration::from_millis(1200);

/// The least duration of a timing. Short cases run several times in it.
const MIN_TIMING: Duration = Duration::from_millis(4);

/// Measure the kernel, the round trip from slice to slice, and the CPU path
///
/// They are compared with a copy on the GPU, a naive round trip, and memcpy. All results are checked before they are
/// timed. Times are medians, and throughput counts the bytes read and the bytes written. The last column compares the
/// throughput of the kernel with that of the copy on the GPU, and that of the CPU path with memcpy.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Array lengths to measure with f32 (the longest is also measured with f16 and bf16)
    ///
    /// The largest is 2^28, which takes 14 GiB of memory.
    #[arg(
        long,
        value_name = "N",
        num_args = 1..,
        default_values_t = [1 << 10, 1 << 16, 1 << 20, 1 << 24],
        value_parser = value_parser!(u32).range(1..=1 << 28),
    )]
    elements: Vec<u32>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// The measurement of a case.
struct Measurement {
    case: &'static str,
    element: &'static str,
    elements: u64,
    bytes: u64,
    seconds: f64,
}

impl Measurement {
    fn gb_per_s(&self) -> f64 {
        self.bytes as f64 * 1e-9 / self.seconds
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let gpu = match args.adapter.open() {
        // Without a GPU, the CPU path is still worth measuring.
        Err(Failure::Runtime(error)) if args.adapter.adapter.is_none() => {
            console::log(&format!("{error}; measuring only the CPU path"));
            None
        }
        gpu => gpu?,
    };
    let mut results = Vec::new();
    for &elements in &args.elements {
        results.extend(measure::<f32>(gpu.as_ref(), elements as usize).map_err(Failure::Runtime)?);
    }
    if let Some(&largest) = args.elements.iter().max() {
        for measure in [measure::<f16>, measure::<bf16>] {
            results.extend(measure(gpu.as_ref(), largest as usize).map_err(Failure::Runtime)?);
        }
    }
    let verdict = verdict(&results, gpu.is_some());
    let (name, driver) = gpu.as_ref().map_or(("the CPU path".to_owned(), String::new()), |gpu| {
        let info = gpu.device().adapter_info();
        (adapter::describe(&info), format!("{} {}", info.driver, info.driver_info).trim().to_owned())
    });
    print(&if args.json { json(&name, &driver, &results, &verdict) } else { text(&name, &driver, &results, &verdict) })
}

fn json(name: &str, driver: &str, results: &[Measurement], verdict: &str) -> String {
    let results = results.iter().map(|result| {
        serde_json::json!({
            "case": result.case,
            "element": result.element,
            "elements": result.elements,
            "bytes": result.bytes,
            "seconds": result.seconds,
            "gb_per_s": result.gb_per_s(),
        })
    });
    let object = serde_json::json!({
        "adapter": name,
        "driver": driver,
        "threads": cpu::threads(),
        "results": results.collect::<Vec<_>>(),
        "verdict": verdict,
    });
    format!("{object}\n")
}

fn text(name: &str, driver: &str, results: &[Measurement], verdict: &str) -> String {
    let driver = if driver.is_empty() { String::new() } else { format!(", {driver}") };
    let mut text = format!("{name}{driver}; {} threads\n", cpu::threads());
    text.push_str("case              element     elements      seconds      GB/s    vs copy\n");
    for result in results {
        let speed = result.gb_per_s();
        let ratio = copy_of(results, result).map_or(String::new(), |copy| format!("{:.2}", speed / copy.gb_per_s()));
        text.push_str(&format!(
            "{:<17} {:<7} {:>12} {:>12.3e} {speed:>9.2} {ratio:>10}\n",
            result.case, result.element, result.elements, result.seconds,
        ));
    }
    format!("{text}{verdict}\n")
}

/// Returns the copy of the same bytes, whose throughput is the limit for a case.
fn copy_of<'a>(results: &'a [Measurement], of: &Measurement) -> Option<&'a Measurement> {
    let copy = match of.case {
        "kernel" => "copy",
        "cpu" => "memcpy",
        _ => return None,
    };
    results.iter().find(|result| (result.case, result.element, result.elements) == (copy, of.element, of.elements))
}

fn measure<T: Element>(gpu: Option<&Gpu>, elements: usize) -> Result<Vec<Measurement>, String> {
    const CASES: [&str; 6] = ["kernel", "copy", "round_trip", "naive_round_trip", "cpu", "memcpy"];
    let mut cases = workloads::on_cpu::<T>(elements)?;
    if let Some(gpu) = gpu {
        cases.extend(workloads::resident::<T>(gpu, elements)?);
        cases.extend(workloads::round_trips::<T>(gpu, elements)?);
    }
    cases.retain(|case| CASES.contains(&case.name));
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
    let median = |mut timings: Vec<f64>| {
        timings.sort_by(f64::total_cmp);
        timings.get(timings.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let measurement = |(case, timings): (Case<'_>, _)| Measurement {
        case: case.name,
        element: case.element,
        elements: case.elements,
        bytes: case.bytes,
        seconds: median(timings),
    };
    Ok(cases.into_iter().zip(timings).map(measurement).collect())
}

/// Says from which size on the GPU is faster for data that starts and ends on the host.
fn verdict(results: &[Measurement], gpu: bool) -> String {
    if !gpu {
        return "Only the CPU path was measured.".into();
    }
    let f32s = || results.iter().filter(|result| result.element == "f32");
    let seconds = |case, elements| {
        f32s().find(|result| (result.case, result.elements) == (case, elements)).map(|result| result.seconds)
    };
    let mut sizes: Vec<_> = f32s().map(|result| result.elements).collect();
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
        (None, None) => "Nothing was measured.".into(),
    }
}
