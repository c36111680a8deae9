//! Code that any headless wgpu program needs: opens a device, and creates and reads buffers.

#![allow(dead_code, reason = "each example uses some of it")]

use wgpu::BufferUsages as Usage;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Opens a device without features and with downlevel limits, which suffice for compute shaders.
pub(crate) fn open() -> Result<(wgpu::Device, wgpu::Queue)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = pollster::block_on(wgpu::util::initialize_adapter_from_env_or_default(&instance, None))?;
    println!("running on {} ({:?})", adapter.get_info().name, adapter.get_info().backend);
    let required_limits = wgpu::Limits::downlevel_defaults();
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    Ok(pollster::block_on(adapter.request_device(&descriptor))?)
}

/// Creates a storage buffer with `data`.
pub(crate) fn storage<T: bytemuck::NoUninit>(device: &wgpu::Device, queue: &wgpu::Queue, data: &[T]) -> wgpu::Buffer {
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: size_of_val(data) as u64,
        usage: Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&buffer, 0, bytemuck::cast_slice(data));
    buffer
}

/// Creates a compute pipeline with the entry point `main`.
pub(crate) fn compute(device: &wgpu::Device, source: wgpu::ShaderSource<'_>) -> wgpu::ComputePipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    })
}

/// Creates a bind group with whole buffers as bindings 0, 1, ….
pub(crate) fn group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    buffers: &[&wgpu::Buffer],
) -> wgpu::BindGroup {
    let entries: Vec<_> = (0..)
        .zip(buffers)
        .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}

/// Waits for the GPU and returns the contents of a buffer.
pub(crate) fn read(device: &wgpu::Device, queue: &wgpu::Queue, buffer: &wgpu::Buffer) -> Result<Vec<u8>> {
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: buffer.size(),
        usage: Usage::MAP_READ | Usage::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
    queue.submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    Ok(staging.get_mapped_range(..)?.to_vec())
}

/// Returns the contents of a buffer as f32.
pub(crate) fn read_f32(device: &wgpu::Device, queue: &wgpu::Queue, buffer: &wgpu::Buffer) -> Result<Vec<f32>> {
    Ok(bytemuck::pod_collect_to_vec(&read(device, queue, buffer)?))
}

/// Returns an error unless two results have the same bits.
pub(crate) fn same(what: &str, got: &[f32], expected: &[f32]) -> Result<()> {
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    if bits(got) != bits(expected) {
        return Err(format!("{what} differs from the CPU").into());
    }
    println!("{what}: {} elements with the same bits as on the CPU", got.len());
    Ok(())
}
