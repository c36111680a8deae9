//! Buffers, devices and queues that do not belong together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hard_sigmoid::{BindError, Error, Gpu, adapter, plan::BufferRole};

use crate::numbers::{assert_bits, expected, numbers};
use crate::rig::{Bench, F, at, bench};
use crate::subject::{Subject, Test};
use crate::take_wgpu_panics;

pub(crate) const TESTS: &[Test] = &[
    ("foreign_two_devices", two_devices),
    ("foreign_buffers_of_another_instance_are_refused", other_instance),
    ("foreign_encoders_report_to_the_app", other_encoder),
    ("foreign_queues_are_refused", other_queue),
];

/// A device on the same adapter, found through another instance.
fn of_another_instance(subject: &Subject) -> Subject {
    let Subject::Gpu { gpu, .. } = subject else { panic!("for GPUs only") };
    let wanted = adapter::describe(&gpu.device().adapter_info());
    let adapters = pollster::block_on(adapter::enumerate()).unwrap();
    let same = adapters.iter().find(|adapter| adapter::describe(&adapter.get_info()) == wanted);
    Subject::gpu(same.unwrap()).unwrap()
}

/// Counts the errors that reach the app's callback.
fn count_errors(device: &wgpu::Device) -> Arc<AtomicUsize> {
    let errors = Arc::new(AtomicUsize::new(0));
    let count = errors.clone();
    device.on_uncaptured_error(Arc::new(move |_| _ = count.fetch_add(1, Ordering::SeqCst)));
    errors
}

fn two_devices(subject: &Subject) {
    let (one, other) = (bench(subject), bench(subject));
    let source = numbers::<f32>(5_000);
    let (mine, theirs) = (one.buffer(&source), other.buffer(&source));
    let bindings =
        [one.kernel.bind_in_place::<f32>(F, &mine).unwrap(), other.kernel.bind_in_place::<f32>(F, &theirs).unwrap()];
    one.submit(|encoder| bindings[0].record(encoder));
    other.submit(|encoder| bindings[1].record(encoder));
    assert_bits(&one.read::<f32>(&mine), &expected(F, &source), &"one");
    assert_bits(&other.read::<f32>(&theirs), &expected(F, &source), &"other");

    let error = one.kernel.bind::<f32>(F, &mine, &theirs).unwrap_err();
    assert!(matches!(&error, Error::Bind(BindError::Refused { role: BufferRole::Target, .. })), "{error}");
    for part in ["the target buffer", "match", "use a buffer of the kernel's own device"] {
        assert!(error.to_string().contains(part) && !error.to_string().contains('\n'), "{error}");
    }
    let error = one.kernel.bind::<f32>(F, &theirs, &mine).unwrap_err();
    assert!(matches!(&error, Error::Bind(BindError::Refused { role: BufferRole::Source, .. })), "{error}");
}

