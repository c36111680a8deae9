//! The function inside an app's own shaders, where it needs no dispatch of its own. Its source is put in front of a
//! compute shader and of a fragment shader.

#![allow(clippy::print_stdout, reason = "an example")]

mod headless;

use hard_sigmoid::{HardSigmoid, WGSL};
use headless::Result;

/// A scale, a bias and the activation in one shader.
const COMPUTE: &str = "
@group(0) @binding(0) var<uniform> f: HardSigmoid;
@group(0) @binding(1) var<storage, read_write> data: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&data) {
        data[id.x] = hard_sigmoid(data[id.x] * 2.0 + 1.0, f);
    }
}";

/// Draws one row of pixels. Pixel x holds the bits of `hard_sigmoid(x - 8)`.
const FRAGMENT: &str = "
@group(0) @binding(0) var<uniform> f: HardSigmoid;
@vertex
fn vertex(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    return vec4(f32(i % 2u) * 4.0 - 1.0, f32(i / 2u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment
fn fragment(@builtin(position) at: vec4<f32>) -> @location(0) u32 {
    return bitcast<u32>(hard_sigmoid(floor(at.x) - 8.0, f));
}";

fn main() -> Result<()> {
    let (device, queue) = headless::open()?;
    let f = HardSigmoid::PYTORCH;
    // The parameters of the function, in a uniform buffer.
    let uniform = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 16,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&uniform, 0, &f.params().to_bytes());

    let x: Vec<f32> = (0..1000).map(|i| i as f32 / 100.0 - 5.0).collect();
    let expected: Vec<f32> = x.iter().map(|x| f.eval(x * 2.0 + 1.0)).collect();
    let source = wgpu::ShaderSource::Wgsl(format!("{WGSL}{COMPUTE}").into());
    let pipeline = headless::compute(&device, source);
    let data = headless::storage(&device, &queue, &x);
    let group = headless::group(&device, &pipeline.get_bind_group_layout(0), &[&uniform, &data]);
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(16, 1, 1);
    }
    queue.submit([encoder.finish()]);
    headless::same("in a compute shader", &headless::read_f32(&device, &queue, &data)?, &expected)?;
    let expected: Vec<f32> = (0..16).map(|x| f.eval(x as f32 - 8.0)).collect();
    headless::same("in a fragment shader", &drawn(&device, &queue, &uniform)?, &expected)
}

/// Draws the row of pixels and returns the numbers that they hold.
fn drawn(device: &wgpu::Device, queue: &wgpu::Queue, uniform: &wgpu::Buffer) -> Result<Vec<f32>> {
    let source = wgpu::ShaderSource::Wgsl(format!("{WGSL}{FRAGMENT}").into());
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
    let format = wgpu::TextureFormat::R32Uint;
    let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: None,
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vertex"),
            compilation_options: Default::default(),
            buffers: &[],
        },
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("fragment"),
            compilation_options: Default::default(),
            targets: &[Some(format.into())],
        }),
        primitive: Default::default(),
        depth_stencil: None,
        multisample: Default::default(),
        multiview_mask: None,
        cache: None,
    });
    let group = headless::group(device, &pipeline.get_bind_group_layout(0), &[uniform]);
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: 16, height: 1, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &texture.create_view(&Default::default()),
                depth_slice: None,
                resolve_target: None,
                ops: Default::default(),
            })],
            ..Default::default()
        });
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.draw(0..3, 0..1);
    }
    let pixels = headless::storage(device, queue, &[0.0_f32; 16]);
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo { buffer: &pixels, layout: Default::default() },
        texture.size(),
    );
    queue.submit([encoder.finish()]);
    headless::read_f32(device, queue, &pixels)
}
