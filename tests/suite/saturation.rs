//! Counting saturated results over slices, and recorded into an app's encoders.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{
    BindError, Error, HardSigmoid, Saturation,
    plan::{BufferRole, PlanError},
};
use wgpu::BufferUsages as Usage;

use crate::numbers::{Number, assert_bits, expected, functions, numbers};
use crate::rig::{Bench, F, at, bench};
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[
    ("saturation_through_every_function_f32", every_function::<f32>),
    ("saturation_through_every_function_f16", every_function::<f16>),
    ("saturation_through_every_function_bf16", every_function::<bf16>),
    ("saturation_of_every_length_f32", every_length::<f32>),
    ("saturation_of_every_length_f16", every_length::<f16>),
];

pub(crate) const GPU_TESTS: &[Test] = &[
    ("saturation_of_ranges_f32", every_range::<f32>),
    ("saturation_of_ranges_bf16", every_range::<bf16>),
    ("saturation_carries_into_the_high_word", carry),
    ("saturation_adds_up_in_the_apps_buffer", adds_up),
    ("saturation_async", through_futures),
    ("saturation_mistakes_name_the_buffer", mistakes),
];

/// Counts results one at a time.
pub(crate) fn counted<T: Number>(results: &[T]) -> Saturation {
    let mut counts = Saturation::default();
    for y in results {
        let (zero, one) = (y.raw() == 0, y.raw() == T::ONE.raw());
        // Only a NaN does not compare to itself.
        let nan = y.partial_cmp(y).is_none();
        *match (zero, one, nan) {
            (true, ..) => &mut counts.zero,
            (_, true, _) => &mut counts.one,
            (.., true) => &mut counts.nan,
            _ => &mut counts.inside,
        } += 1;
    }
    counts
}

fn every_function<T: Number>(subject: &Subject) {
    let source = numbers::<T>(100_001);
    for f in functions() {
        let right = expected(f, &source);
        assert_eq!(subject.saturation(f, &source), counted(&right), "{f:?}");
        let (target, counts) = subject.apply_with_saturation(f, &source);
        assert_bits(&target, &right, &f);
        assert_eq!(counts, counted(&right), "{f:?}");
    }
}

fn every_length<T: Number>(subject: &Subject) {
    for len in [0, 1, 2, 3, 255, 4095, 4096, 4097, 8193, 32_769, 524_287, 524_289, 1_048_576, 1_048_577, 4_194_305] {
        let source = numbers::<T>(len);
        let right = counted(&expected(F, &source));
        assert_eq!(right.total(), len as u64);
        assert_eq!(subject.saturation(F, &source), right, "{len}");
        assert_eq!(subject.apply_with_saturation(F, &source).1, right, "{len}");
    }
}

/// A buffer for counters at offset 256. The bytes around them must not change.
fn counters(bench: &Bench) -> wgpu::Buffer {
    bench.buffer(&[0.0_f32; (256 + 64) / 4])
}

fn read(bench: &Bench, counters: &wgpu::Buffer) -> Saturation {
    let all = bench.read::<f32>(counters);
    let bytes: &[u8] = bytemuck::cast_slice(&all);
    assert!(bytes[..256].iter().chain(&bytes[256 + 32..]).all(|&byte| byte == 0), "beside the counters");
    Saturation::from_bytes(bytes[256..256 + 32].try_into().unwrap())
}

fn every_range<T: Number>(subject: &Subject) {
    Bench::of_many_dispatches(subject).iter().for_each(every_range_on::<T>);
}

fn every_range_on<T: Number>(bench: &Bench) {
    let per_word = 4 / size_of::<T>();
    let counters = counters(bench);
    for len in [0, 1, 2, 3, 7, 513, 4096 * per_word + 1, 5000 * per_word + 1, 20_003 * per_word] {
        for (from, to) in (0..6).flat_map(|from| [0, 1, 2, 5].map(|to| (from, to))) {
            let size = (2 * len + 13).next_multiple_of(per_word);
            let (mut data, mut other) = (numbers::<T>(size), vec![T::WRONG; size]);
            let (source, target) = (bench.buffer(&data), bench.buffer(&other));
            let range = |start: usize| start as u64..(start + len) as u64;
            let count = |run: &dyn Fn() -> hard_sigmoid::Binding| {
                let binding = run();
                bench.submit(|encoder| {
                    encoder.clear_buffer(&counters, 0, None);
                    binding.record(encoder);
                });
                read(bench, &counters)
            };
            let kernel = &bench.kernel;
            let (case, counters) = ((len, from, to), || at(&counters, 256));
            let right = expected(F, &data[from..from + len]);
            let only = count(&|| kernel.bind_saturation::<T>(F, (&source, range(from)), counters()).unwrap());
            assert_eq!(only, counted(&right), "{case:?}");
            // To another buffer, to another range of the same buffer, and in place.
            for (buffer, start) in [(&target, to), (&source, from + len + to), (&source, from)] {
                let bind = || {
                    let (from, to) = ((&source, range(from)), (buffer, range(start)));
                    kernel.bind_with_saturation::<T>(F, from, to, counters()).unwrap()
                };
                assert_eq!(count(&bind), counted(&right), "{case:?} {start}");
                let into = if buffer == &target { &mut other } else { &mut data };
                into[start..start + len].copy_from_slice(&right);
                assert_bits(&bench.read(buffer), into, &(case, start));
            }
        }
    }
}

