//! The subjects of the tests: the CPU path and GPU adapters.

use hard_sigmoid::{Backward, Gpu, HardSigmoid, Saturation, cpu};

use crate::numbers::Number;

/// The name of a test, and a function that runs it on a subject.
pub(crate) type Test = (&'static str, fn(&Subject));

/// What a test runs on.
#[derive(Clone)]
pub(crate) enum Subject {
    Cpu,
    Gpu { adapter: wgpu::Adapter, gpu: Gpu },
}

impl Subject {
    pub(crate) fn gpu(adapter: &wgpu::Adapter) -> Result<Self, String> {
        match pollster::block_on(Gpu::open_adapter(adapter)) {
            Ok(gpu) => Ok(Self::Gpu { adapter: adapter.clone(), gpu }),
            Err(error) => Err(format!("{:?}: {error}", adapter.get_info())),
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Cpu => "cpu".into(),
            Self::Gpu { adapter, .. } => {
                let info = adapter.get_info();
                let short = info.name.split([' ', '(']).next().unwrap_or_default().to_lowercase();
                format!("{}_{short}", info.backend.to_str())
            }
        }
    }

    pub(crate) fn apply<T: Number>(&self, f: HardSigmoid, source: &[T]) -> Vec<T> {
        let mut target = vec![T::WRONG; source.len()];
        match self {
            Self::Cpu => cpu::apply(f, source, &mut target).unwrap(),
            Self::Gpu { gpu, .. } => gpu.apply_blocking(f, source, &mut target).unwrap(),
        }
        target
    }

    pub(crate) fn apply_in_place<T: Number>(&self, f: HardSigmoid, data: &mut [T]) {
        match self {
            Self::Cpu => cpu::apply_in_place(f, data),
            Self::Gpu { gpu, .. } => gpu.apply_in_place_blocking(f, data).unwrap(),
        }
    }

    pub(crate) fn backward<T: Number>(&self, backward: Backward, saved: &[T], grad_y: &[T]) -> Vec<T> {
        let mut grad_x = vec![T::WRONG; saved.len()];
        match self {
            Self::Cpu => cpu::backward(backward, saved, grad_y, &mut grad_x).unwrap(),
            Self::Gpu { gpu, .. } => gpu.backward_blocking(backward, saved, grad_y, &mut grad_x).unwrap(),
        }
        grad_x
    }

    pub(crate) fn backward_in_place<T: Number>(&self, backward: Backward, saved: &[T], grad: &mut [T]) {
        match self {
            Self::Cpu => cpu::backward_in_place(backward, saved, grad).unwrap(),
            Self::Gpu { gpu, .. } => gpu.backward_in_place_blocking(backward, saved, grad).unwrap(),
        }
    }

    pub(crate) fn saturation<T: Number>(&self, f: HardSigmoid, source: &[T]) -> Saturation {
        match self {
            Self::Cpu => cpu::saturation(f, source),
            Self::Gpu { gpu, .. } => gpu.saturation_blocking(f, source).unwrap(),
        }
    }

    pub(crate) fn apply_with_saturation<T: Number>(&self, f: HardSigmoid, source: &[T]) -> (Vec<T>, Saturation) {
        let mut target = vec![T::WRONG; source.len()];
        let counts = match self {
            Self::Cpu => cpu::apply_with_saturation(f, source, &mut target).unwrap(),
            Self::Gpu { gpu, .. } => gpu.apply_with_saturation_blocking(f, source, &mut target).unwrap(),
        };
        (target, counts)
    }

    /// Opens a new device on the same adapter, with limits changed by `lower`.
    pub(crate) fn device(&self, lower: impl FnOnce(&mut wgpu::Limits)) -> (wgpu::Device, wgpu::Queue) {
        let Self::Gpu { adapter, .. } = self else { panic!("for GPUs only") };
        let mut limits = adapter.limits();
        lower(&mut limits);
        let descriptor = wgpu::DeviceDescriptor { required_limits: limits, ..Default::default() };
        pollster::block_on(adapter.request_device(&descriptor)).unwrap()
    }
}
