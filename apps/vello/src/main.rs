//! A field that the function shapes, as an image in a scene of vello, beside the curve of the function: one device, one
//! queue, and no copy through host memory. Draws a frame for each preset, compares the field with the CPU path and the
//! picture with the field, and saves the last picture: `cargo run [FILE.png]`.

mod field;
mod scene;

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use field::{Field, SIDE};
use hard_sigmoid::{HardSigmoid, cpu};
use vello::wgpu;
use vello::{AaConfig, AaSupport, RenderParams, Renderer, RendererOptions};
use wgpu::BufferUsages;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The function in each frame.
const FRAMES: [HardSigmoid; 2] = [HardSigmoid::ONNX, HardSigmoid::PYTORCH];

const WIDTH: u32 = 704;
const HEIGHT: u32 = 384;

fn main() -> Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "target/vello.png".into());
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = pollster::block_on(wgpu::util::initialize_adapter_from_env_or_default(&instance, None))?;
    println!("running on {} ({})", adapter.get_info().name, adapter.get_info().backend);
    // vello needs the default limits; the kernel needs less.
    let (device, queue) = pollster::block_on(adapter.request_device(&Default::default()))?;

    let field = Field::new(&device)?;
    let options = RendererOptions { antialiasing_support: AaSupport::area_only(), ..Default::default() };
    let mut renderer = Renderer::new(&device, options)?;
    let image = renderer.register_texture(field.image.clone());
    let target = field::texture(&device, WIDTH, HEIGHT);
    let view = target.create_view(&Default::default());
    let params = RenderParams {
        base_color: vello::peniko::Color::WHITE,
        width: WIDTH,
        height: HEIGHT,
        antialiasing_method: AaConfig::Area,
    };

    for f in FRAMES {
        field.set(&queue, f);
        let mut encoder = device.create_command_encoder(&Default::default());
        field.record(&mut encoder);
        queue.submit([encoder.finish()]);
        // vello copies the image in the first frame, and again only if told so.
        renderer.mark_override_image_dirty(&image);
        let scene = scene::scene(f, image.clone());
        renderer.render_to_texture(&device, &queue, &scene, &view, &params)?;

        let y = compare(&device, &queue, &field, f)?;
        let picture = pixels(&device, &queue, &target)?;
        save(&file, &picture).map_err(|error| format!("{file}: {error}"))?;
        compare_picture(&picture, &y, f)?;
    }
    println!("saved {file}");
    Ok(())
}

/// Compares the field with the CPU path, and returns the results.
fn compare(device: &wgpu::Device, queue: &wgpu::Queue, field: &Field, f: HardSigmoid) -> Result<Vec<f32>> {
    let numbers = |buffer: &wgpu::Buffer| -> Result<Vec<f32>> {
        let bytes = read(device, queue, buffer.size(), |encoder, into| {
            encoder.copy_buffer_to_buffer(buffer, 0, into, 0, None);
        })?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    };
    let (x, y) = (numbers(&field.x)?, numbers(&field.y)?);
    let mut expected = vec![0.0; x.len()];
    let counts = cpu::apply_with_saturation(f, &x, &mut expected)?;
    let differing = y.iter().zip(&expected).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    if differing > 0 {
        return Err(format!("{f}: {differing} of {} results differ from the CPU path", y.len()).into());
    }
    // A field that was never made is 0 everywhere.
    if counts.zero == 0 || counts.one == 0 || counts.inside == 0 {
        return Err(format!("{f}: the field does not reach both ends: {counts:?}").into());
    }
    let (zero, one, total) = (counts.zero, counts.one, counts.total());
    println!("{f}: {total} results, {zero} of them 0 and {one} of them 1, have the bits of the CPU path");
    Ok(y)
}

/// Compares the picture with the field: each pixel of its image, and points of its curve. The texture of the image
/// rounds to 1/255, and the picture does again, so that colors differ by 1 of 255 at most.
fn compare_picture(picture: &[u8], y: &[f32], f: HardSigmoid) -> Result<()> {
    let check = |column: u32, row: u32, expected: [f32; 3]| {
        let at = ((row * WIDTH + column) * 4) as usize;
        let got = [0, 1, 2].map(|channel| f32::from(picture[at + channel]));
        match got.iter().zip(expected).all(|(got, expected)| (got - expected * 255.0).abs() <= 1.0) {
            true => Ok(()),
            false => Err(format!("pixel {column}, {row} is {got:?} instead of {expected:?} times 255")),
        }
    };
    for (i, &value) in (0..).zip(y) {
        let color = match value {
            0.0 => [0.05, 0.16, 0.35],
            1.0 => [0.95, 0.75, 0.25],
            value => [value; 3],
        };
        check(scene::IMAGE.0 + i % SIDE, scene::IMAGE.1 + i / SIDE, color)?;
    }
    let [red, green, blue, _] = scene::INK.components;
    for x in [-4.0, 0.0, 1.5] {
        let at = scene::point(x, f.eval(x));
        check(at.x as u32, at.y as u32, [red, green, blue])?;
    }
    Ok(())
}

fn pixels(device: &wgpu::Device, queue: &wgpu::Queue, texture: &wgpu::Texture) -> Result<Vec<u8>> {
    read(device, queue, u64::from(WIDTH * HEIGHT * 4), |encoder, buffer| {
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(WIDTH * 4), rows_per_image: None };
        let to = wgpu::TexelCopyBufferInfo { buffer, layout };
        encoder.copy_texture_to_buffer(texture.as_image_copy(), to, texture.size());
    })
}

/// What `copy` puts into a buffer of so many bytes.
fn read(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    size: u64,
    copy: impl FnOnce(&mut wgpu::CommandEncoder, &wgpu::Buffer),
) -> Result<Vec<u8>> {
    let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
    let buffer = device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    let mut encoder = device.create_command_encoder(&Default::default());
    copy(&mut encoder, &buffer);
    queue.submit([encoder.finish()]);
    buffer.map_async(wgpu::MapMode::Read, .., |_| ());
    device.poll(wgpu::PollType::wait_indefinitely())?;
    Ok(buffer.get_mapped_range(..)?.to_vec())
}

fn save(file: &str, pixels: &[u8]) -> Result<()> {
    if let Some(folder) = Path::new(file).parent() {
        fs::create_dir_all(folder)?;
    }
    let mut encoder = png::Encoder::new(File::create(file)?, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(())
}
