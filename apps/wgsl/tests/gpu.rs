//! Runs the programs.

use std::borrow::Cow;

use hard_sigmoid::HardSigmoid;
use naga::Module;
use wgpu::util::{BufferInitDescriptor, DeviceExt};
use wgpu::{BufferUsages as Usage, RenderPassColorAttachment};

use crate::numbers::COUNT;

pub(crate) fn adapters() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
}

/// The contents of the uniform buffers.
pub(crate) struct Inputs([[u8; 16]; 2]);

impl Inputs {
    pub(crate) fn new(f: HardSigmoid) -> Self {
        Self([f.params().to_bytes(), f.backward().params().to_bytes()])
    }
}

pub(crate) struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl Gpu {
    pub(crate) fn open(adapter: &wgpu::Adapter) -> Self {
        let required_limits = wgpu::Limits::downlevel_defaults();
        let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
        Self { device, queue }
    }

    /// The numbers after a compute shader has replaced them.
    pub(crate) fn compute(&self, program: &Module, entry_point: &str, inputs: &Inputs, x: &[f32]) -> Vec<f32> {
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &self.module(program),
            entry_point: Some(entry_point),
            compilation_options: Default::default(),
            cache: None,
        });
        let data = self.buffer(bytemuck::cast_slice(x), Usage::STORAGE | Usage::COPY_SRC);
        let (binding, contents) = if entry_point == "backward" { (2, inputs.0[1]) } else { (0, inputs.0[0]) };
        let uniform = self.buffer(&contents, Usage::UNIFORM);
        let group = self.group(&pipeline.get_bind_group_layout(0), &[(binding, &uniform), (1, &data)]);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups((x.len() as u32).div_ceil(64), 1, 1);
        }
        let readback = self.readback();
        encoder.copy_buffer_to_buffer(&data, 0, &readback, 0, None);
        self.finish(encoder, &readback)
    }

    /// The pixels that a vertex and a fragment shader draw, one for each number.
    pub(crate) fn draw(&self, program: &Module, vertex: &str, fragment: &str, inputs: &Inputs, x: &[f32]) -> Vec<f32> {
        let module = self.module(program);
        let format = wgpu::TextureFormat::R32Uint;
        let pipeline = self.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: None,
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some(vertex),
                compilation_options: Default::default(),
                buffers: &[Some(wgpu::VertexBufferLayout {
                    array_stride: 4,
                    step_mode: wgpu::VertexStepMode::Vertex,
                    attributes: &wgpu::vertex_attr_array![0 => Uint32],
                })],
            },
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some(fragment),
                compilation_options: Default::default(),
                targets: &[Some(format.into())],
            }),
            primitive: wgpu::PrimitiveState { topology: wgpu::PrimitiveTopology::PointList, ..Default::default() },
            depth_stencil: None,
            multisample: Default::default(),
            multiview_mask: None,
            cache: None,
        });
        let target = self.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d { width: COUNT as u32, height: 1, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let uniform = self.buffer(&inputs.0[0], Usage::UNIFORM);
        let group = self.group(&pipeline.get_bind_group_layout(0), &[(0, &uniform)]);
        let vertices = self.buffer(bytemuck::cast_slice(x), Usage::VERTEX);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(RenderPassColorAttachment {
                    view: &target.create_view(&Default::default()),
                    depth_slice: None,
                    resolve_target: None,
                    ops: Default::default(),
                })],
                ..Default::default()
            });
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.set_vertex_buffer(0, vertices.slice(..));
            pass.draw(0..x.len() as u32, 0..1);
        }
        let readback = self.readback();
        let pixels = wgpu::TexelCopyBufferInfo { buffer: &readback, layout: Default::default() };
        encoder.copy_texture_to_buffer(target.as_image_copy(), pixels, target.size());
        self.finish(encoder, &readback)
    }

    fn module(&self, program: &Module) -> wgpu::ShaderModule {
        let source = wgpu::ShaderSource::Naga(Cow::Owned(program.clone()));
        self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source })
    }

    fn buffer(&self, contents: &[u8], usage: Usage) -> wgpu::Buffer {
        self.device.create_buffer_init(&BufferInitDescriptor { label: None, contents, usage })
    }

    fn group(&self, layout: &wgpu::BindGroupLayout, buffers: &[(u32, &wgpu::Buffer)]) -> wgpu::BindGroup {
        let entries: Vec<_> = buffers
            .iter()
            .map(|&(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    }

    fn readback(&self) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: COUNT as u64 * 4,
            usage: Usage::MAP_READ | Usage::COPY_DST,
            mapped_at_creation: false,
        })
    }

    fn finish(&self, encoder: wgpu::CommandEncoder, readback: &wgpu::Buffer) -> Vec<f32> {
        self.queue.submit([encoder.finish()]);
        readback.map_async(wgpu::MapMode::Read, .., |_| {});
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        bytemuck::pod_collect_to_vec(&readback.get_mapped_range(..).unwrap())
    }
}
