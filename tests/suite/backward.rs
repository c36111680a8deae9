//! The backward pass over slices, and recorded into an app's encoders.

use std::ops::Range;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::validate::{self, Inputs};
use hard_sigmoid::{
    Backward, BindError, Error, HardSigmoid,
    plan::{BufferRole, PlanError},
};

use crate::numbers::{Number, assert_bits, functions, gradients, numbers};
use crate::rig::{Bench, at, bench};
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[
    ("backward_through_every_function_f32", every_function::<f32>),
    ("backward_through_every_function_f16", every_function::<f16>),
    ("backward_through_every_function_bf16", every_function::<bf16>),
    ("backward_of_every_length_f32", every_length::<f32>),
    ("backward_of_every_length_bf16", every_length::<bf16>),
    ("backward_validate_samples", validate_samples),
    ("backward_validate_every_f16", validate_every::<f16>),
    ("backward_validate_every_bf16", validate_every::<bf16>),
    ("backward_of_unequal_lengths_is_refused", unequal_lengths),
];

pub(crate) const GPU_TESTS: &[Test] = &[
    ("backward_from_a_shorter_gradient", shorter_gradient),
    ("backward_ranges_of_three_buffers_f32", |s| every_range::<f32>(s, Layout::Three)),
    ("backward_ranges_of_three_buffers_f16", |s| every_range::<f16>(s, Layout::Three)),
    ("backward_ranges_over_the_gradient_f32", |s| every_range::<f32>(s, Layout::OverGradient)),
    ("backward_ranges_over_the_gradient_bf16", |s| every_range::<bf16>(s, Layout::OverGradient)),
    ("backward_ranges_over_what_was_saved_f16", |s| every_range::<f16>(s, Layout::OverSaved)),
    ("backward_ranges_of_one_arena_f32", |s| every_range::<f32>(s, Layout::Arena)),
    ("backward_ranges_of_one_arena_bf16", |s| every_range::<bf16>(s, Layout::Arena)),
    ("backward_with_two_storage_buffers_a_stage", two_storage_buffers),
    ("backward_parameters_from_the_app", uniform_parameters),
    ("backward_async", through_futures),
    ("backward_mistakes_name_the_buffer", mistakes),
];

/// The gradients according to the definition.
fn expected<T: Number>(backward: Backward, saved: &[T], grad_y: &[T]) -> Vec<T> {
    saved.iter().zip(grad_y).map(|(&x, &g)| backward.eval(x, g)).collect()
}

/// Both variants of the backward pass, for the functions with which products are not subnormal.
fn all() -> impl Iterator<Item = Backward> {
    let functions = functions().into_iter().filter(|f| f.alpha() == 0.0 || f.alpha().abs() > 1e-6);
    functions.flat_map(|f| [f.backward(), f.backward_from_output()])
}

fn every_function<T: Number>(subject: &Subject) {
    let (saved, grad_y) = (numbers::<T>(50_001), gradients::<T>(50_001));
    for backward in all() {
        let right = expected(backward, &saved, &grad_y);
        assert_bits(&subject.backward(backward, &saved, &grad_y), &right, &backward);
        let mut grad = grad_y.clone();
        subject.backward_in_place(backward, &saved, &mut grad);
        assert_bits(&grad, &right, &backward);
    }
}

fn every_length<T: Number>(subject: &Subject) {
    let backward = HardSigmoid::PYTORCH.backward();
    for len in [0, 1, 2, 3, 5, 255, 4097, 8193, 32_769, 524_287, 524_288, 524_289, 2_097_153] {
        let (saved, grad_y) = (numbers::<T>(len), gradients::<T>(len));
        assert_bits(&subject.backward(backward, &saved, &grad_y), &expected(backward, &saved, &grad_y), &len);
    }
}

