//! The function on a field, with sliders, in a window of egui: `cargo run -- --window`.
//!
//! Without that argument, nothing is opened. The same app is drawn into a picture, its buttons are pressed and its
//! numbers changed, and what the GPU has computed and counted is compared with the CPU path: `cargo run [FILE.png]`.

mod app;
mod field;

use std::error::Error;
use std::path::Path;

use app::App;
use eframe::egui;
use eframe::egui::accesskit::Role;
use eframe::egui_wgpu::{CallbackTrait, RenderState, ScreenDescriptor};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use field::{Draw, SIDE};
use hard_sigmoid::{HardSigmoid, cpu, wgpu};

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("--window") => open(),
        Some(option) if option.starts_with('-') => Err(format!("{option}: expected --window or FILE.png").into()),
        file => check(Path::new(file.unwrap_or("target/egui.png"))),
    }
}

fn open() -> Result<(), Box<dyn Error>> {
    let viewport = egui::ViewportBuilder::default().with_inner_size([800.0, 560.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    Ok(eframe::run_native("hard-sigmoid", options, Box::new(|context| Ok(Box::new(App::new(context)?))))?)
}

/// Drives the app without a window, and saves how it looks at the end.
fn check(file: &Path) -> Result<(), Box<dyn Error>> {
    let state = create_render_state(default_wgpu_setup(), Default::default());
    println!("running on {}", state.adapter.get_info().name);
    // High enough for one pixel an element: a margin of 8 is above the field and below it.
    let mut harness = Harness::builder()
        .with_size([800.0, SIDE as f32 + 16.0])
        .with_render_every_step(true)
        .renderer(WgpuTestRenderer::from_render_state(state.clone()))
        .build_eframe(|context| App::new(context).expect("kittest draws with wgpu"));

    let onnx = compare(&state, &mut harness, HardSigmoid::ONNX)?;
    drop_frame(&state, &harness, HardSigmoid::PYTORCH);
    harness.get_by_label("PyTorch").click();
    compare(&state, &mut harness, HardSigmoid::PYTORCH)?;
    harness.get_by_role_and_label(Role::Slider, "α").set_value_accesskit(-0.7);
    harness.get_by_role_and_label(Role::Slider, "β").set_value_accesskit(0.3);
    let falling = HardSigmoid::new(-0.7, 0.3)?;
    compare(&state, &mut harness, falling)?;

    // What is typed and is no function shows an error, and the latest function stays.
    for (text, error) in [("inf", "finite"), ("1e300", "normal")] {
        harness.get_by_role_and_label(Role::SpinButton, "β").click();
        // The cursor blinks from now on.
        harness.run_steps(2);
        harness.get_by_role_and_label(Role::SpinButton, "β").type_text(text);
        harness.key_press(egui::Key::Enter);
        compare(&state, &mut harness, falling)?;
        let shown = harness.query_by_label_contains(error).and_then(|label| label.value());
        println!("typed {text}: {}", shown.ok_or("no error is shown")?);
    }

    harness.get_by_label("ONNX").click();
    compare(&state, &mut harness, HardSigmoid::ONNX)?;
    let picture = harness.render()?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    picture.save(file)?;
    println!("saved {}", file.display());
    compare_picture(&picture, harness.state().rect, &onnx)
}

/// Prepares a frame that is never submitted, as egui does when a window has nothing to draw on. Later frames must
/// count nevertheless.
fn drop_frame(state: &RenderState, harness: &Harness<'_, App>, f: HardSigmoid) {
    let draw = Draw { f, counts: harness.state().counts.clone(), context: harness.ctx.clone() };
    let screen = ScreenDescriptor { size_in_pixels: [1, 1], pixels_per_point: 1.0 };
    let mut encoder = state.device.create_command_encoder(&Default::default());
    let resources = &mut state.renderer.write().callback_resources;
    draw.prepare(&state.device, &state.queue, &screen, &mut encoder, resources);
}

/// Runs frames until none is requested.
fn settle(harness: &mut Harness<'_, App>) -> Result<(), String> {
    for _ in 0..20 {
        harness.step();
        if !harness.ctx.has_requested_repaint() {
            return Ok(());
        }
    }
    Err(format!("still repaints after 20 frames, because of {:?}", harness.ctx.repaint_causes()))
}

/// Once the app is idle, compares what the GPU has computed and counted with the CPU path, and returns the
/// results.
fn compare(state: &RenderState, harness: &mut Harness<'_, App>, f: HardSigmoid) -> Result<Vec<f32>, Box<dyn Error>> {
    settle(harness)?;
    let x = app::numbers();
    let mut y = vec![0.0; x.len()];
    let counts = cpu::apply_with_saturation(f, &x, &mut y)?;
    let app = harness.state();
    let got = read(state, &app.y)?;
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

/// Compares every pixel of the field, which may differ by 1 of 255 after rounding.
fn compare_picture(picture: &image::RgbaImage, rect: egui::Rect, y: &[f32]) -> Result<(), Box<dyn Error>> {
    if rect.size() != egui::Vec2::splat(SIDE as f32) {
        return Err(format!("the field has {} pixels", rect.size()).into());
    }
    let (left, top) = (rect.left() as u32, rect.top() as u32);
    for (i, &value) in y.iter().enumerate() {
        let expected = match value {
            0.0 => [0.05, 0.16, 0.35],
            1.0 => [0.95, 0.75, 0.25],
            value => [value; 3],
        };
        let (column, row) = (left + (i % SIDE) as u32, top + (i / SIDE) as u32);
        let got = picture.get_pixel(column, row).0;
        let is_near = expected.iter().zip(got).all(|(expected, got)| (expected * 255.0 - f32::from(got)).abs() <= 1.0);
        if !is_near {
            return Err(format!("pixel {column}, {row}: {got:?}, where the result is {value}").into());
        }
    }
    Ok(())
}

/// The f32 of a buffer.
fn read(state: &RenderState, buffer: &wgpu::Buffer) -> Result<Vec<f32>, Box<dyn Error>> {
    let (device, queue) = (&state.device, &state.queue);
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
