//! wgpu's no-op backend, as a driver that fails without a word.

use hard_sigmoid::validate::{Inputs, validate_blocking};
use hard_sigmoid::{BindError, Error, Gpu, HardSigmoid, Kernel, plan::BufferRole};

use crate::numbers::numbers;

const F: HardSigmoid = HardSigmoid::PYTORCH;

/// A device of wgpu's no-op backend, which computes nothing.
fn device() -> (wgpu::Device, wgpu::Queue) {
    let options = wgpu::NoopBackendOptions { enable: true, ..Default::default() };
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop = options;
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&Default::default())).unwrap();
    // This backend allows billions of bind groups. wgpu 30 panics then when it derives the layout of a shader.
    let required_limits = wgpu::Limits { max_bind_groups: 4, ..adapter.limits() };
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    pollster::block_on(adapter.request_device(&descriptor)).unwrap()
}

/// Validation must detect a driver that does nothing.
pub(crate) fn computes_nothing() {
    let (device, queue) = device();
    let gpu = Gpu::new(device, queue).unwrap();
    let x = numbers::<f32>(10_000);
    let report = validate_blocking(&gpu, F, Inputs::Data(&x), |_| {}).unwrap();
    assert!(report.mismatches > 9_000, "{report:?}");
    assert!(report.miscounted > 0);
}

/// The error for a buffer that the device failed to create names the buffer.
pub(crate) fn refuses_a_size() {
    let (device, _queue) = device();
    let kernel = Kernel::new(&device).unwrap();
    let buffer = |size| {
        let usage = wgpu::BufferUsages::STORAGE;
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    };
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let impossible = buffer(1 << 60);
    assert!(pollster::block_on(scope.pop()).is_some());
    let small = buffer(1 << 10);
    let error = kernel.bind::<f32>(F, (&impossible, 0..256), &small).unwrap_err();
    assert!(matches!(error, Error::Bind(BindError::Refused { role: BufferRole::Source, .. })), "{error}");
    assert!(kernel.bind_in_place::<f32>(F, &small).is_ok());
}