fn check<T: Number>(subject: &Subject, backward: Backward, inputs: Inputs<'_, T>) {
    let count = inputs.count();
    let report = match subject {
        Subject::Cpu => validate::validate_cpu(backward, inputs, |_| {}),
        Subject::Gpu { gpu, .. } => validate::validate_blocking(gpu, backward, inputs, |_| {}).unwrap(),
    };
    assert_eq!((report.checked, report.mismatches), (count, 0), "{backward:?} {:?}", report.first);
    assert_eq!((report.max_ulp <= 1, report.out_of_bound), (true, 0), "{backward:?} {report:?}");
    if subject.name().contains("llvmpipe") || subject.name() == "cpu" {
        assert_eq!(report.flushed, 0);
    }
}

fn validate_samples(subject: &Subject) {
    for backward in [HardSigmoid::PYTORCH.backward(), HardSigmoid::ONNX.backward_from_output()] {
        check(subject, backward, Inputs::Data(&validate::samples::<f32>(backward.function())));
    }
    let f = HardSigmoid::new(-3.7, 0.1).unwrap();
    check(subject, f.backward(), Inputs::<f32>::Bits(0..=0x0100_0000));
}

fn validate_every<T: Number>(subject: &Subject) {
    all().for_each(|backward| check(subject, backward, Inputs::<T>::Bits(0..=0xffff)));
}

fn unequal_lengths(subject: &Subject) {
    let (backward, mut grad) = (HardSigmoid::ONNX.backward(), [9.0_f32; 3]);
    match subject {
        Subject::Cpu => _ = hard_sigmoid::cpu::backward_in_place(backward, &[0.0; 2], &mut grad).unwrap_err(),
        Subject::Gpu { gpu, .. } => {
            for error in [
                gpu.backward_blocking(backward, &[0.0; 2], &[0.0; 3], &mut grad),
                gpu.backward_blocking(backward, &[0.0; 2], &[0.0; 2], &mut grad),
                gpu.backward_in_place_blocking(backward, &[0.0; 2], &mut grad),
            ] {
                assert!(matches!(error, Err(Error::Length(_))), "{error:?}");
            }
        }
    }
    assert_eq!(grad, [9.0; 3]);
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    Three,
    OverGradient,
    OverSaved,
    Arena,
}

/// Ranges at many offsets, on a device whose limits lead to many dispatches. Elements around them must not change.
fn every_range<T: Number>(subject: &Subject, layout: Layout) {
    Bench::of_many_dispatches(subject).iter().for_each(|bench| every_range_on::<T>(bench, layout));
}

fn every_range_on<T: Number>(bench: &Bench, layout: Layout) {
    let per_word = 4 / size_of::<T>();
    let alignment = bench.device.limits().min_storage_buffer_offset_alignment as usize / size_of::<T>();
    let offsets = [0, 1, 2, 3, 5, 8, alignment, alignment + 3];
    for len in [0, 1, 2, 3, 7, 513, 4096 * per_word + 1, 20_003 * per_word] {
        for (saved, grad) in offsets.into_iter().flat_map(|saved| offsets.map(|grad| (saved, grad))) {
            // An offset for the target that depends on both others.
            let target = (saved * 3 + grad * 5) % 11;
            let range = |start: usize| start..start + len;
            let ranges = match layout {
                Layout::Three => [range(saved), range(grad), range(target)],
                Layout::OverGradient => [range(saved), range(grad), range(grad)],
                Layout::OverSaved => [range(saved), range(grad), range(saved)],
                // In different orders, close together and far apart. The saved and gradient ranges may be the same.
                Layout::Arena => {
                    let at = [saved, saved + len + grad, saved + len + grad + len + target * 911];
                    let [a, b, c] = at.map(range);
                    match (saved + grad) % 4 {
                        0 => [a, b, c],
                        1 => [c, a, b],
                        2 => [b, c, a],
                        _ => [a.clone(), a, b],
                    }
                }
            };
            check_ranges::<T>(bench, layout, ranges);
        }
    }
}

