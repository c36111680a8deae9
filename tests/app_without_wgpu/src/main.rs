//! An app that uses the function, the CPU path, the plan and the WGSL source without wgpu.

use hard_sigmoid::plan::{self, Buffers, Limits, Start};
use hard_sigmoid::{HardSigmoid, Params, WGSL, cpu};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut y = [0.0_f32; 3];
    cpu::apply(HardSigmoid::PYTORCH, &[-3.0, 1.5, 3.0], &mut y)?;
    assert_eq!(y, [0.0, 0.75, 1.0]);

    let limits = Limits { binding_bytes: 128 << 20, alignment_bytes: 256, groups: 65_535, mixed: false };
    let whole = Start { element: 0, buffer_bytes: 1 << 30 };
    assert_eq!(plan::dispatches(whole, whole, 1 << 28, 4, Buffers::Two, limits)?.count(), 8);

    assert!(WGSL.contains("fn hard_sigmoid(x: f32, f: HardSigmoid) -> f32"));
    assert_eq!(size_of::<Params>(), 16);
    println!("app_without_wgpu: passed");
    Ok(())
}
