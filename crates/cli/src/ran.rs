//! Where files were computed.

use hard_sigmoid::{Engine, engine::ExecutedOn};
use hard_sigmoid_files::Layout;

#[derive(Default)]
pub(crate) struct Ran {
    /// Each once.
    on: Vec<String>,
    /// Whether a GPU left f64 to the CPU path.
    with_f64_on_cpu: bool,
    /// Why `auto` chose that, each reason once.
    why: Vec<String>,
}

impl Ran {
    pub(crate) fn of(engine: &Engine, layout: &Layout<'_>) -> Self {
        let for_cpu = layout.elements_for_cpu();
        let why = match engine.fallback() {
            Some(_) if for_cpu > 0 && for_cpu == layout.elements() => Some("GPUs do not support f64".to_owned()),
            Some(reason) => Some(reason.to_string()),
            None => engine.comparison().map(|comparison| comparison.to_string()),
        };
        let with_f64_on_cpu = for_cpu > 0 && matches!(engine.executed_on(), ExecutedOn::Gpu { .. });
        Self { on: vec![engine.executed_on().to_string()], with_f64_on_cpu, why: why.into_iter().collect() }
    }

    /// Adds where another file was computed, and why.
    pub(crate) fn add(&mut self, other: Self) {
        self.why.retain(|why| !other.why.contains(why));
        self.why.extend(other.why);
        let new: Vec<_> = other.on.into_iter().filter(|on| !self.on.contains(on)).collect();
        self.on.extend(new);
        self.with_f64_on_cpu |= other.with_f64_on_cpu;
    }

    /// Whether nothing was computed.
    pub(crate) const fn is_nowhere(&self) -> bool {
        self.on.is_empty()
    }

    /// Where that was, and in full also why `auto` chose that.
    pub(crate) fn text(&self, in_full: bool) -> String {
        let f64_on_cpu = if self.with_f64_on_cpu { ", with f64 on the CPU path" } else { "" };
        let mut text = format!("{}{f64_on_cpu}", self.on.join(" and "));
        if in_full && !self.why.is_empty() {
            text.push_str(&format!("; auto: {}", self.why.join(", and ")));
        }
        text
    }
}
