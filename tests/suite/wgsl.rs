//! The functions that an app can import from the WGSL.

use crate::numbers::{assert_bits, expected, gradients, numbers};
use crate::rig::bench;
use crate::subject::{Subject, Test};
use hard_sigmoid::HardSigmoid;
use hard_sigmoid::half::f16;

pub(crate) const TESTS: &[Test] =
    &[("wgsl_every_function", every_function), ("wgsl_widens_f16_in_both_ways", widens_f16_in_both_ways)];

/// Compares each function with the definition.
fn every_function(subject: &Subject) {
    const OWN: &str = "
        @group(0) @binding(0) var<uniform> f: HardSigmoid;
        @group(0) @binding(1) var<uniform> b: HardSigmoidBackward;
        @group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
        @group(0) @binding(3) var<storage, read> g: array<vec4<f32>>;
        @group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
        @compute @workgroup_size(64)
        fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let n = arrayLength(&x);
            let i = id.x;
            if i >= n { return; }
            y[i] = hard_sigmoid_vec4(x[i], f);
            y[n + i] = vec4(
                hard_sigmoid(x[i].x, f), hard_sigmoid(x[i].y, f), hard_sigmoid(x[i].z, f), hard_sigmoid(x[i].w, f),
            );
            y[2u * n + i] = hard_sigmoid_backward_vec4(x[i], g[i], b);
            y[3u * n + i] = vec4(
                hard_sigmoid_backward(x[i].x, g[i].x, b), hard_sigmoid_backward(x[i].y, g[i].y, b),
                hard_sigmoid_backward(x[i].z, g[i].z, b), hard_sigmoid_backward(x[i].w, g[i].w, b),
            );
        }";
    let bench = bench(subject);
    // Without NaNs, which the app's shader loads as f32, so that their bits may change.
    let number = |x: &f32| !x.is_nan();
    let x: Vec<f32> = numbers::<f32>(20_000).into_iter().filter(number).take(4096).collect();
    let g: Vec<f32> = gradients::<f32>(20_000).into_iter().filter(number).take(4096).collect();
    let uniform = |bytes: [u8; 16]| {
        let buffer = bench.uniform(16);
        bench.queue.write_buffer(&buffer, 0, &bytes);
        buffer
    };
    let pipeline = bench.pipeline(&format!("{}{OWN}", hard_sigmoid::WGSL));
    for f in [HardSigmoid::ONNX, HardSigmoid::new(-0.7, 0.1).unwrap()] {
        let target = bench.buffer(&vec![0.0_f32; 4 * 4096]);
        let (f_block, b_block) = (uniform(f.params().to_bytes()), uniform(f.backward().params().to_bytes()));
        let (x_buffer, g_buffer) = (bench.buffer(&x), bench.buffer(&g));
        let group = bench.group(&pipeline, &[&f_block, &b_block, &x_buffer, &g_buffer, &target]);
        bench.submit(|encoder| {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(4096 / 4 / 64, 1, 1);
        });
        let forward = expected(f, &x);
        let backward: Vec<f32> = x.iter().zip(&g).map(|(&x, &g)| f.backward().eval(x, g)).collect();
        let right = [&forward[..], &forward, &backward, &backward].concat();
        assert_bits(&bench.read::<f32>(&target), &right, &f);
    }
}

/// A device may lack unpack2x16float, though none of those at hand does. So both conversions are run here.
fn widens_f16_in_both_ways(subject: &Subject) {
    const OWN: &str = "
        @group(0) @binding(0) var<storage, read> h: array<vec4<u32>>;
        @group(0) @binding(1) var<storage, read_write> x: array<vec4<u32>>;
        @compute @workgroup_size(64)
        fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            x[id.x * 2u] = widen_low(h[id.x]);
            x[id.x * 2u + 1u] = widen_high(h[id.x]);
        }";
    let bench = bench(subject);
    let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    for conversion in
        [include_str!("../../shaders/element/f16_unpack.wgsl"), include_str!("../../shaders/element/f16_integers.wgsl")]
    {
        let pipeline = bench.pipeline(&format!("{}{conversion}{OWN}", hard_sigmoid::WGSL));
        let (source, target) = (bench.buffer(&all), bench.buffer(&vec![0.0_f32; all.len()]));
        let group = bench.group(&pipeline, &[&source, &target]);
        bench.submit(|encoder| {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(65536 / 8 / 64, 1, 1);
        });
        let widened: Vec<f32> = bench.read(&target);
        for (words, widened) in all.chunks_exact(8).zip(widened.chunks_exact(8)) {
            let in_order = [0, 2, 4, 6, 1, 3, 5, 7].map(|i| words[i]);
            for (h, x) in in_order.into_iter().zip(widened).filter(|(h, _)| !h.is_nan()) {
                assert_eq!(x.to_bits(), h.to_f32().to_bits(), "{h:?} {conversion}");
            }
        }
    }
}
