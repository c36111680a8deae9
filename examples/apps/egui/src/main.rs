//! The function on a field, with sliders, in a window of egui: `cargo run -- --window`.
//!
//! Without that argument, nothing is opened. The same app is drawn into a picture, its buttons are pressed and its
//! numbers changed, and what the GPU has computed and counted is compared with the CPU path: `cargo run [FILE.png]`.

mod app;
mod field;

use std::error::Error;

use app::App;
use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use field::SIDE;
use hard_sigmoid::{HardSigmoid, cpu, wgpu};

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("--window") {
        let viewport = egui::ViewportBuilder::default().with_inner_size([800.0, 560.0]);
        let options = eframe::NativeOptions { viewport, ..Default::default() };
        return Ok(eframe::run_native("hard-sigmoid", options, Box::new(|context| Ok(Box::new(App::new(context)?))))?);
    }
    check(&argument.unwrap_or_else(|| "target/egui.png".into()))
}

/// Drives the app without a window, and saves how it looks at the end.
fn check(file: &str) -> Result<(), Box<dyn Error>> {
    let state = create_render_state(default_wgpu_setup(), Default::default());
    println!("running on {}", state.adapter.get_info().name);
    let (device, queue) = (state.device.clone(), state.queue.clone());
    let mut harness = Harness::builder()
        .with_size([800.0, 560.0])
        .with_render_every_step(true)
        .renderer(WgpuTestRenderer::from_render_state(state))
        .build_eframe(|context| App::new(context).expect("kittest draws with wgpu"));

    let onnx = compare(&device, &queue, &mut harness, HardSigmoid::ONNX)?;
    harness.get_by_label("PyTorch").click();
    compare(&device, &queue, &mut harness, HardSigmoid::PYTORCH)?;
    harness.state_mut().alpha = -0.7;
    harness.state_mut().beta = 0.3;
    let falling = HardSigmoid::new(-0.7, 0.3)?;
    compare(&device, &queue, &mut harness, falling)?;
    // A number that is out of range shows an error, and the latest function stays.
    harness.state_mut().beta = f64::NAN;
    compare(&device, &queue, &mut harness, falling)?;
    harness.get_by_label_contains("finite");

    harness.get_by_label("ONNX").click();
    compare(&device, &queue, &mut harness, HardSigmoid::ONNX)?;
    let picture = harness.render()?;
    picture.save(file)?;
    compare_picture(&picture, harness.state().rect, &onnx)?;
    println!("saved {file}");
    Ok(())
}

/// Runs some frames, compares what the GPU has computed and counted with the CPU path, and returns the results.
fn compare(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    harness: &mut Harness<'_, App>,
    f: HardSigmoid,
) -> Result<Vec<f32>, Box<dyn Error>> {
    harness.run_steps(4);
    let x = app::numbers();
    let mut y = vec![0.0; x.len()];
    let counts = cpu::apply_with_saturation(f, &x, &mut y)?;
    let app = harness.state();
    let got = read(device, queue, &app.y)?;
    let differing = got.iter().zip(&y).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    if differing > 0 {
        return Err(format!("{f}: {differing} results differ from the CPU path").into());
    }
    if app.counts.latest() != Some((f, counts)) {
        return Err(format!("{f}: counted {:?} instead of {counts:?}", app.counts.latest()).into());
    }
    let saturated = format!("{:.1} % saturated", counts.fraction() * 100.0);
    harness.get_by_label(&saturated);
    println!("{f}: {} results have the bits of the CPU path, {saturated}", y.len());
    Ok(y)
}

/// Compares pixels with the field, whose colors differ by 1 of 255 at most after rounding.
fn compare_picture(picture: &image::RgbaImage, rect: egui::Rect, y: &[f32]) -> Result<(), Box<dyn Error>> {
    let at = |pixel: u32, min: f32| ((pixel as f32 + 0.5 - min) / rect.width() * SIDE as f32) as usize;
    for (column, row) in (0..400).map(|i| (rect.left() as u32 + 5 + i, rect.top() as u32 + 5 + i * 7 % 400)) {
        let value = y[at(row, rect.top()) * SIDE + at(column, rect.left())];
        let expected = match value {
            0.0 => [0.05, 0.16, 0.35],
            1.0 => [0.95, 0.75, 0.25],
            value => [value; 3],
        };
        let got = picture.get_pixel(column, row).0;
        let is_near = expected.iter().zip(got).all(|(expected, got)| (expected * 255.0 - f32::from(got)).abs() <= 1.0);
        if !is_near {
            return Err(format!("pixel {column}, {row}: {got:?}, where the result is {value}").into());
        }
    }
    Ok(())
}

/// The f32 of a buffer.
fn read(device: &wgpu::Device, queue: &wgpu::Queue, buffer: &wgpu::Buffer) -> Result<Vec<f32>, Box<dyn Error>> {
    let readback = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: buffer.size(),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    encoder.copy_buffer_to_buffer(buffer, 0, &readback, 0, None);
    queue.submit([encoder.finish()]);
    readback.map_async(wgpu::MapMode::Read, .., |_| ());
    device.poll(wgpu::PollType::wait_indefinitely())?;
    Ok(bytemuck::pod_collect_to_vec(&readback.get_mapped_range(..)?))
}