/// wgpu numbers buffers anew in each instance, so that a buffer of another instance may be taken for one of this.
fn other_instance(subject: &Subject) {
    let (mine, theirs) = (bench(subject), bench(&of_another_instance(subject)));
    let errors = [&mine, &theirs].map(|bench| count_errors(&bench.device));
    let data = numbers::<f32>(64);
    // The numbers of these are in use in both instances, and those of the last ones only in the other.
    let my_buffers: Vec<_> = (0..12).map(|i| mine.buffer(&data[..40 + i])).collect();
    let their_buffers: Vec<_> = (0..40).map(|i| theirs.buffer(&data[..if i % 2 == 0 { 16 } else { 60 }])).collect();
    // Of equal size and number, the two cannot be told apart.
    let own = mine.buffer(&data[..32]);
    let uniforms: Vec<_> = (0..60).map(|_| theirs.uniform(16)).collect();
    for theirs in &their_buffers {
        let refused = |role, result: Result<_, Error>| {
            // The app's panic hook prints each panic.
            let panics = take_wgpu_panics();
            assert!(panics <= 1, "{panics} panics");
            let error = result.map(|_: hard_sigmoid::Binding| ()).unwrap_err();
            assert!(
                matches!(&error, Error::Bind(BindError::Refused { role: refused, .. }) if *refused == role),
                "{error}"
            );
            assert!(!error.to_string().contains('\n'), "{error}");
            assert!(error.to_string().contains("use a buffer of the kernel's own device"), "{error}");
        };
        let kernel = &mine.kernel;
        refused(BufferRole::Data, kernel.bind_in_place::<f32>(F, theirs));
        refused(BufferRole::Source, kernel.bind::<f32>(F, (theirs, ..16), (&own, ..16)));
        refused(BufferRole::Target, kernel.bind::<f32>(F, (&own, ..16), (theirs, ..16)));
        // Buffers with the same number are equal to wgpu.
        if theirs == &own {
            continue;
        }
        refused(BufferRole::Counters, kernel.bind_saturation::<f32>(F, &own, at(theirs, 0)));
        let backward = F.backward();
        refused(
            BufferRole::Gradient,
            kernel.bind_backward::<f32>(backward, (&my_buffers[0], ..16), (theirs, ..16), (&own, ..16)),
        );
    }
    let refused = uniforms.iter().filter(|uniform| mine.kernel.bind_in_place::<f32>(*uniform, &own).is_err());
    assert_eq!(refused.count(), uniforms.len());
    // The device still works, and nothing was changed.
    let binding = mine.kernel.bind_in_place::<f32>(F, &own).unwrap();
    mine.submit(|encoder| binding.record(encoder));
    assert_bits(&mine.read::<f32>(&own), &expected(F, &data[..32]), &"own");
    for (i, buffer) in my_buffers.iter().enumerate() {
        assert_bits(&mine.read::<f32>(buffer), &data[..40 + i], &i);
    }
    assert_eq!(errors.map(|errors| errors.load(Ordering::SeqCst)), [0, 0]);
}

/// The mistake is the app's, and its device reports it when the encoder is finished.
fn other_encoder(subject: &Subject) {
    let (one, other) = (bench(subject), bench(subject));
    let errors = [&one, &other].map(|bench| count_errors(&bench.device));
    let buffer = one.buffer(&numbers::<f32>(64));
    let binding = one.kernel.bind_in_place::<f32>(F, &buffer).unwrap();
    let mut encoder = other.device.create_command_encoder(&Default::default());
    binding.record(&mut encoder);
    assert_eq!(errors.each_ref().map(|errors| errors.load(Ordering::SeqCst)), [0, 0]);
    let _ = encoder.finish();
    assert_eq!(errors.map(|errors| errors.load(Ordering::SeqCst)), [0, 1]);
}

fn other_queue(subject: &Subject) {
    let [one, other, third] = [bench(subject), bench(subject), bench(&of_another_instance(subject))];
    let errors = [&one, &other, &third].map(|bench| count_errors(&bench.device));
    // A device that has submitted more than the other.
    for _ in 0..3 {
        other.submit(|_| {});
    }
    let benches = [&one, &other, &third];
    // An app may poll its devices all the time.
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for bench in benches {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    bench.device.poll(wgpu::PollType::Poll).unwrap();
                }
            });
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| check_queues(benches)));
        stop.store(true, Ordering::SeqCst);
        outcome.unwrap();
    });
    check_queues(benches);
    assert_eq!(errors.map(|errors| errors.load(Ordering::SeqCst)), [0, 0, 0]);
}

fn check_queues(benches: [&Bench; 3]) {
    for (device, queue) in [(0, 1), (1, 0), (0, 2)] {
        let error = Gpu::new(benches[device].device.clone(), benches[queue].queue.clone()).unwrap_err();
        assert!(matches!(error, Error::QueueOfAnotherDevice), "{device} {queue}: {error}");
    }
    for bench in benches {
        let mut data = numbers::<f32>(64);
        let gpu = Gpu::new(bench.device.clone(), bench.queue.clone()).unwrap();
        gpu.apply_in_place_blocking(F, &mut data).unwrap();
        assert_bits(&data, &expected(F, &numbers(64)), &"right");
    }
}
