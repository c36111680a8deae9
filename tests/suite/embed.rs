//! The crate inside an app, which keeps control of its callbacks, encoders, devices and threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::plan::Rows;
use hard_sigmoid::validate::{Inputs, validate_blocking};
use hard_sigmoid::{Ahead, BindError, Error, Gpu, Kernel, KernelOptions};
use wgpu::BufferUsages as Usage;

use crate::numbers::{assert_bits, expected, functions, numbers};
use crate::rig::{Bench, F, at, bench};
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[
    ("embed_downlevel_device_is_enough", downlevel_device),
    ("embed_device_without_compute_names_the_limit", no_compute),
    ("embed_compile_ahead_is_what_bindings_use", compile_ahead),
    ("embed_pipeline_cache_of_the_app", pipeline_cache),
    ("embed_labels_have_the_apps_prefix", labels),
    ("embed_two_functions_in_one_submit", two_functions),
    ("embed_parameters_from_the_app_change_between_frames", uniform_parameters),
    ("embed_a_binding_is_recorded_again_and_again", recorded_again),
    ("embed_many_tensors_in_one_pass", many_tensors),
    ("embed_other_work_in_the_encoder_is_unaffected", other_work),
    ("embed_eight_threads_record_at_once", eight_threads),
    ("embed_callbacks_stay_the_apps", callbacks),
    ("embed_self_test_on_an_app_device", self_test),
];

fn downlevel_device(subject: &Subject) {
    let bench = bench(subject);
    let source = numbers::<f32>(70_001);
    let (from, to) = (bench.buffer(&source), bench.buffer(&source));
    let binding = bench.kernel.bind::<f32>(F, &from, &to).unwrap();
    bench.submit(|encoder| binding.record(encoder));
    assert_bits(&bench.read::<f32>(&to), &expected(F, &source), &"downlevel");
}

fn no_compute(subject: &Subject) {
    let (device, queue) = subject.device(|limits| *limits = wgpu::Limits::downlevel_webgl2_defaults());
    let error = Kernel::new(&device).unwrap_err();
    assert!(matches!(error, Error::MissingLimit { needed: 256, available: 0, .. }), "{error}");
    assert!(error.to_string().contains("max_compute_invocations_per_workgroup = 0"), "{error}");
    assert!(matches!(Gpu::new(device, queue), Err(Error::MissingLimit { .. })));
    let (device, _) = subject.device(|limits| limits.max_storage_buffers_per_shader_stage = 1);
    let error = Kernel::new(&device).unwrap_err();
    assert!(error.to_string().contains("max_storage_buffers_per_shader_stage = 1"), "{error}");
}

