//! Activates an image that was copied from a texture, whose rows are 256 bytes' multiples apart, and writes it without
//! padding. One binding computes all rows.

#![allow(clippy::print_stdout, reason = "an example")]

mod headless;

use hard_sigmoid::{HardSigmoid, Kernel, plan::Rows};
use headless::Result;

const WIDTH: u32 = 301;
const HEIGHT: u32 = 200;

fn main() -> Result<()> {
    let (device, queue) = headless::open()?;
    let pixels: Vec<f32> = (0..WIDTH * HEIGHT).map(|i| ((i * 7919) % 10_007) as f32 / 1000.0 - 5.0).collect();
    let size = wgpu::Extent3d { width: WIDTH, height: HEIGHT, depth_or_array_layers: 1 };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::R32Float,
        usage: wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let layout = |bytes_per_row| wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(bytes_per_row),
        rows_per_image: None,
    };
    queue.write_texture(texture.as_image_copy(), bytemuck::cast_slice(&pixels), layout(4 * WIDTH), size);

    // The app's copy, of rows with padding.
    let pitch = (4 * WIDTH).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let padded = headless::storage(&device, &queue, &vec![0.0_f32; (pitch / 4 * HEIGHT) as usize]);
    let tight = headless::storage(&device, &queue, &vec![0.0_f32; pixels.len()]);

    let kernel = Kernel::new(&device)?;
    let rows = Rows { first: 0, width: WIDTH.into(), pitch: (pitch / 4).into(), number: HEIGHT.into() };
    let without_padding = Rows { pitch: rows.width, ..rows };
    let activation = kernel.bind::<f32>(HardSigmoid::PYTORCH, (&padded, rows), (&tight, without_padding))?;

    let mut encoder = device.create_command_encoder(&Default::default());
    let to = wgpu::TexelCopyBufferInfo { buffer: &padded, layout: layout(pitch) };
    encoder.copy_texture_to_buffer(texture.as_image_copy(), to, size);
    activation.record(&mut encoder);
    queue.submit([encoder.finish()]);

    let expected: Vec<f32> = pixels.iter().map(|&x| HardSigmoid::PYTORCH.eval(x)).collect();
    headless::same("the image", &headless::read_f32(&device, &queue, &tight)?, &expected)
}
