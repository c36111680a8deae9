//! Creating wgpu objects.

use std::num::NonZero;

use crate::plan::Program;

pub(super) fn buffer(
    device: &wgpu::Device,
    label: &str,
    size: u64,
    usage: wgpu::BufferUsages,
    mapped_at_creation: bool,
) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation })
}

pub(super) fn shader_module(device: &wgpu::Device, label: &str, wgsl: String) -> wgpu::ShaderModule {
    let source = wgpu::ShaderSource::Wgsl(wgsl.into());
    device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(label), source })
}

/// A layout of one buffer of any size.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn bind_group_layout(device: &wgpu::Device, ty: wgpu::BufferBindingType) -> wgpu::BindGroupLayout {
    let entry = wgpu::BindGroupLayoutEntry {
        binding: 0,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &[entry] })
}

/// Binds parts of buffers: binding numbers, buffers, offsets and sizes.
pub(super) fn bind_group<'a>(
    device: &wgpu::Device,
    label: &str,
    layout: &wgpu::BindGroupLayout,
    buffers: impl IntoIterator<Item = (u32, &'a wgpu::Buffer, u64, u64)>,
) -> wgpu::BindGroup {
    let entries: Vec<_> = buffers
        .into_iter()
        .map(|(binding, buffer, offset, size)| {
            let part = wgpu::BufferBinding { buffer, offset, size: NonZero::new(size) };
            wgpu::BindGroupEntry { binding, resource: wgpu::BindingResource::Buffer(part) }
        })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(label), layout, entries: &entries })
}

pub(super) fn compute_pipeline(
    device: &wgpu::Device,
    label: &str,
    module: &wgpu::ShaderModule,
    program: &Program,
    cache: Option<&wgpu::PipelineCache>,
) -> wgpu::ComputePipeline {
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(label),
        layout: None,
        module,
        entry_point: Some(program.entry_point()),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &program.constants(),
            // Counting writes all the workgroup memory that it reads.
            zero_initialize_workgroup_memory: false,
        },
        cache,
    })
}
