//! Where files were computed.

use std::fmt::{Display, Formatter};

use hard_sigmoid::{Engine, ExecutedOn};
use hard_sigmoid_files::Layout;

#[derive(Default)]
pub(crate) struct Ran {
    on: String,
    /// Why `auto` chose that.
    why: Option<String>,
}

impl Ran {
    pub(crate) fn of(engine: &Engine, layout: &Layout<'_>) -> Self {
        let f64_elements = layout.f64_elements();
        let is_all_f64 = f64_elements > 0 && f64_elements == layout.elements();
        let mut on = engine.executed_on().to_string();
        let is_on_gpu = |on| matches!(on, ExecutedOn::Gpu { .. });
        if f64_elements > 0 && is_on_gpu(engine.executed_on()) && !is_on_gpu(engine.executed_on_for::<f64>()) {
            on.push_str(", with f64 on the CPU path");
        }
        let why = match engine.fallback() {
            Some(_) if is_all_f64 => Some("GPUs do not support f64".to_owned()),
            Some(reason) => Some(reason.to_string()),
            None => engine.comparison().map(|comparison| comparison.to_string()),
        };
        Self { on, why }
    }

    /// Adds where another file was computed. Why differs from file to file.
    pub(crate) fn add(&mut self, other: &Self) {
        if !self.on.contains(&other.on) {
            self.on.push_str(if self.on.is_empty() { "" } else { " and " });
            self.on.push_str(&other.on);
        }
    }

    /// Whether nothing was computed.
    pub(crate) const fn is_nowhere(&self) -> bool {
        self.on.is_empty()
    }
}

impl Display for Ran {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.on)?;
        self.why.as_ref().map_or(Ok(()), |why| write!(f, "; auto: {why}"))
    }
}