fn compile_ahead(subject: &Subject) {
    for mixed in [false, true] {
        let bench = Bench::with_limits(subject, 128 << 20, 65_535, mixed);
        // wgpu itself creates pipelines too.
        let count = || bench.device.get_internal_counters().hal.compute_pipelines.read();
        let (before, list) = (
            count(),
            [
                Ahead::bind::<f32>(),
                Ahead::bind::<f32>().in_place(),
                Ahead::bind::<f16>().misaligned(),
                Ahead::saturation::<bf16>(),
                Ahead::with_saturation::<bf16>(),
                Ahead::with_saturation::<f16>().in_place(),
                Ahead::backward::<f32>().misaligned(),
                Ahead::backward::<f32>().in_place(),
                Ahead::backward::<f16>().rows(),
            ],
        );
        let warm_up = bench.kernel.compile_ahead(list).unwrap();
        let ahead = count();
        assert!(ahead > before);
        bench.submit(|encoder| warm_up.record(encoder));

        let source = numbers::<f32>(50_010);
        let [x, y, g] = [(); 3].map(|()| bench.buffer(&source));
        let counters = bench.buffer(&[0.0_f32; 8]);
        // A clone shares the pipelines.
        let (kernel, backward) = (bench.kernel.clone(), F.backward());
        let rows = |buffer, pitch| (buffer, Rows { first: 0, width: 40, pitch, number: 99 });
        let [x_buffer, y_buffer, g_buffer] = [&x, &y, &g];
        for (start, end) in [(0, 1), (0, 8_192), (0, 50_003), (4, 32_773), (3, 999), (7, 40_001)] {
            let range = start..end;
            let [x, y, g, xs, ys] = [(&x, 0), (&y, 0), (&g, 0), (&x, 5), (&y, 2)]
                .map(|(buffer, shift)| (buffer, start + shift..end + shift));
            let bound = [
                kernel.bind::<f32>(F, x.clone(), y.clone()),
                kernel.bind_in_place::<f32>(F, x.clone()),
                kernel.bind::<f16>(F, xs.clone(), ys.clone()),
                kernel.bind::<f16>(F, x.clone(), ys.clone()),
                kernel.bind_saturation::<bf16>(F, x.clone(), &counters),
                kernel.bind_with_saturation::<bf16>(F, x.clone(), y.clone(), &counters),
                kernel.bind_with_saturation::<f16>(F, xs.clone(), xs.clone(), &counters),
                kernel.bind_backward::<f32>(backward, x.clone(), g.clone(), y.clone()),
                kernel.bind_backward_in_place::<f32>(backward, x.clone(), y.clone()),
                kernel.bind_backward::<f32>(backward, xs.clone(), g.clone(), y.clone()),
                kernel.bind_backward::<f32>(backward, x.clone(), g.clone(), ys.clone()),
                kernel.bind_backward::<f32>(backward, xs.clone(), ys.clone(), g.clone()),
                kernel.bind_backward::<f32>(backward, x.clone(), ys, g.clone()),
                // Not aligned alike where the alignment is more than 16 bytes.
                kernel.bind_backward::<f16>(backward, x, (g_buffer, start + 8..end + 8), y),
                kernel.bind_backward::<f16>(backward, rows(x_buffer, 48), rows(g_buffer, 64), rows(y_buffer, 48)),
            ];
            bound.iter().for_each(|binding| assert!(binding.is_ok(), "{range:?}: {:?}", binding.as_ref().err()));
            assert_eq!(count(), ahead, "{range:?}");
        }
        let binding = kernel.bind_in_place::<f32>(F, &x).unwrap();
        bench.submit(|encoder| binding.record(encoder));
        assert_bits(&bench.read::<f32>(&x), &expected(F, &source), &"ahead");
        // What is not in the list has its own pipelines, which are compiled when needed.
        assert!(kernel.bind_in_place::<bf16>(F, &x).is_ok() && count() > ahead);
        assert!(matches!(kernel.compile_ahead([Ahead::bind::<f64>()]), Err(Error::Bind(_))));
    }
}

/// A cache of another device is refused, so that one of the kernel's own is used.
fn pipeline_cache(subject: &Subject) {
    let Subject::Gpu { adapter, .. } = subject else { panic!("for GPUs only") };
    let required_features = wgpu::Features::PIPELINE_CACHE;
    let is_vulkan = adapter.get_info().backend == wgpu::Backend::Vulkan;
    assert_eq!(adapter.features().contains(required_features), is_vulkan);
    if !is_vulkan {
        return;
    }
    let descriptor = wgpu::DeviceDescriptor { required_features, ..Default::default() };
    let [own, other] = [(); 2].map(|()| Bench::new(pollster::block_on(adapter.request_device(&descriptor)).unwrap()));
    let kernel = |device: &wgpu::Device| {
        let descriptor = wgpu::PipelineCacheDescriptor { label: None, data: None, fallback: true };
        #[allow(unsafe_code, reason = "wgpu has no other way")]
        // SAFETY: there is no data.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        let options = KernelOptions { pipeline_cache: Some(cache), ..Default::default() };
        Kernel::with_options(&own.device, options).unwrap()
    };
    let source = numbers::<f32>(9_001);
    let data = own.buffer(&source);
    let error = kernel(&other.device).bind_in_place::<f32>(F, &data).unwrap_err();
    assert!(matches!(error, Error::Device { doing: "compiling a pipeline", .. }), "{error}");
    let binding = kernel(&own.device).bind_in_place::<f32>(F, &data).unwrap();
    own.submit(|encoder| binding.record(encoder));
    assert_bits(&own.read::<f32>(&data), &expected(F, &source), &"cached");
}

/// Messages of wgpu have the app's part of a label.
fn labels(subject: &Subject) {
    let (own, other) = (bench(subject), bench(subject));
    let options = KernelOptions { label_prefix: "layer 7: ".into(), ..Default::default() };
    let kernel = Kernel::with_options(&own.device, options).unwrap();
    let binding = kernel.bind_in_place::<f32>(F, &own.buffer(&numbers::<f32>(100))).unwrap();
    let scope = other.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let mut encoder = other.device.create_command_encoder(&Default::default());
    binding.record(&mut encoder);
    let _ = encoder.finish();
    let error = pollster::block_on(scope.pop()).unwrap();
    assert!(error.to_string().contains("layer 7: hard_sigmoid"), "{error}");
}

