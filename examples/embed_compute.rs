//! An app with its own device runs the activation between two dispatches of its own. It computes a gate as in
//! squeeze-and-excitation, `features * hard_sigmoid(gate)`, in one submission, and the data stays on the GPU.

#![allow(clippy::print_stdout, reason = "an example")]

mod headless;

use hard_sigmoid::{HardSigmoid, Kernel};
use headless::Result;

/// The app's first dispatch, which stands for the layer before the activation.
const GATE: &str = "
@group(0) @binding(0) var<storage, read_write> gate: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&gate) {
        gate[id.x] = (f32(id.x) - 500.0) / 64.0;
    }
}";

/// The app's last dispatch.
const MULTIPLY: &str = "
@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read_write> features: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&features) {
        features[id.x] *= gate[id.x];
    }
}";

const LEN: usize = 1001;

fn main() -> Result<()> {
    let (device, queue) = headless::open()?;
    let gate = headless::storage(&device, &queue, &[0.0_f32; LEN]);
    let features = headless::storage(&device, &queue, &[4.0_f32; LEN]);
    let (first, last) = (
        headless::compute(&device, wgpu::ShaderSource::Wgsl(GATE.into())),
        headless::compute(&device, wgpu::ShaderSource::Wgsl(MULTIPLY.into())),
    );
    let first_group = headless::group(&device, &first.get_bind_group_layout(0), &[&gate]);
    let last_group = headless::group(&device, &last.get_bind_group_layout(0), &[&gate, &features]);

    // Once: compile for the device, and bind the buffer.
    let kernel = Kernel::new(&device)?;
    let activation = kernel.bind_in_place::<f32>(HardSigmoid::PYTORCH, &gate)?;

    // Every frame: record the binding between the app's own dispatches.
    let groups = LEN.div_ceil(64) as u32;
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&first);
        pass.set_bind_group(0, &first_group, &[]);
        pass.dispatch_workgroups(groups, 1, 1);

        activation.record_pass(&mut pass);

        pass.set_pipeline(&last);
        pass.set_bind_group(0, &last_group, &[]);
        pass.dispatch_workgroups(groups, 1, 1);
    }
    queue.submit([encoder.finish()]);

    let f = HardSigmoid::PYTORCH;
    let expected: Vec<f32> = (0..LEN).map(|i| 4.0 * f.eval((i as f32 - 500.0) / 64.0)).collect();
    headless::same("gated features", &headless::read_f32(&device, &queue, &features)?, &expected)
}
