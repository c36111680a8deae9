//! Compiling: shader modules, bind group layouts and pipelines.

use super::shader::{BLOCK_BYTES, DISPATCH, PARAMS, Program};
use crate::gpu::error::Error;
use crate::gpu::scope::scoped;

/// A compiled program and the layout of its bind group.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

pub(super) fn module(device: &wgpu::Device, wgsl: String) -> Result<wgpu::ShaderModule, Error> {
    scoped(device, "compiling the shader", || {
        device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("hard_sigmoid"),
            source: wgpu::ShaderSource::Wgsl(wgsl.into()),
        })
    })
}

impl Pipeline {
    pub(super) fn new(device: &wgpu::Device, module: &wgpu::ShaderModule, program: Program) -> Result<Self, Error> {
        scoped(device, "compiling a pipeline", || {
            let uniform = |binding| layout_entry(binding, wgpu::BufferBindingType::Uniform, BLOCK_BYTES as u64);
            let storage = program
                .storage()
                .map(|(binding, read_only)| layout_entry(binding, wgpu::BufferBindingType::Storage { read_only }, 0));
            let entries: Vec<_> = [PARAMS, DISPATCH].map(uniform).into_iter().chain(storage).collect();
            let layout = bind_group_layout(device, &entries);
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("hard_sigmoid"),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("hard_sigmoid"),
                layout: Some(&pipeline_layout),
                module,
                entry_point: Some(program.entry_point()),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &program.constants(),
                    // Counting writes all the workgroup memory that it reads.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            });
            Self { pipeline, layout }
        })
    }
}

pub(super) fn bind_group_layout(
    device: &wgpu::Device,
    entries: &[wgpu::BindGroupLayoutEntry],
) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("hard_sigmoid"), entries })
}

pub(super) fn layout_entry(
    binding: u32,
    ty: wgpu::BufferBindingType,
    min_binding_size: u64,
) -> wgpu::BindGroupLayoutEntry {
    let min_binding_size = std::num::NonZero::new(min_binding_size);
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size },
        count: None,
    }
}
