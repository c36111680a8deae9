//! Tests that run on the CPU path and on every GPU adapter of the machine.
//!
//! `HARD_SIGMOID_REQUIRE` lists required adapters by backend and name (`"vulkan/llvmpipe gl/llvmpipe"`), or is `any`.
//! The suite fails if one of them is missing. If the variable is not set and there is no adapter, the suite prints a
//! warning and skips the GPU tests. With `HARD_SIGMOID_THOROUGH`, tests of ranges take all combinations of offsets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod backward;
mod embed;
mod engine;
mod faults;
mod foreign;
mod golden;
mod kernel;
mod length;
mod mistakes;
mod noop;
mod numbers;
mod operations;
mod properties;
mod rig;
mod rows;
mod saturation;
mod slices;
mod subject;
mod validation;
mod wgsl;

use std::cell::Cell;

use hard_sigmoid::{Backend, adapter};
use libtest_mimic::{Arguments, Failed, Trial};
use subject::Subject;

fn main() {
    quiet_wgpu();
    let args = Arguments::from_args();
    let mut adapters = pollster::block_on(adapter::enumerate()).unwrap();
    // What cannot compute is as if it were not there.
    adapters.retain(|adapter| adapter::check(adapter).is_ok());
    let mut trials = vec![required(&adapters)];

    trials.push(trial("cpu::engine_every_call", || engine::every_call(Backend::Cpu)));
    trials.push(trial("cpu::engine_jobs_run_in_parts", || engine::jobs_run_in_parts(Backend::Cpu)));
    let on_the_cpu: [(&str, fn()); 2] = [
        ("cpu::engine_yields_to_its_executor", engine::yields_on_the_cpu),
        ("cpu::engine_small_batches_stay_on_the_cpu_and_say_so", engine::small_batches_stay_on_the_cpu_and_say_so),
    ];
    if !adapters.is_empty() {
        trials.push(trial("gpu::engine_every_call", || engine::every_call(Backend::Gpu)));
        trials.push(trial("gpu::engine_jobs_run_in_parts", || engine::jobs_run_in_parts(Backend::Gpu)));
    }

    let noops: [(&str, fn()); 2] = [
        ("noop::validate_notices_that_nothing_is_computed", noop::computes_nothing),
        ("noop::a_buffer_beyond_the_limits_is_refused", noop::refuses_a_size),
    ];
    trials.extend(noops.into_iter().chain(on_the_cpu).map(|(name, run)| trial(name, run)));

    let mut subjects = vec![Subject::Cpu];
    for adapter in &adapters {
        match Subject::gpu(adapter) {
            Ok(subject) => subjects.push(subject),
            Err(error) => trials.push(Trial::test("gpu::an_adapter_gives_no_device", || Err(Failed::from(error)))),
        }
    }
    for subject in subjects {
        let name = subject.name();
        let mut add = |test: &str, run: fn(&Subject)| {
            let subject = subject.clone();
            trials.push(trial(&format!("{name}::{test}"), move || run(&subject)));
        };
        golden::TESTS
            .iter()
            .chain(slices::TESTS)
            .chain(validation::TESTS)
            .chain(backward::TESTS)
            .chain(saturation::TESTS)
            .chain(properties::TESTS)
            .for_each(|(test, run)| add(test, *run));
        if let Subject::Cpu = subject {
            rows::TESTS.iter().for_each(|(test, run)| add(test, *run));
        } else {
            kernel::TESTS
                .iter()
                .chain(embed::TESTS)
                .chain(foreign::TESTS)
                .chain(wgsl::TESTS)
                .chain(mistakes::TESTS)
                .chain(length::TESTS)
                .chain(rows::GPU_TESTS)
                .chain(slices::GPU_TESTS)
                .chain(backward::GPU_TESTS)
                .chain(saturation::GPU_TESTS)
                .chain(faults::GPU_TESTS)
                .chain(properties::GPU_TESTS)
                .for_each(|(test, run)| add(test, *run));
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

/// A test that runs on a thread of its own, which has ended with all that drivers keep for it when the test is done.
/// The threads of the harness may still be ending when the process does, and a driver that is unloaded meanwhile
/// crashes.
fn trial(name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        if let Err(panic) = std::thread::spawn(run).join() {
            std::panic::resume_unwind(panic);
        }
        Ok(())
    })
}

/// Keeps panics of wgpu from stderr, where they look like failures. The crate turns them into errors, which tests
/// expect. Where one is not expected, the failure still has its message.
fn quiet_wgpu() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.location().is_some_and(|location| location.file().contains("/wgpu")) {
            WGPU_PANICS.set(WGPU_PANICS.get() + 1);
        } else {
            report(panic);
        }
    }));
}

thread_local! {
    static WGPU_PANICS: Cell<u32> = const { Cell::new(0) };
}

/// How often wgpu has panicked on this thread since the last time.
fn take_wgpu_panics() -> u32 {
    WGPU_PANICS.take()
}

/// A test that fails if a required adapter is missing. If there are no adapters and none is required, the test is
/// ignored, and its name gives the reason.
fn required(adapters: &[wgpu::Adapter]) -> Trial {
    let present: Vec<_> = adapters.iter().map(|adapter| adapter.get_info()).collect();
    let has = |name: &str| {
        let is = |info: &wgpu::AdapterInfo| {
            name.split_once('/').is_some_and(|(backend, name)| {
                info.backend.to_str() == backend && info.name.to_lowercase().contains(name)
            })
        };
        present.iter().any(|info| name == "any" || is(info))
    };
    let required = std::env::var("HARD_SIGMOID_REQUIRE").unwrap_or_default();
    let missing: Vec<String> = required.split_whitespace().filter(|name| !has(name)).map(str::to_owned).collect();
    if adapters.is_empty() && required.is_empty() {
        eprintln!("\nWARNING: no GPU adapter on this machine: ALL GPU TESTS ARE SKIPPED. scripts/test installs one.\n");
        return Trial::test("gpu::LEFT_OUT_because_this_machine_has_no_adapter", || Ok(())).with_ignored_flag(true);
    }
    Trial::test("gpu::required_adapters_are_present", move || {
        if missing.is_empty() { Ok(()) } else { Err(Failed::from(format!("no adapter for {missing:?}"))) }
    })
}
