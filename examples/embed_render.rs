//! A render app that computes a field, applies the activation to it, and draws the result, all in the encoder of the
//! frame. The field is the distance to a shape, and its hard sigmoid is the coverage of a pixel, from a soft glow
//! (small α) to a sharp, antialiased edge (α = 1). Saves the frame as a PNG: `embed_render [FILE]`.

#![allow(clippy::print_stdout, reason = "an example")]

mod headless;

use hard_sigmoid::{HardSigmoid, Kernel};
use headless::Result;

/// The width and height of a panel in pixels. A frame is three panels wide.
const SIDE: u32 = 256;
/// The α of each panel.
const PANELS: [f64; 3] = [0.02, 0.1, 1.0];

/// The app's field: the distance of each pixel to the outline of a ring and a disc, negative outside of them.
const FIELD: &str = "
@group(0) @binding(0) var<storage, read_write> field: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = vec2(f32(id.x % 256u), f32(id.x / 256u % 256u)) + 0.5 - 128.0;
    let ring = 14.0 - abs(length(at) - 88.0);
    let disc = 30.0 - length(at - vec2(20.0, -12.0));
    if id.x < arrayLength(&field) {
        field[id.x] = max(ring, disc);
    }
}";

/// The app's drawing: mixes two colours according to the coverage, with the panels side by side.
const DRAW: &str = "
@group(0) @binding(0) var<storage, read> coverage: array<f32>;
@vertex
fn vertex(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    return vec4(f32(i % 2u) * 4.0 - 1.0, f32(i / 2u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment
fn fragment(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = vec2<u32>(at.xy);
    let c = coverage[pixel.x / 256u * 65536u + pixel.y * 256u + pixel.x % 256u];
    return vec4(mix(vec3(0.05, 0.07, 0.15), vec3(1.0, 0.78, 0.3), c), 1.0);
}";

fn main() -> Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "target/embed_render.png".into());
    let (device, queue) = headless::open()?;
    let panel = u64::from(SIDE * SIDE);
    let pixels = PANELS.len() * panel as usize;
    let field = headless::storage(&device, &queue, &vec![0.0_f32; pixels]);
    let coverage = headless::storage(&device, &queue, &vec![0.0_f32; pixels]);
    let compute = headless::compute(&device, wgpu::ShaderSource::Wgsl(FIELD.into()));
    let compute_group = headless::group(&device, &compute.get_bind_group_layout(0), &[&field]);
    let draw = pipeline(&device);
    let draw_group = headless::group(&device, &draw.get_bind_group_layout(0), &[&coverage]);
    let target = target(&device);

    // One binding per panel. The first two have a fixed slope, and the app can set the last one for each frame.
    let kernel = Kernel::new(&device)?;
    let sharpness = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 16,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let range = |i: u64| i * panel..(i + 1) * panel;
    let activations = [
        kernel.bind::<f32>(HardSigmoid::new(PANELS[0], 0.5)?, (&field, range(0)), (&coverage, range(0)))?,
        kernel.bind::<f32>(HardSigmoid::new(PANELS[1], 0.5)?, (&field, range(1)), (&coverage, range(1)))?,
        kernel.bind::<f32>(sharpness.as_entire_buffer_binding(), (&field, range(2)), (&coverage, range(2)))?,
    ];

    // The frame.
    queue.write_buffer(&sharpness, 0, &HardSigmoid::new(PANELS[2], 0.5)?.params().to_bytes());
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&compute);
        pass.set_bind_group(0, &compute_group, &[]);
        pass.dispatch_workgroups((pixels as u32).div_ceil(64), 1, 1);
        for activation in &activations {
            activation.record_pass(&mut pass);
        }
    }
    {
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &target.create_view(&Default::default()),
                depth_slice: None,
                resolve_target: None,
                ops: Default::default(),
            })],
            ..Default::default()
        });
        pass.set_pipeline(&draw);
        pass.set_bind_group(0, &draw_group, &[]);
        pass.draw(0..3, 0..1);
    }
    let picture = headless::storage(&device, &queue, &vec![0.0_f32; pixels]);
    encoder.copy_texture_to_buffer(
        target.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &picture,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(target.width() * 4),
                rows_per_image: None,
            },
        },
        target.size(),
    );
    queue.submit([encoder.finish()]);

    let distances = headless::read_f32(&device, &queue, &field)?;
    let mut expected = Vec::new();
    for (alpha, distances) in PANELS.iter().zip(distances.chunks(panel as usize)) {
        let f = HardSigmoid::new(*alpha, 0.5)?;
        expected.extend(distances.iter().map(|&x| f.eval(x)));
    }
    headless::same("coverage", &headless::read_f32(&device, &queue, &coverage)?, &expected)?;
    let picture = headless::read(&device, &queue, &picture)?;
    check(&picture, &expected)?;
    save(&file, target.width(), target.height(), &picture)
}

/// Checks that the red component of each pixel matches the coverage.
fn check(rgba: &[u8], coverage: &[f32]) -> Result<()> {
    let (side, panels) = (SIDE as usize, PANELS.len());
    for (i, pixel) in rgba.chunks_exact(4).enumerate() {
        let (x, y) = (i % (side * panels), i / (side * panels));
        let c = coverage[x / side * side * side + y * side + x % side];
        let red = (0.05 + 0.95 * c) * 255.0;
        if (f32::from(pixel[0]) - red).abs() > 1.0 {
            return Err(format!("pixel {x}, {y} has red {}, not {red}", pixel[0]).into());
        }
    }
    Ok(())
}

fn pipeline(device: &wgpu::Device) -> wgpu::RenderPipeline {
    let source = wgpu::ShaderSource::Wgsl(DRAW.into());
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
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
            targets: &[Some(wgpu::TextureFormat::Rgba8Unorm.into())],
        }),
        primitive: Default::default(),
        depth_stencil: None,
        multisample: Default::default(),
        multiview_mask: None,
        cache: None,
    })
}

fn target(device: &wgpu::Device) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: SIDE * PANELS.len() as u32, height: SIDE, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

fn save(file: &str, width: u32, height: u32, rgba: &[u8]) -> Result<()> {
    let mut encoder = png::Encoder::new(std::fs::File::create(file)?, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(rgba)?;
    println!("saved {file}");
    Ok(())
}
