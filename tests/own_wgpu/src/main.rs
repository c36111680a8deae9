//! An app that opens its own device and records an activation on it. It compiles only if the app and the crate use the
//! same version of wgpu.

#![allow(clippy::print_stdout, reason = "an app prints")]

use hard_sigmoid::{HardSigmoid, Kernel, wgpu as theirs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = pollster::block_on(wgpu::util::initialize_adapter_from_env_or_default(&instance, None))?;
    let (device, queue): (theirs::Device, wgpu::Queue) =
        pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    let data = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4096,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    let binding = Kernel::new(&device)?.bind_in_place::<f32>(HardSigmoid::ONNX, &data)?;
    let mut encoder = device.create_command_encoder(&Default::default());
    binding.record(&mut encoder);
    queue.submit([encoder.finish()]);
    device.poll(wgpu::PollType::wait_indefinitely())?;
    println!("app: recorded on {}", adapter.get_info().name);
    Ok(())
}
