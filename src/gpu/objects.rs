//! Creating wgpu objects.

use std::num::NonZero;

const LABEL: Option<&str> = Some("hard_sigmoid");

pub(super) fn buffer(
    device: &wgpu::Device,
    label: &str,
    size: u64,
    usage: wgpu::BufferUsages,
    mapped_at_creation: bool,
) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation })
}

pub(super) fn shader_module(device: &wgpu::Device, wgsl: String) -> wgpu::ShaderModule {
    let source = wgpu::ShaderSource::Wgsl(wgsl.into());
    device.create_shader_module(wgpu::ShaderModuleDescriptor { label: LABEL, source })
}

/// A layout of buffers for a compute shader: binding numbers, kinds, and the least sizes, or 0.
pub(super) fn bind_group_layout(
    device: &wgpu::Device,
    buffers: impl Iterator<Item = (u32, wgpu::BufferBindingType, u64)>,
) -> wgpu::BindGroupLayout {
    let entries: Vec<_> = buffers
        .map(|(binding, ty, size)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: NonZero::new(size) },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: LABEL, entries: &entries })
}

/// Binds parts of buffers: binding numbers, buffers, offsets and sizes.
pub(super) fn bind_group<'a>(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    buffers: impl Iterator<Item = (u32, &'a wgpu::Buffer, u64, u64)>,
) -> wgpu::BindGroup {
    let entries: Vec<_> = buffers
        .map(|(binding, buffer, offset, size)| {
            let part = wgpu::BufferBinding { buffer, offset, size: NonZero::new(size) };
            wgpu::BindGroupEntry { binding, resource: wgpu::BindingResource::Buffer(part) }
        })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: LABEL, layout, entries: &entries })
}

pub(super) fn compute_pipeline(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    module: &wgpu::ShaderModule,
    entry_point: &str,
    constants: &[(&str, f64)],
) -> wgpu::ComputePipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: LABEL,
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: LABEL,
        layout: Some(&layout),
        module,
        entry_point: Some(entry_point),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants,
            // Counting writes all the workgroup memory that it reads.
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    })
}
