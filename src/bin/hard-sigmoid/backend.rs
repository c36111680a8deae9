//! The option that says where to run.

use clap::ValueEnum;
use hard_sigmoid::{Backend, Engine, ExecutedOn};

use super::input::{Dtype, Input};

#[derive(clap::Args)]
pub(crate) struct Place {
    /// Where to run. auto: a hardware GPU for large files if there is one, otherwise the CPU. gpu: any adapter, software
    /// ones included; WGPU_BACKEND (vulkan, gl, metal, dx12) and WGPU_ADAPTER_NAME (a part of the name) choose.
    #[arg(long, value_enum, default_value_t = Where::Auto)]
    backend: Where,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Where {
    Auto,
    Gpu,
    Cpu,
}

impl Place {
    pub(crate) fn open(&self, input: &Input) -> Result<Engine, String> {
        if self.backend == Where::Gpu && input.types().any(|dtype| dtype == Dtype::F64) {
            let remedy = "take --backend cpu or auto, or name other tensors with --tensor if there are any";
            return Err(format!("has f64 elements, which a GPU does not compute: {remedy}"));
        }
        let backend = match self.backend {
            // Nothing would run on a GPU.
            Where::Auto if is_f64(input) => Backend::Cpu,
            Where::Auto => Backend::Auto,
            Where::Gpu => Backend::Gpu,
            Where::Cpu => Backend::Cpu,
        };
        Engine::open_blocking(backend, input.elements_for_gpu()).map_err(|error| error.to_string())
    }

    /// What ran, and why not something else.
    pub(crate) fn describe(&self, engine: &Engine, input: &Input) -> String {
        match engine.fallback() {
            Some(why) => format!("{} (auto: {why})", engine.executed_on()),
            None if self.backend == Where::Auto && is_f64(input) => {
                format!("{} (auto: no GPU computes f64)", engine.executed_on())
            }
            None if matches!(engine.executed_on(), ExecutedOn::Gpu { .. })
                && input.types().any(|dtype| dtype == Dtype::F64) =>
            {
                format!("{}, and f64 on the CPU path", engine.executed_on())
            }
            None => engine.executed_on().to_string(),
        }
    }
}

/// Elements read and computed at a time. On the CPU path few enough to stay in a core's own cache between being read, computed
/// and written, which takes less time than a second thread saves; on a GPU enough for several windows.
pub(crate) fn piece(engine: &Engine) -> usize {
    match engine.executed_on() {
        ExecutedOn::Gpu { .. } => 1 << 22,
        _ => 1 << 16,
    }
}

/// Whether all that is to be computed is f64.
fn is_f64(input: &Input) -> bool {
    input.types().next().is_some() && input.types().all(|dtype| dtype == Dtype::F64)
}