/// The buffer of the gradient ends in a vector of which the other buffers have the rest.
fn shorter_gradient(subject: &Subject) {
    let backward = HardSigmoid::PYTORCH.backward();
    for bench in Bench::of_many_dispatches(subject) {
        for len in [9_001_usize, 9_002, 9_003] {
            let (x, g) = (numbers::<f32>(len), gradients::<f32>(len));
            let longer: Vec<f32> = x.iter().copied().chain([7.0; 100]).collect();
            let (saved, grad_y, grad_x) = (bench.buffer(&longer), bench.buffer(&g), bench.buffer(&longer));
            let all = 0..len as u64;
            let binding =
                bench.kernel.bind_backward::<f32>(backward, (&saved, all.clone()), &grad_y, (&grad_x, all)).unwrap();
            bench.submit(|encoder| binding.record(encoder));
            let right = [&expected(backward, &x, &g)[..], &[7.0; 100]].concat();
            assert_bits(&bench.read::<f32>(&grad_x), &right, &len);
        }
    }
}

fn check_ranges<T: Number>(bench: &Bench, layout: Layout, ranges: [Range<usize>; 3]) {
    let backward = HardSigmoid::PYTORCH.backward();
    let size = (ranges.iter().map(|r| r.end).max().unwrap() + 9).next_multiple_of(4 / size_of::<T>());
    // The buffer of each of the three ranges.
    let places = match layout {
        Layout::Three => [0, 1, 2],
        Layout::OverGradient => [0, 1, 1],
        Layout::OverSaved => [0, 1, 0],
        Layout::Arena => [0, 0, 0],
    };
    let mut data = [numbers::<T>(size), gradients::<T>(size), vec![T::WRONG; size]];
    if layout == Layout::Arena {
        data[0][ranges[1].clone()].copy_from_slice(&gradients::<T>(ranges[1].len()));
    }
    let buffers = [0, 1, 2].map(|i| bench.buffer(&data[i]));
    let [saved, grad_y, grad_x] =
        [0, 1, 2].map(|i| (&buffers[places[i]], ranges[i].start as u64..ranges[i].end as u64));
    let binding = bench.kernel.bind_backward::<T>(backward, saved, grad_y, grad_x).unwrap();
    bench.submit(|encoder| binding.record(encoder));

    let right = expected(backward, &data[places[0]][ranges[0].clone()], &data[places[1]][ranges[1].clone()]);
    data[places[2]][ranges[2].clone()].copy_from_slice(&right);
    for (buffer, data) in buffers.iter().zip(&data) {
        assert_bits(&bench.read(buffer), data, &(layout, &ranges));
    }
}

/// The smallest limit that a kernel accepts. The gradient is copied, and counting is a separate dispatch.
fn two_storage_buffers(subject: &Subject) {
    let bench = Bench::new(subject.device(|limits| limits.max_storage_buffers_per_shader_stage = 2));
    check_ranges::<f32>(&bench, Layout::Three, [0..9001, 0..9001, 0..9001]);
    let source = numbers::<f32>(9_001);
    let (from, to, counters) = (bench.buffer(&source), bench.buffer(&source), bench.buffer(&[0.0_f32; 8]));
    let f = HardSigmoid::PYTORCH;
    let counters = counters.as_entire_buffer_binding();
    let binding = bench.kernel.bind_with_saturation::<f32>(f, &from, &to, counters.clone()).unwrap();
    bench.submit(|encoder| binding.record(encoder));
    let right: Vec<f32> = source.iter().map(|&x| f.eval(x)).collect();
    assert_bits(&bench.read(&to), &right, &"counted");
    let counts: Vec<f32> = bench.read(counters.buffer);
    let inside: u64 = bytemuck::pod_read_unaligned(bytemuck::cast_slice(&counts[4..6]));
    assert_eq!(inside, right.iter().filter(|&&y| y > 0.0 && y < 1.0).count() as u64);
}

