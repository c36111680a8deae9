//! `hard-sigmoid bench`: how fast this machine is, side by side, and whether its GPU is worth a trip.

mod workloads;

use std::time::{Duration, Instant};

use hard_sigmoid::adapter::{self, AdapterKind};
use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, Gpu, cpu};
use workloads::Case;

use super::{Failure, print, say};

/// How often each case is timed, unless it takes longer than `ENOUGH`; the median counts.
const ROUNDS: usize = 15;

/// What a case may take in all, and how long one timing should last at least.
const ENOUGH: Duration = Duration::from_millis(1200);
const LEAST: Duration = Duration::from_millis(4);

/// Measure the kernel beside a copy, the round trip beside the naive one, and the CPU path beside memcpy.
///
/// Every result is checked before it is timed; the cases of a size are timed in turn, and medians are shown. Bytes are those
/// read and written.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A part of an adapter's name (see `hard-sigmoid adapters`; WGPU_BACKEND chooses among its backends), or `cpu` for
    /// the CPU path alone.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// How many elements, f32 unless the case says otherwise.
    #[arg(long, value_name = "N", num_args = 1.., default_values_t = [1 << 10, 1 << 16, 1 << 20, 1 << 24])]
    elements: Vec<u64>,
    /// Print a JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// A case, timed.
struct Timed {
    case: &'static str,
    element: &'static str,
    elements: u64,
    bytes: u64,
    seconds: f64,
}

impl Timed {
    fn gb_per_s(&self) -> f64 {
        self.bytes as f64 * 1e-9 / self.seconds
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let gpu = match args.adapter.as_deref() {
        Some("cpu") => None,
        name => {
            let opened =
                pollster::block_on(async { Gpu::open_adapter(&adapter::find(AdapterKind::Any, name).await?).await });
            match (opened, name) {
                (Ok(gpu), _) => Some(gpu),
                // Without a GPU the rest is still worth knowing.
                (Err(error), None) => {
                    say(&format!("{error}; measuring the CPU path alone"));
                    None
                }
                (Err(error), Some(_)) => return Err(Failure(error.to_string())),
            }
        }
    };
    let mut results = Vec::new();
    for &elements in &args.elements {
        let elements = usize::try_from(elements).ok().filter(|&n| (1..=1 << 28).contains(&n)).ok_or_else(|| {
            Failure(format!("--elements {elements}: give a number from 1 to 2^28, which takes 14 GiB of memory"))
        })?;
        results.extend(measure::<f32>(gpu.as_ref(), elements)?);
    }
    if let Some(&largest) = args.elements.iter().max() {
        for part in [measure::<f16>, measure::<bf16>] {
            results.extend(part(gpu.as_ref(), largest as usize)?);
        }
    }
    let verdict = verdict(&results, gpu.is_some());
    let (name, driver) = gpu.as_ref().map_or(("the CPU path alone".to_owned(), String::new()), |gpu| {
        let info = gpu.device().adapter_info();
        (adapter::describe(&info), format!("{} {}", info.driver, info.driver_info).trim().to_owned())
    });
    if args.json {
        let results: Vec<_> = results
            .iter()
            .map(|t| {
                serde_json::json!({
                    "case": t.case,
                    "element": t.element,
                    "elements": t.elements,
                    "bytes": t.bytes,
                    "seconds": t.seconds,
                    "gb_per_s": t.gb_per_s(),
                })
            })
            .collect();
        let threads = cpu::threads();
        let object = serde_json::json!({
            "adapter": name, "driver": driver, "threads": threads, "results": results, "verdict": verdict,
        });
        return print(&format!("{object}\n"));
    }
    let mut text = format!("{name}, {driver}; {} threads\n", cpu::threads());
    text.push_str("case              element     elements      seconds      GB/s   of the copy\n");
    for t in &results {
        let of = limit(&results, t).map_or(String::new(), |of| format!("{:>8.2}", t.gb_per_s() / of.gb_per_s()));
        text.push_str(&format!(
            "{:<17} {:<7} {:>12} {:>12.3e} {:>9.2}   {of}\n",
            t.case,
            t.element,
            t.elements,
            t.seconds,
            t.gb_per_s(),
        ));
    }
    print(&format!("{text}{verdict}\n"))
}

/// The copy of the same bytes that limits a case.
fn limit<'a>(results: &'a [Timed], of: &Timed) -> Option<&'a Timed> {
    let copy = if of.case == "kernel" {
        "copy"
    } else if of.case == "cpu" {
        "memcpy"
    } else {
        return None;
    };
    results.iter().find(|t| (t.case, t.element, t.elements) == (copy, of.element, of.elements))
}