fn two_functions(subject: &Subject) {
    let bench = bench(subject);
    let source = numbers::<f32>(5_003);
    let from = bench.buffer(&source);
    let bound: Vec<_> = functions()
        .into_iter()
        .map(|f| {
            let to = bench.buffer(&source);
            (f, bench.kernel.bind::<f32>(f, &from, &to).unwrap(), to)
        })
        .collect();
    bench.submit(|encoder| bound.iter().for_each(|(_, binding, _)| binding.record(encoder)));
    for (f, _, to) in bound {
        assert_bits(&bench.read::<f32>(&to), &expected(f, &source), &f);
    }
}

fn uniform_parameters(subject: &Subject) {
    let bench = bench(subject);
    let source = numbers::<f32>(6_001);
    let (from, to) = (bench.buffer(&source), bench.buffer(&source));
    let uniform = bench.uniform(256 + 16);
    let at_an_offset = bench.kernel.bind::<f32>(at(&uniform, 256), &from, &to).unwrap();
    let at_the_start = bench.kernel.bind::<f32>(&uniform, &from, &to).unwrap();
    for f in functions() {
        for (offset, binding) in [(0, &at_the_start), (256, &at_an_offset)] {
            bench.queue.write_buffer(&uniform, offset, &f.params().to_bytes());
            bench.submit(|encoder| binding.record(encoder));
            assert_bits(&bench.read::<f32>(&to), &expected(f, &source), &f);
        }
    }
}

fn recorded_again(subject: &Subject) {
    let bench = bench(subject);
    let source = numbers::<f32>(5_001);
    let data = bench.buffer(&source);
    let binding = bench.kernel.bind_in_place::<f32>(F, (&data, 1..4_998)).unwrap();
    bench.submit(|encoder| {
        binding.record(encoder);
        binding.record(encoder);
    });
    bench.submit(|encoder| binding.record(encoder));
    let mut whole = source;
    for _ in 0..3 {
        let once = expected(F, &whole[1..4_998]);
        whole[1..4_998].copy_from_slice(&once);
    }
    assert_bits(&bench.read::<f32>(&data), &whole, &"three times");
}

fn many_tensors(subject: &Subject) {
    let bench = bench(subject);
    let mut arena = numbers::<f32>(200_000);
    let buffer = bench.buffer(&arena);
    let mut bindings = Vec::new();
    let mut start = 0;
    for (i, f) in functions().into_iter().cycle().take(60).enumerate() {
        let len = [1, 7, 700, 4_099][i % 4];
        let (from, to) =
            (start..start + len, if i % 3 == 0 { start..start + len } else { start + len..start + 2 * len });
        let range = |r: &std::ops::Range<usize>| r.start as u64..r.end as u64;
        bindings.push(bench.kernel.bind::<f32>(f, (&buffer, range(&from)), (&buffer, range(&to))).unwrap());
        let result = expected(f, &arena[from]);
        arena[to.clone()].copy_from_slice(&result);
        // Some bindings read results of the previous one, and others are adjacent to it.
        start = if i % 5 == 0 { to.start } else { to.end };
        assert!(start + 2 * 4_099 < arena.len());
    }
    bench.submit(|encoder| {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        bindings.iter().for_each(|binding| binding.record_pass(&mut pass));
    });
    assert_bits(&bench.read::<f32>(&buffer), &arena, &"arena");
}

