#![allow(missing_docs)]
use hard_sigmoid::*;
use std::time::Instant;
#[test]
fn thin() {
    let adapters = pollster::block_on(gpu::adapter::adapters());
    for a in &adapters {
        let gpu = pollster::block_on(Gpu::open_adapter(a)).unwrap();
        let t = Instant::now();
        let k = Kernel::new(gpu.device()).unwrap();
        println!("new {:?}", t.elapsed());
        let b = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 1 << 26,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let b2 = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 1 << 26,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let t = Instant::now();
        let bind = k.bind(HardSigmoid::ONNX, &b, &b2).unwrap();
        println!("bind {:?}", t.elapsed());
        for _ in 0..8 {
            let t = Instant::now();
            let mut e = gpu.device().create_command_encoder(&Default::default());
            bind.record(&mut e);
            gpu.queue().submit([e.finish()]);
            gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
            println!("run {:?}  {} GB/s", t.elapsed(), (1u64 << 27) as f64 / t.elapsed().as_secs_f64() / 1e9);
        }
        for _ in 0..5 {
            let t = Instant::now();
            let mut e = gpu.device().create_command_encoder(&Default::default());

            e.copy_buffer_to_buffer(&b, 0, &b2, 0, 1 << 26);
            gpu.queue().submit([e.finish()]);
            gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
            println!("clear {:?}", t.elapsed());
        }
    }
}
