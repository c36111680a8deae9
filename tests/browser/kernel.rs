//! Bindings on an app's device, recorded into its encoder.

use futures_channel::oneshot;
use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::wgpu::{self, BufferUsages};
use hard_sigmoid::{
    Ahead, HardSigmoid, Kernel, KernelOptions, Saturation,
    adapter::{self, AdapterKind},
    cpu,
    plan::Rows,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::numbers::{Number, assert_bits, expected, gradients, numbers};

pub(crate) struct App {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
}

impl App {
    pub(crate) async fn new() -> Self {
        let adapter = adapter::find(AdapterKind::Any, None).await.unwrap();
        let (device, queue) = adapter.request_device(&wgpu::DeviceDescriptor::default()).await.unwrap();
        Self { device, queue }
    }

    pub(crate) fn buffer(&self, bytes: &[u8]) -> wgpu::Buffer {
        let size = bytes.len().next_multiple_of(4) as u64;
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let buffer = self.device.create_buffer(&descriptor);
        let mut words = bytes.to_vec();
        words.resize(size as usize, 0);
        self.queue.write_buffer(&buffer, 0, &words);
        buffer
    }

    pub(crate) async fn read<T: Number>(&self, buffer: &wgpu::Buffer, len: usize) -> Vec<T> {
        let readback = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: buffer.size(),
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &readback, 0, buffer.size());
        self.queue.submit([encoder.finish()]);
        let (sender, receiver) = oneshot::channel();
        readback.map_async(wgpu::MapMode::Read, .., move |result| drop(sender.send(result)));
        receiver.await.unwrap().unwrap();
        let bytes = readback.get_mapped_range(..).unwrap();
        bytemuck::pod_collect_to_vec(&bytes[..len * size_of::<T>()])
    }
}

/// Ranges at every alignment, and lengths around those of a word, a vector, and a workgroup.
async fn ranges<T: Number>() {
    let app = App::new().await;
    let mut limits = Kernel::device_limits(&app.device);
    let f = HardSigmoid::PYTORCH;
    let x = numbers::<T>(40_000);
    let after = expected(f, &x);
    for mixed in [false, true] {
        limits.mixed = mixed;
        let kernel =
            Kernel::with_options(&app.device, KernelOptions { limits: Some(limits), ..Default::default() }).unwrap();
        for (from, to, len) in
            [(0, 0, 1), (1, 0, 5), (0, 3, 17), (5, 5, 4097), (3, 8, 16_385), (8, 1, 20_011), (1, 1, 39_000)]
        {
            let case = (mixed, from, to, len);
            let [source, target] = [&x, &vec![T::WRONG; x.len()]].map(|data| app.buffer(bytemuck::cast_slice(data)));
            let counters = app.buffer(&[0; 32]);
            let part = |first: usize| first as u64..(first + len) as u64;
            let (range, into) = ((&source, part(from)), (&target, part(to)));
            let binding =
                kernel.checked(|kernel| kernel.bind_with_saturation::<T>(f, range, into, &counters)).await.unwrap();
            let mut encoder = app.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            binding.record(&mut encoder);
            app.queue.submit([encoder.finish()]);

            let mut all = vec![T::WRONG; x.len()];
            all[to..to + len].copy_from_slice(&after[from..from + len]);
            assert_bits(&app.read::<T>(&target, x.len()).await, &all, &case);
            let words: Vec<f32> = app.read(&counters, 8).await;
            let counts = Saturation::from_bytes(bytemuck::cast_slice(&words).try_into().unwrap());
            assert_eq!(counts, cpu::saturation(f, &x[from..from + len]), "{case:?}");

            // In place, with neighbours that stay.
            let binding = kernel.checked(|kernel| kernel.bind_in_place::<T>(f, (&source, part(from)))).await;
            let mut encoder = app.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            binding.unwrap().record(&mut encoder);
            app.queue.submit([encoder.finish()]);
            let mut all = x.clone();
            all[from..from + len].copy_from_slice(&after[from..from + len]);
            assert_bits(&app.read::<T>(&source, x.len()).await, &all, &case);
        }
    }
}

#[wasm_bindgen_test]
async fn ranges_of_an_apps_buffers_f32() {
    ranges::<f32>().await;
}

#[wasm_bindgen_test]
async fn ranges_of_an_apps_buffers_f16() {
    ranges::<f16>().await;
}

#[wasm_bindgen_test]
async fn ranges_of_an_apps_buffers_bf16() {
    ranges::<bf16>().await;
}

/// Compiled ahead, and waited for.
#[wasm_bindgen_test]
async fn rows_and_a_length_that_only_the_gpu_knows() {
    let app = App::new().await;
    let f = HardSigmoid::PYTORCH;
    let x = numbers::<f32>(20_000);
    let [rows_of, first_of] = [(); 2].map(|()| app.buffer(bytemuck::cast_slice(&x)));
    let length = app.buffer(&7_001_u32.to_le_bytes());
    let kernel = Kernel::new(&app.device).unwrap();
    let counted = kernel.with_length(&length);
    let ahead = Ahead::bind::<f32>().in_place();
    let warm_ups = [
        kernel.checked(|kernel| kernel.compile_ahead([ahead.rows()])).await.unwrap(),
        counted.checked(|kernel| kernel.compile_ahead([ahead])).await.unwrap(),
    ];
    let rows = Rows { first: 5, width: 61, pitch: 67, number: 290 };
    let bindings = [
        kernel.checked(|kernel| kernel.bind_in_place::<f32>(f, (&rows_of, rows))).await.unwrap(),
        counted.checked(|kernel| kernel.bind_in_place::<f32>(f, &first_of)).await.unwrap(),
    ];
    let mut encoder = app.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    warm_ups.iter().chain(&bindings).for_each(|binding| binding.record(&mut encoder));
    app.queue.submit([encoder.finish()]);
    let mut right = x.clone();
    for row in rows.of_mut(&mut right).unwrap() {
        cpu::apply_in_place(f, row);
    }
    assert_bits(&app.read::<f32>(&rows_of, x.len()).await, &right, &rows);
    let mut right = x.clone();
    cpu::apply_in_place(f, &mut right[..7_001]);
    assert_bits(&app.read::<f32>(&first_of, x.len()).await, &right, &"length");
}

#[wasm_bindgen_test]
async fn gradients_of_an_apps_buffers() {
    let app = App::new().await;
    let kernel = Kernel::new(&app.device).unwrap();
    let backward = HardSigmoid::ONNX.backward();
    let (x, grad) = (numbers::<f32>(20_003), gradients::<f32>(20_003));
    let mut after = vec![f32::WRONG; x.len()];
    cpu::backward(backward, &x, &grad, &mut after).unwrap();
    let [saved, grad_y, grad_x] =
        [&x, &grad, &vec![f32::WRONG; x.len()]].map(|data| app.buffer(bytemuck::cast_slice(data)));
    let binding =
        kernel.checked(|kernel| kernel.bind_backward::<f32>(backward, &saved, &grad_y, &grad_x)).await.unwrap();
    let mut encoder = app.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    binding.record(&mut encoder);
    app.queue.submit([encoder.finish()]);
    assert_bits(&app.read::<f32>(&grad_x, x.len()).await, &after, &"backward");
}
