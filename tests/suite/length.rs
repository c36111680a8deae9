//! Lengths that only the GPU knows.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Ahead, BindError, Error, plan::BufferRole};
use proptest::prelude::*;
use wgpu::BufferUsages as Usage;

use crate::numbers::{Number, assert_bits, expected, gradients, numbers};
use crate::operations::{self, Buffers, Operation};
use crate::properties::run;
use crate::rig::{Bench, F, at, bench};
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[
    ("length_of_any_operation_f32", any_operation::<f32>),
    ("length_of_any_operation_f16", any_operation::<f16>),
    ("length_of_any_operation_bf16", any_operation::<bf16>),
    ("length_written_by_the_apps_own_shader", of_the_app),
    ("length_mistakes_name_the_buffer", mistakes),
];

fn any_operation<T: Number>(subject: &Subject) {
    let devices = [(10, 1, false), (17, 7, true), (20, 65_535, false)]
        .map(|(binding, groups, mixed)| Bench::with_limits(subject, 1 << binding, groups, mixed));
    // Sometimes aligned alike.
    let first = || prop_oneof![Just(0..1_usize), Just(64..65), Just(0..700)].prop_flat_map(|range| range);
    let capacity = prop_oneof![0..40_usize, 0..60_000_usize];
    let firsts = [first(), first(), first()];
    let cases = (0..3_usize, operations::any(), firsts, capacity, 0..16_u64, any::<prop::sample::Index>());
    run(40, cases, |(device, op, mut firsts, capacity, word, some)| {
        let (bench, capacity) = (&devices[device], if device == 0 { capacity % 3000 } else { capacity });
        if matches!(op, Operation::Arena) {
            firsts[1] += firsts[0] + capacity;
        }
        let total = 2 * capacity + 1500;
        let buffers = Buffers::new(bench, [numbers::<T>(total), numbers::<T>(total), gradients::<T>(total)]);
        let length = bench.empty(Usage::STORAGE | Usage::COPY_DST, 64);
        let kernel = bench.kernel.with_length(at(&length, word * 4));
        let binding = buffers.bind(&kernel, op, firsts.map(|first| first as u64..(first + capacity) as u64));
        let (some, end) = (some.index(capacity + 1) as u32, capacity as u32);
        for len in [0, 1, some, some | 1, end.saturating_sub(1), end, end + 1, end + 4097, u32::MAX] {
            bench.queue.write_buffer(&length, word * 4, &len.to_le_bytes());
            let computed = firsts.map(|first| (first..first + capacity.min(len as usize)).collect::<Vec<_>>());
            let case = (device, op, firsts, capacity, len);
            buffers.check(&binding, op, computed.each_ref().map(Vec::as_slice), &case);
        }
    });
}

/// In one submit, the app's shader writes the length and the binding reads it, twice.
fn of_the_app(subject: &Subject) {
    let bench = bench(subject);
    let add = bench.pipeline(
        "@group(0) @binding(0) var<storage, read_write> alive: array<u32>;
        @compute @workgroup_size(1) fn main() { alive[1] += 30001u; }",
    );
    let source = numbers::<f32>(100_000);
    let (x, y) = (bench.buffer(&source), bench.buffer(&source));
    let alive = bench.buffer(&[0.0_f32; 2]);
    let group = bench.group(&add, &[&alive]);
    let kernel = bench.kernel.with_length(at(&alive, 4));
    // Nothing is compiled when it is bound.
    let warm_up = kernel.compile_ahead([Ahead::bind::<f32>(), Ahead::bind::<f32>().in_place()]).unwrap();
    let count = || bench.device.get_internal_counters().hal.compute_pipelines.read();
    let compiled = count();
    let bindings = [kernel.bind::<f32>(F, &x, &y).unwrap(), kernel.bind_in_place::<f32>(F, &x).unwrap()];
    assert_eq!(count(), compiled);
    bench.submit(|encoder| {
        warm_up.record(encoder);
        for binding in &bindings {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&add);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(1, 1, 1);
            binding.record_pass(&mut pass);
        }
    });
    for (buffer, len) in [(&y, 30_001), (&x, 60_002)] {
        let right = [&expected(F, &source[..len]), &source[len..]].concat();
        assert_bits(&bench.read::<f32>(buffer), &right, &len);
    }
}

fn mistakes(subject: &Subject) {
    let bench = bench(subject);
    let data = bench.buffer(&numbers::<f32>(100));
    let other = bench.buffer(&[0.0_f32; 8]);
    let refused = |length| match bench.kernel.with_length(length).bind_in_place::<f32>(F, &data) {
        Err(Error::Bind(error)) => error,
        unexpected => panic!("{unexpected:?}"),
    };
    let error = refused(at(&data, 0));
    assert_eq!(error.to_string(), "the length block is in the data buffer: put it in a buffer of its own");
    let error = refused(at(&other, 6));
    assert_eq!(error.to_string(), "the length block begins at byte 6 of its buffer: use a multiple of 4");
    assert!(refused(at(&other, 32)).to_string().contains("needs 4 bytes from byte 32 on"));
    let error = refused(at(&bench.uniform(16), 0));
    assert!(matches!(error, BindError::NotStorage { role: BufferRole::Length, .. }), "{error}");
    // Two storage buffers are enough in place only.
    let bench = Bench::new(subject.device(|limits| limits.max_storage_buffers_per_shader_stage = 2));
    let [x, y, length] = [(); 3].map(|()| bench.empty(Usage::STORAGE, 64));
    let kernel = bench.kernel.with_length(&length);
    assert!(kernel.bind_in_place::<f32>(F, &x).is_ok());
    let error = kernel.bind::<f32>(F, &x, &y).unwrap_err();
    assert!(error.to_string().contains("max_storage_buffers_per_shader_stage of at least 3"), "{error}");
}
