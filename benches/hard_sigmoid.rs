//! What a kernel costs on the host, on wgpu's first adapter (or the one that `WGPU_BACKEND` and `WGPU_ADAPTER_NAME`
//! select): creating it, binding and recording. `hard-sigmoid bench` measures what is computed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a benchmark")]
#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use hard_sigmoid::{Ahead, Gpu, HardSigmoid, Kernel, adapter::AdapterKind};

const F: HardSigmoid = HardSigmoid::PYTORCH;

fn host_costs(criterion: &mut Criterion) {
    let gpu = Gpu::open_blocking(AdapterKind::Any).unwrap();
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
    let _warm_up = kernel.compile_ahead([Ahead::bind::<f32>(), Ahead::bind::<f32>().in_place()]).unwrap();
    eprintln!("first Kernel::new {new:?}, with compile_ahead::<f32> {:?}", started.elapsed());
    let binding = kernel.bind_in_place::<f32>(F, &data).unwrap();

    criterion.bench_function("kernel_new", |bencher| bencher.iter(|| Kernel::new(device).unwrap()));
    criterion.bench_function("kernel_new_and_compile_ahead_f32", |bencher| {
        // Does not time dropping the kernel.
        bencher.iter_with_large_drop(|| {
            let kernel = Kernel::new(device).unwrap();
            let _warm_up = kernel.compile_ahead([Ahead::bind::<f32>(), Ahead::bind::<f32>().in_place()]).unwrap();
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

criterion_group!(benches, host_costs);
criterion_main!(benches);
