//! A training step on the GPU in f16: the forward pass with a count of saturated results, the app's loss, and the
//! backward pass. All of it is one submission, after which an app only needs to read the counters.

#![allow(clippy::print_stdout, reason = "an example")]

mod headless;

use hard_sigmoid::half::f16;
use hard_sigmoid::{HardSigmoid, Kernel, Saturation};
use headless::Result;

/// The gradient of the app's loss, the sum of |y - 1/4|, with respect to y: -1, 0 or 1. A word holds two f16.
const LOSS: &str = "
@group(0) @binding(0) var<storage, read> y: array<u32>;
@group(0) @binding(1) var<storage, read_write> grad: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&grad) {
        grad[id.x] = pack2x16float(sign(unpack2x16float(y[id.x]) - 0.25));
    }
}";

const LEN: usize = 10_000;

fn main() -> Result<()> {
    let (device, queue) = headless::open()?;
    let inputs: Vec<f16> = (0..LEN).map(|i| f16::from_f32(((i * 7919) % 10_007) as f32 / 1000.0 - 5.0)).collect();
    let x = headless::storage(&device, &queue, &inputs);
    let y = headless::storage(&device, &queue, &[f16::ZERO; LEN]);
    let grad = headless::storage(&device, &queue, &[f16::ZERO; LEN]);
    let counters = headless::storage(&device, &queue, &[Saturation::default()]);
    let loss = headless::compute(&device, wgpu::ShaderSource::Wgsl(LOSS.into()));
    let loss_group = headless::group(&device, &loss.get_bind_group_layout(0), &[&y, &grad]);

    // Once.
    let kernel = Kernel::new(&device)?;
    let f = HardSigmoid::PYTORCH;
    let forward = kernel.bind_with_saturation::<f16>(f, &x, &y, &counters)?;
    let backward = kernel.bind_backward_in_place::<f16>(f.backward(), &x, &grad)?;

    // Every step. The counters accumulate until they are cleared.
    let mut encoder = device.create_command_encoder(&Default::default());
    encoder.clear_buffer(&counters, 0, None);
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        forward.record_pass(&mut pass);
        pass.set_pipeline(&loss);
        pass.set_bind_group(0, &loss_group, &[]);
        pass.dispatch_workgroups((LEN / 2).div_ceil(64) as u32, 1, 1);
        backward.record_pass(&mut pass);
    }
    queue.submit([encoder.finish()]);

    let counts: Saturation = bytemuck::pod_read_unaligned(&headless::read(&device, &queue, &counters)?);
    let percent = counts.fraction() * 100.0;
    println!("{percent:.1} % saturated: {} at 0, {} at 1, {} inside", counts.zero, counts.one, counts.inside);

    let outputs: Vec<f16> = inputs.iter().map(|&x| f.eval(x)).collect();
    let zeros = outputs.iter().filter(|&&y| y == f16::ZERO).count() as u64;
    let ones = outputs.iter().filter(|&&y| y == f16::ONE).count() as u64;
    if (counts.zero, counts.one, counts.total()) != (zeros, ones, LEN as u64) {
        return Err(format!("the counters are {counts:?}, but {zeros} results are 0 and {ones} are 1").into());
    }
    let widened = |x: &[f16]| x.iter().map(|x| x.to_f32()).collect::<Vec<_>>();
    let read = |buffer| {
        Ok::<Vec<f16>, Box<dyn std::error::Error>>(bytemuck::pod_collect_to_vec(&headless::read(
            &device, &queue, buffer,
        )?))
    };
    headless::same("y", &widened(&read(&y)?), &widened(&outputs))?;
    let sign = |y: &f16| f16::from_f32((y.to_f32() - 0.25).signum() * f32::from(u8::from(y.to_f32() != 0.25)));
    let gradients: Vec<f16> = inputs.iter().zip(&outputs).map(|(&x, y)| f.backward().eval(x, sign(y))).collect();
    headless::same("the gradient", &widened(&read(&grad)?), &widened(&gradients))
}