fn other_work(subject: &Subject) {
    let bench = bench(subject);
    let source = numbers::<f32>(4_444);
    let (a, b, c) = (bench.buffer(&source), bench.buffer(&[0.0_f32; 4_444]), bench.buffer(&[0.0_f32; 4_444]));
    let own = bench.pipeline(
        "@group(0) @binding(0) var<storage, read_write> data: array<f32>;
        @compute @workgroup_size(64)
        fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x < arrayLength(&data) { data[id.x] += 1.0; }
        }",
    );
    let group = bench.group(&own, &[&c]);
    let binding = bench.kernel.bind_in_place::<f32>(F, &b).unwrap();
    bench.submit(|encoder| {
        encoder.copy_buffer_to_buffer(&a, 0, &b, 0, a.size());
        binding.record(encoder);
        encoder.copy_buffer_to_buffer(&b, 0, &c, 0, b.size());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        // The app sets its own pipeline and bind group 0 again before each of its dispatches.
        for _ in 0..2 {
            pass.set_pipeline(&own);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(70, 1, 1);
            binding.record_pass(&mut pass);
        }
    });
    let once = expected(F, &source);
    assert_bits(&bench.read::<f32>(&a), &source, &"before");
    assert_bits(&bench.read::<f32>(&b), &expected(F, &expected(F, &once)), &"bound");
    let plus_two: Vec<f32> = once.iter().map(|x| x + 1.0 + 1.0).collect();
    let got = bench.read::<f32>(&c);
    assert!(got.iter().zip(&plus_two).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "after");
}

fn eight_threads(subject: &Subject) {
    let bench = bench(subject);
    let source = numbers::<f32>(5_005);
    let from = bench.buffer(&source);
    let (bench, from, source) = (&bench, &from, &source);
    std::thread::scope(|scope| {
        for f in functions() {
            scope.spawn(move || {
                for offset in 0..10 {
                    let to = bench.buffer(source);
                    let len = source.len() as u64;
                    let binding = bench.kernel.bind::<f32>(f, (from, offset..len), (&to, 0..len - offset)).unwrap();
                    bench.submit(|encoder| binding.record(encoder));
                    let offset = offset as usize;
                    let got = bench.read::<f32>(&to);
                    assert_bits(&got[..source.len() - offset], &expected(f, &source[offset..]), &(f, offset));
                    assert_bits(&got[source.len() - offset..], &source[source.len() - offset..], &(f, offset));
                }
            });
        }
    });
}

fn callbacks(subject: &Subject) {
    let (device, queue) = subject.device(|limits| *limits = wgpu::Limits::downlevel_defaults());
    let (uncaptured, lost) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = uncaptured.clone();
    device.on_uncaptured_error(Arc::new(move |_| _ = count.fetch_add(1, Ordering::SeqCst)));
    let count = lost.clone();
    device.set_device_lost_callback(move |_, _| _ = count.fetch_add(1, Ordering::SeqCst));

    let other = bench(subject);
    let foreign = other.buffer(&[0.0_f32; 64]);
    let bench = Bench::new((device, queue));
    let data = bench.buffer(&numbers::<f32>(5_000));
    let binding = bench.kernel.bind_in_place::<f32>(F, &data).unwrap();
    bench.submit(|encoder| binding.record(encoder));
    // Device errors go to the caller, not to the app's callback.
    assert!(matches!(bench.kernel.bind_in_place::<f32>(F, &foreign), Err(Error::Bind(BindError::Refused { .. }))));
    let gpu = Gpu::new(bench.device.clone(), bench.queue.clone()).unwrap();
    gpu.apply_in_place_blocking(F, &mut numbers::<f32>(5_000)).unwrap();
    assert_eq!(uncaptured.load(Ordering::SeqCst), 0);

    // They do not reach an error scope of the app either.
    let scope = bench.device.push_error_scope(wgpu::ErrorFilter::Validation);
    assert!(matches!(bench.kernel.bind_in_place::<f32>(F, &foreign), Err(Error::Bind(BindError::Refused { .. }))));
    assert!(pollster::block_on(scope.pop()).is_none());

    // Both callbacks still belong to the app.
    let _ = bench.empty(Usage::empty(), 4);
    assert_eq!(uncaptured.load(Ordering::SeqCst), 1);
    bench.device.destroy();
    bench.device.poll(wgpu::PollType::Poll).unwrap();
    assert_eq!(lost.load(Ordering::SeqCst), 1);
    assert!(bench.kernel.bind_in_place::<f32>(F, &data).is_err());
    assert_eq!(uncaptured.load(Ordering::SeqCst), 1);
}

fn self_test(subject: &Subject) {
    let (device, queue) = subject.device(|limits| *limits = wgpu::Limits::downlevel_defaults());
    let gpu = Gpu::new(device, queue).unwrap();
    let report = validate_blocking(&gpu, F, Inputs::<f32>::Bits(0x4030_0000..=0x4050_0000), |_| {}).unwrap();
    assert_eq!((report.checked, report.mismatches, report.max_ulp), (0x20_0001, 0, 1));
}
