//! Activates many tensors of one buffer in one compute pass, some in place and some from one range to another. A tensor
//! may begin at any element and have any length.

#![allow(clippy::print_stdout, reason = "an example")]

mod headless;

use std::ops::Range;

use hard_sigmoid::{HardSigmoid, Kernel};
use headless::Result;

/// The source and target of each tensor, as ranges of elements, and its function.
const TENSORS: [(Range<u64>, Range<u64>, HardSigmoid); 5] = [
    (0..1000, 0..1000, HardSigmoid::PYTORCH),
    (1000..1001, 1001..1002, HardSigmoid::ONNX),
    (1003..9003, 9003..17_003, HardSigmoid::PYTORCH),
    (20_002..30_005, 50_001..60_004, HardSigmoid::ONNX),
    (40_003..47_777, 40_003..47_777, HardSigmoid::ONNX),
];

fn main() -> Result<()> {
    let (device, queue) = headless::open()?;
    let numbers: Vec<f32> = (0..65_536).map(|i| ((i * 7919) % 10_007) as f32 / 1000.0 - 5.0).collect();
    let arena = headless::storage(&device, &queue, &numbers);

    let kernel = Kernel::new(&device)?;
    let bindings = TENSORS
        .map(|(source, target, f)| kernel.bind::<f32>(f, (&arena, source), (&arena, target)))
        .into_iter()
        .collect::<std::result::Result<Vec<_>, _>>()?;

    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for binding in &bindings {
            binding.record_pass(&mut pass);
        }
    }
    queue.submit([encoder.finish()]);

    let mut expected = numbers;
    for (source, target, f) in TENSORS {
        for (from, to) in source.zip(target) {
            expected[to as usize] = f.eval(expected[from as usize]);
        }
    }
    headless::same("the arena", &headless::read_f32(&device, &queue, &arena)?, &expected)
}