fn uniform_parameters(subject: &Subject) {
    let bench = bench(subject);
    let (saved, grad_y) = (numbers::<f32>(6_001), gradients::<f32>(6_001));
    let (x, g, to) = (bench.buffer(&saved), bench.buffer(&grad_y), bench.buffer(&saved));
    let uniform = bench.uniform(256 + 16);
    let binding = bench.kernel.bind_backward::<f32>(at(&uniform, 256), &x, &g, &to).unwrap();
    for backward in all() {
        bench.queue.write_buffer(&uniform, 256, &backward.params().to_bytes());
        bench.submit(|encoder| binding.record(encoder));
        assert_bits(&bench.read::<f32>(&to), &expected(backward, &saved, &grad_y), &backward);
    }
}

fn through_futures(subject: &Subject) {
    let Subject::Gpu { gpu, .. } = subject else { panic!("for GPUs only") };
    let (backward, len) = (HardSigmoid::ONNX.backward(), 3_000_001);
    let (saved, grad_y) = (numbers::<f16>(len), gradients::<f16>(len));
    let mut grad_x = vec![f16::WRONG; len];
    pollster::block_on(gpu.backward(backward, &saved, &grad_y, &mut grad_x)).unwrap();
    assert_bits(&grad_x, &expected(backward, &saved, &grad_y), &"across");
    let mut grad = grad_y;
    pollster::block_on(gpu.backward_in_place(backward, &saved, &mut grad)).unwrap();
    assert_bits(&grad, &grad_x, &"in place");
}

fn mistakes(subject: &Subject) {
    let bench = bench(subject);
    let backward = HardSigmoid::ONNX.backward();
    let (a, b, c) = (bench.buffer(&[0.0_f32; 100]), bench.buffer(&[0.0_f32; 90]), bench.buffer(&[0.0_f32; 100]));
    let copies = bench.empty(wgpu::BufferUsages::COPY_DST, 400);
    let gone = bench.buffer(&[0.0_f32; 100]);
    gone.destroy();
    let bind = |saved: &wgpu::Buffer, grad_y: &wgpu::Buffer, grad_x: &wgpu::Buffer| match bench
        .kernel
        .bind_backward::<f32>(backward, saved, grad_y, grad_x)
    {
        Err(Error::Bind(error)) => error,
        other => panic!("{other:?}"),
    };
    let lengths = |role, source_len, target_len| BindError::Plan(PlanError::Lengths { role, source_len, target_len });
    assert_eq!(bind(&a, &b, &c), lengths(BufferRole::Gradient, 90, 100));
    assert_eq!(bind(&b, &a, &c), lengths(BufferRole::Source, 90, 100));
    assert!(matches!(bind(&a, &copies, &c), BindError::NotStorage { role: BufferRole::Gradient, .. }));
    assert!(matches!(bind(&a, &gone, &c), BindError::Refused { role: BufferRole::Gradient, .. }));
    let error = bench.kernel.bind_backward::<f32>(backward, (&a, 0..2), (&b, 89..91), (&c, 0..2)).unwrap_err();
    assert!(error.to_string().contains("do not fit the gradient buffer, which holds 90"), "{error}");
    for (saved, grad_y, which) in [(0..9, 50..59, BufferRole::Gradient), (50..59, 0..9, BufferRole::Source)] {
        let error = bench.kernel.bind_backward::<f32>(backward, (&a, saved), (&a, grad_y), (&a, 51..60)).unwrap_err();
        let Error::Bind(BindError::Plan(PlanError::Overlap { role, .. })) = error else { panic!("{error}") };
        assert_eq!(role, which);
    }
    let error = bench.kernel.bind_backward_in_place::<f64>(backward, &a, &c).unwrap_err();
    assert!(matches!(error, Error::Bind(BindError::Plan(PlanError::NotOnGpu { element: "f64" }))), "{error}");
    assert!(bench.kernel.bind_backward_in_place::<f32>(backward, &a, &c).is_ok());
}
