//! The window: sliders for α and β, the saturated share, and the field.

use eframe::egui::{self, Button, Color32, Sense, Slider};
use eframe::egui_wgpu::Callback;
use hard_sigmoid::HardSigmoid;

use crate::field::{self, Counts, Draw, SIDE};

pub struct App {
    pub alpha: f64,
    pub beta: f64,
    /// The function that is drawn: the latest valid one.
    f: HardSigmoid,
    pub counts: Counts,
    /// The results on the GPU.
    pub y: eframe::wgpu::Buffer,
    /// Where the field is drawn.
    pub rect: egui::Rect,
}

impl App {
    /// # Errors
    ///
    /// If eframe does not draw with wgpu, or the device cannot run the kernel.
    pub fn new(context: &eframe::CreationContext<'_>) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let state = context.wgpu_render_state.as_ref().ok_or("eframe draws without wgpu")?;
        let y = field::install(state, &numbers())?;
        let f = HardSigmoid::ONNX;
        Ok(Self { alpha: f.alpha(), beta: f.beta(), f, counts: Counts::default(), y, rect: egui::Rect::NOTHING })
    }

    fn controls(&mut self, ui: &mut egui::Ui) {
        ui.heading("Hard sigmoid");
        ui.label("clamp(α·x + β, 0, 1)");
        ui.horizontal(|ui| {
            for (name, preset) in [("ONNX", HardSigmoid::ONNX), ("PyTorch", HardSigmoid::PYTORCH)] {
                if ui.add(Button::new(name)).clicked() {
                    (self.alpha, self.beta) = (preset.alpha(), preset.beta());
                }
            }
        });
        for (number, range, name) in [(&mut self.alpha, -1.0..=1.0, "α"), (&mut self.beta, -1.0..=2.0, "β")] {
            let slider = Slider::new(number, range).text(name).clamping(egui::SliderClamping::Never);
            ui.add(slider.custom_formatter(|number, _| short(number)));
        }
        match HardSigmoid::new(self.alpha, self.beta) {
            Ok(f) => self.f = f,
            Err(error) => {
                ui.colored_label(Color32::RED, error.to_string());
            }
        }
        ui.separator();
        match self.counts.latest() {
            Some((_, counts)) => {
                ui.label(format!("{:.1} % saturated", counts.fraction() * 100.0));
                ui.label(format!("{} zeros, {} ones, {} between", counts.zero, counts.one, counts.inside));
            }
            None => {
                ui.label("counting");
            }
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        // Of a fixed width: otherwise the panel grows with the text typed, and covers the field.
        egui::Panel::left("controls").resizable(false).exact_size(220.0).show(ui, |ui| self.controls(ui));
        egui::CentralPanel::default().show(ui, |ui| {
            let side = ui.available_size().min_elem();
            (self.rect, _) = ui.allocate_exact_size(egui::Vec2::splat(side), Sense::hover());
            let draw = Draw { f: self.f, counts: self.counts.clone(), context: ui.ctx().clone() };
            ui.painter().add(Callback::new_paint_callback(self.rect, draw));
        });
    }
}

/// A number in a few digits, whatever its size: a wider one would push the error out of sight.
fn short(number: f64) -> String {
    if number.abs() < 1e3 { format!("{number:.2}") } else { format!("{number:.2e}") }
}

/// The field: waves from -5 to 5.
pub fn numbers() -> Vec<f32> {
    let at = |i: usize| i as f32 / SIDE as f32 * 2.0 - 1.0;
    let value = |i: usize| {
        let (x, y) = (at(i % SIDE), at(i / SIDE));
        5.0 * (6.0 * x + 2.0 * (3.0 * y).sin()).sin() * (4.0 * y).cos()
    };
    (0..SIDE * SIDE).map(value).collect()
}