fn measure<T: Element>(gpu: Option<&Gpu>, elements: usize) -> Result<Vec<Timed>, Failure> {
    const SHOWN: [&str; 6] = ["kernel", "copy", "round_trip", "naive_round_trip", "cpu", "memcpy"];
    let cases = || -> Result<Vec<Case<'_>>, String> {
        let mut cases = workloads::on_cpu::<T>(elements)?;
        if let Some(gpu) = gpu {
            cases.extend(workloads::resident::<T>(gpu, elements)?);
            cases.extend(workloads::round_trips::<T>(gpu, elements)?);
        }
        cases.retain(|case| SHOWN.contains(&case.name));
        Ok(cases)
    };
    let mut cases = cases().map_err(Failure)?;
    let mut times = vec![Vec::new(); cases.len()];
    let mut runs = Vec::new();
    for case in &mut cases {
        // Warm, and as many runs as make a timing long enough to trust the clock.
        let once = (case.run)(1).and_then(|_| (case.run)(1)).map_err(Failure)?;
        runs.push((LEAST.as_secs_f64() / once.as_secs_f64().max(1e-9)).ceil().clamp(1.0, 1e6) as u64);
    }
    let started = Instant::now();
    for round in 0..ROUNDS {
        // In turn, so that what disturbs the machine disturbs them alike.
        for ((case, runs), times) in cases.iter_mut().zip(&runs).zip(&mut times) {
            let time = (case.run)(*runs).map_err(Failure)?;
            times.push(time.as_secs_f64() / *runs as f64);
        }
        if round >= 2 && started.elapsed() > ENOUGH.saturating_mul(cases.len() as u32) {
            break;
        }
    }
    Ok(cases
        .iter()
        .zip(&mut times)
        .map(|(case, times)| {
            times.sort_by(f64::total_cmp);
            let seconds = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
            Timed { case: case.name, element: case.element, elements: case.elements, bytes: case.bytes, seconds }
        })
        .collect())
}

/// Whether the GPU is worth it for data that starts and ends on the host.
fn verdict(results: &[Timed], gpu: bool) -> String {
    if !gpu {
        return "No GPU was measured: use the CPU path.".into();
    }
    let time = |case, elements| {
        results.iter().find(|t| (t.case, t.element, t.elements) == (case, "f32", elements)).map(|t| t.seconds)
    };
    let mut sizes: Vec<_> = results.iter().filter(|t| t.element == "f32").map(|t| t.elements).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let ratios: Vec<_> = sizes.iter().filter_map(|&n| Some((n, time("round_trip", n)? / time("cpu", n)?))).collect();
    // From the first size on from which the round trip is faster at all that follow.
    let from = ratios.iter().rposition(|&(_, ratio)| ratio >= 1.0).map_or(0, |last| last.saturating_add(1));
    match (ratios.get(from), ratios.last()) {
        (Some((n, ratio)), _) => format!(
            "For data that starts and ends on the host the GPU is worth it from about {n} elements on, of the sizes measured \
             ({:.2} times as fast as the CPU path there).",
            1.0 / ratio
        ),
        (None, Some((n, ratio))) => format!(
            "For data that starts and ends on the host the GPU is not worth it here: at {n} elements the round trip takes \
             {ratio:.1} times as long as the CPU path. Data that is on the GPU already is another matter."
        ),
        (None, None) => "Nothing was measured.".into(),
    }
}
