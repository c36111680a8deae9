//! Compares burn's `hard_sigmoid` on wgpu with this crate, on the same data and adapter. Prints JSON lines.

use std::time::Instant;

use burn::tensor::activation::hard_sigmoid;
use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use hard_sigmoid::adapter::{self, AdapterKind};
use hard_sigmoid::{Gpu, HardSigmoid, wgpu};

const F: HardSigmoid = HardSigmoid::PYTORCH;
const ROUNDS: usize = 9;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let adapter = wait(adapter::find(AdapterKind::Any, None))?;
    let info = adapter.get_info();
    let gpu = wait(Gpu::open_adapter(&adapter))?;
    let kind = if info.device_type == wgpu::DeviceType::Cpu { DeviceKind::Cpu } else { DeviceKind::DefaultDevice };
    let device = Device::wgpu(kind);
    for elements in std::env::args().skip(1) {
        let elements: usize = elements.parse()?;
        for (case, medians) in
            [("kernel", kernel(&gpu, &device, elements)?), ("round_trip", round_trip(&gpu, &device, elements)?)]
        {
            for (who, seconds) in medians {
                println!(
                    "{}",
                    serde_json::json!({
                        "case": case, "who": who, "elements": elements, "seconds": seconds,
                        "adapter": format!("{} ({})", info.name, info.backend.to_str()),
                    })
                );
            }
        }
    }
    Ok(())
}

/// Runs the benchmarks in turn and returns their median times. Each run returns the start of its timed part.
fn medians(runs: &mut [(&'static str, &mut dyn FnMut() -> Result<Instant>)]) -> Result<Vec<(&'static str, f64)>> {
    let mut times = vec![Vec::new(); runs.len()];
    for round in 0..ROUNDS + 2 {
        for ((_, run), times) in runs.iter_mut().zip(&mut times) {
            let started = run()?;
            if round >= 2 {
                times.push(started.elapsed().as_secs_f64());
            }
        }
    }
    Ok(runs
        .iter()
        .zip(&mut times)
        .map(|((who, _), times)| {
            times.sort_by(f64::total_cmp);
            (*who, times[times.len() / 2])
        })
        .collect())
}

fn numbers(elements: usize) -> Vec<f32> {
    (0..elements as u32).map(|i| i.wrapping_mul(0x9e37_79b1) as f32 / u32::MAX as f32 * 8.0 - 4.0).collect()
}

fn check(who: &str, got: &[f32], x: &[f32]) -> Result<()> {
    let far =
        x.iter().zip(got).position(|(&x, y)| (f64::from(*y) - (f64::from(x) / 6.0 + 0.5).clamp(0.0, 1.0)).abs() > 1e-6);
    if far.is_some() || got.len() != x.len() {
        return Err(format!("{who}: wrong at {far:?}").into());
    }
    Ok(())
}

/// Times the operation on data that stays on the GPU, including the wait for its end.
fn kernel(gpu: &Gpu, device: &Device, elements: usize) -> Result<Vec<(&'static str, f64)>> {
    let x = numbers(elements);
    let tensor = Tensor::<1>::from_data(TensorData::new(x.clone(), [elements]), device);
    let y: Vec<f32> = hard_sigmoid(tensor.clone(), F.alpha(), F.beta())
        .into_data()
        .try_to_vec::<f32>()
        .map_err(|e| format!("{e:?}"))?;
    check("burn", &y, &x)?;
    use wgpu::BufferUsages as Usage;
    let usage = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
    let make = || {
        let descriptor =
            wgpu::BufferDescriptor { label: None, size: elements as u64 * 4, usage, mapped_at_creation: false };
        gpu.device().create_buffer(&descriptor)
    };
    let (source, target) = (make(), make());
    gpu.queue().write_buffer(&source, 0, &x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    let binding = gpu.kernel().bind::<f32>(F, &source, &target)?;
    let submit = |record: &dyn Fn(&mut wgpu::CommandEncoder)| {
        let mut encoder = gpu.device().create_command_encoder(&Default::default());
        record(&mut encoder);
        gpu.queue().submit([encoder.finish()]);
        gpu.device().poll(wgpu::PollType::wait_indefinitely())?;
        Result::Ok(())
    };
    let timed = |record: &dyn Fn(&mut wgpu::CommandEncoder)| {
        let started = Instant::now();
        submit(record).map(|()| started)
    };
    let mut ours = || timed(&|encoder| binding.record(encoder));
    let mut copy = || timed(&|encoder| encoder.copy_buffer_to_buffer(&source, 0, &target, 0, source.size()));
    let mut burns = || {
        let started = Instant::now();
        // burn does not compute a tensor that is dropped before `sync`.
        let y = hard_sigmoid(tensor.clone(), F.alpha(), F.beta());
        device.sync().map_err(|error| format!("{error:?}"))?;
        drop(y);
        Ok(started)
    };
    medians(&mut [("hard-sigmoid", &mut ours), ("burn", &mut burns), ("copy", &mut copy)])
}

/// Times the operation from a slice to a slice.
fn round_trip(gpu: &Gpu, device: &Device, elements: usize) -> Result<Vec<(&'static str, f64)>> {
    let x = numbers(elements);
    let mut y = vec![0.0; elements];
    gpu.apply_blocking(F, &x, &mut y)?;
    check("hard-sigmoid", &y, &x)?;
    let mut ours = || {
        let started = Instant::now();
        gpu.apply_blocking(F, &x, &mut y)?;
        Ok(started)
    };
    let mut burns = || {
        // Outside of the timed part, because only burn needs a copy.
        let x = x.clone();
        let started = Instant::now();
        let tensor = Tensor::<1>::from_data(TensorData::new(x, [elements]), device);
        let data = hard_sigmoid(tensor, F.alpha(), F.beta()).into_data();
        if data.as_slice::<f32>().map_err(|error| format!("{error:?}"))?.len() == elements {
            Ok(started)
        } else {
            Err("lost".into())
        }
    };
    medians(&mut [("hard-sigmoid", &mut ours), ("burn", &mut burns)])
}

/// Waits for a future.
fn wait<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}