fn carry(subject: &Subject) {
    let bench = bench(subject);
    let counters = counters(&bench);
    let before = Saturation { zero: u64::from(u32::MAX) - 5, one: (7 << 32) | 0xffff_ffff, inside: 0, nan: 1 << 40 };
    bench.queue.write_buffer(&counters, 256, bytemuck::bytes_of(&before));
    let source = numbers::<f32>(100_000);
    let data = bench.buffer(&source);
    let binding = bench.kernel.bind_saturation::<f32>(F, &data, at(&counters, 256)).unwrap();
    bench.submit(|encoder| binding.record(encoder));
    assert_eq!(read(&bench, &counters), before + counted(&expected(F, &source)));
}

fn adds_up(subject: &Subject) {
    let bench = bench(subject);
    let counters = counters(&bench);
    let (a, b) = (numbers::<f32>(9_000), numbers::<f16>(70_000));
    let (first, second) = (bench.buffer(&a), bench.buffer(&b));
    let bindings = [
        bench.kernel.bind_saturation::<f32>(F, &first, at(&counters, 256)).unwrap(),
        bench.kernel.bind_with_saturation::<f16>(F, &second, &second, at(&counters, 256)).unwrap(),
    ];
    bench.submit(|encoder| {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        bindings.iter().for_each(|binding| binding.record_pass(&mut pass));
        bindings[0].record_pass(&mut pass);
    });
    let once = counted(&expected(F, &a));
    assert_eq!(read(&bench, &counters), once + once + counted(&expected(F, &b)));
}

fn through_futures(subject: &Subject) {
    let Subject::Gpu { gpu, .. } = subject else { panic!("for GPUs only") };
    let source = numbers::<bf16>(5_000_001);
    let right = expected(HardSigmoid::ONNX, &source);
    let mut target = vec![bf16::WRONG; source.len()];
    let counts = pollster::block_on(gpu.apply_with_saturation(HardSigmoid::ONNX, &source, &mut target)).unwrap();
    assert_bits(&target, &right, &"async");
    assert_eq!(counts, counted(&right));
    assert_eq!(pollster::block_on(gpu.saturation(HardSigmoid::ONNX, &source)).unwrap(), counts);
}

fn mistakes(subject: &Subject) {
    let bench = bench(subject);
    let data = bench.buffer(&[0.0_f32; 100]);
    let other = bench.buffer(&[0.0_f32; 100]);
    let make = |usage, size| bench.empty(usage, size);
    let bind = |counters: wgpu::BufferBinding<'_>| match bench
        .kernel
        .bind_with_saturation::<f32>(F, &data, &other, counters)
    {
        Err(Error::Bind(error)) => error,
        unexpected => panic!("{unexpected:?}"),
    };
    let role = BufferRole::Counters;
    assert_eq!(bind(at(&data, 0)), BindError::Plan(PlanError::Shared { role, other: BufferRole::Source }));
    assert_eq!(bind(at(&other, 0)), BindError::Plan(PlanError::Shared { role, other: BufferRole::Target }));
    assert_eq!(bind(at(&make(Usage::COPY_DST, 64), 0)), BindError::NotStorage { role, usage: Usage::COPY_DST });
    let counters = make(Usage::STORAGE | Usage::UNIFORM, 64);
    let alignment = bench.device.limits().min_storage_buffer_offset_alignment;
    assert_eq!(bind(at(&counters, 8)), BindError::Plan(PlanError::Alignment { role, offset: 8, alignment }));
    let short = make(Usage::STORAGE, 16);
    assert_eq!(bind(at(&short, 0)), BindError::Plan(PlanError::TooShort { role, offset: 0, bytes: 32, size: 16 }));
    let error = bench.kernel.bind_saturation::<f32>(at(&counters, 0), &data, at(&counters, 0)).unwrap_err();
    let shared = BindError::Plan(PlanError::Shared { role: BufferRole::Parameters, other: role });
    assert!(matches!(&error, Error::Bind(error) if *error == shared), "{error}");
    let size = std::num::NonZero::new(24);
    let binding = wgpu::BufferBinding { buffer: &counters, offset: 0, size };
    assert_eq!(bind(binding), BindError::Plan(PlanError::TooShort { role, offset: 0, bytes: 32, size: 24 }));
    assert!(bench.kernel.bind_saturation::<f32>(F, &data, &counters).is_ok());
}
