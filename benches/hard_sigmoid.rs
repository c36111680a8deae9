//! Benchmarks of every operation, element type and size, on the CPU path and on wgpu's first adapter (or the one that
//! `WGPU_BACKEND` and `WGPU_ADAPTER_NAME` select). All of them take long, so pass a filter, as in
//! `cargo bench -- kernel/f32`. `hard-sigmoid bench` runs the same workloads in a minute.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a benchmark")]
#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

#[path = "../src/bin/hard-sigmoid/bench/workloads.rs"]
mod workloads;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{AdapterKind, Element, Gpu, Kernel};
use workloads::{Case, F};

const SIZES: [u32; 8] = [0, 4, 10, 16, 20, 22, 24, 26];

/// For slices of f32 only, because this takes gigabytes of memory.
const LARGEST: u32 = 28;

fn all(criterion: &mut Criterion) {
    // First calls in the process are timed here. Criterion only times later ones.
    let started = Instant::now();
    let gpu = Gpu::open_blocking(AdapterKind::Any).map_err(|error| eprintln!("CPU path only: {error}")).ok();
    let opened = started.elapsed();
    let x = workloads::numbers::<f32>(1 << 20);
    let mut y = x.clone();
    if let Some(gpu) = &gpu {
        let started = Instant::now();
        gpu.apply_blocking(F, &x, &mut y).unwrap();
        eprintln!("first Gpu::open {opened:?}, first round trip of 2^20 f32 {:?}", started.elapsed());
    }
    let started = Instant::now();
    hard_sigmoid::cpu::apply(F, &x, &mut y).unwrap();
    eprintln!("first cpu::apply of 2^20 f32 {:?}", started.elapsed());
    sizes::<f32>(criterion, gpu.as_ref(), &SIZES);
    sizes::<f32>(criterion, gpu.as_ref(), &[LARGEST]);
    sizes::<f16>(criterion, gpu.as_ref(), &SIZES);
    sizes::<bf16>(criterion, gpu.as_ref(), &SIZES);
    sizes::<f64>(criterion, None, &SIZES);
    if let Some(gpu) = &gpu {
        host_costs(criterion, gpu);
    }
}

fn sizes<T: Element>(criterion: &mut Criterion, gpu: Option<&Gpu>, sizes: &[u32]) {
    for &size in sizes {
        let elements = 1_usize << size;
        let add = |criterion: &mut Criterion, cases: Result<Vec<Case<'_>>, String>| {
            cases.unwrap().into_iter().for_each(|case| time(criterion, case));
        };
        add(criterion, workloads::on_cpu::<T>(elements));
        if let Some(gpu) = gpu {
            if size < LARGEST {
                add(criterion, workloads::resident::<T>(gpu, elements));
            }
            add(criterion, workloads::round_trips::<T>(gpu, elements));
        }
    }
}

fn time(criterion: &mut Criterion, mut case: Case<'_>) {
    let mut group = criterion.benchmark_group(format!("{}/{}", case.name, case.element));
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Bytes(case.bytes));
    group.bench_function(BenchmarkId::from_parameter(case.elements), |bencher| {
        bencher.iter_custom(|runs| (case.run)(runs).unwrap());
    });
}

/// Costs on the host: creating a kernel, binding and recording.
fn host_costs(criterion: &mut Criterion, gpu: &Gpu) {
    let device = gpu.device();
    let data = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 1 << 20,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    // The first calls in the process.
    let started = Instant::now();
    let kernel = Kernel::new(device).unwrap();
    let new = started.elapsed();
    kernel.compile_ahead::<f32>().unwrap();
    eprintln!("first Kernel::new {new:?}, with compile_ahead::<f32> {:?}", started.elapsed());
    let binding = kernel.bind_in_place::<f32>(F, &data).unwrap();

    criterion.bench_function("kernel_new", |bencher| bencher.iter(|| Kernel::new(device).unwrap()));
    criterion.bench_function("kernel_new_and_compile_ahead_f32", |bencher| {
        // Does not time dropping the kernel.
        bencher.iter_with_large_drop(|| {
            let kernel = Kernel::new(device).unwrap();
            kernel.compile_ahead::<f32>().unwrap();
            kernel
        });
    });
    criterion.bench_function("bind", |bencher| bencher.iter(|| kernel.bind_in_place::<f32>(F, &data).unwrap()));
    criterion.bench_function("record_into_an_open_pass", |bencher| {
        bencher.iter_custom(|runs| {
            let mut encoder = device.create_command_encoder(&Default::default());
            let mut pass = encoder.begin_compute_pass(&Default::default());
            let started = Instant::now();
            (0..runs).for_each(|_| binding.record_pass(&mut pass));
            started.elapsed()
        });
    });
}

criterion_group!(benches, all);
criterion_main!(benches);
