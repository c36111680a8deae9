//! What `auto` does, without a GPU.

use std::cell::RefCell;

use super::*;
use crate::HardSigmoid;

const APPLY: Work = Work::Apply(HardSigmoid::ONNX);

fn interrupted(finished: usize) -> Error {
    Error::Interrupted { finished, cause: Box::new(Error::Lost) }
}

#[test]
fn auto_takes_over_from_a_failing_gpu_where_it_stopped() {
    let mut engine = Engine::with(None);
    assert_eq!(engine.take_over(APPLY, interrupted(2)).unwrap(), 2);
    assert!(matches!(engine.fallback(), Some(Fallback::Failed { cause: Error::Lost, .. })));
    // What is counted is counted anew.
    assert_eq!(engine.take_over(Work::Count(HardSigmoid::ONNX), interrupted(2)).unwrap(), 0);
    assert_eq!(engine.take_over(Work::ApplyAndCount(HardSigmoid::ONNX), interrupted(2)).unwrap(), 0);
}

/// Keeps what this thread logs.
struct Log;

thread_local! {
    static LOGGED: RefCell<Vec<String>> = RefCell::default();
}

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOGGED.with_borrow_mut(|lines| lines.push(format!("{} {}", record.level(), record.args())));
    }

    fn flush(&self) {}
}

#[test]
fn a_takeover_is_logged_with_its_element_and_its_cause() {
    log::set_logger(&Log).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let mut engine = Engine::with(None);
    engine.take_over(APPLY, interrupted(2)).unwrap();
    engine.take_over(Work::Count(HardSigmoid::ONNX), interrupted(2)).unwrap();
    engine.without_fallback().take_over(APPLY, interrupted(2)).unwrap_err();
    let line = |first| format!("WARN the GPU failed: {}; the CPU path takes over from element {first} on", Error::Lost);
    assert_eq!(LOGGED.take(), [2, 0].map(line));
}

#[test]
fn auto_runs_where_it_is_faster() {
    let [short, long] = [1, 2].map(std::time::Duration::from_millis);
    let slow = Engine::faster_gpu(Comparison { adapter: "G".into(), gpu: long, cpu: short });
    assert!(matches!(slow, Err(Fallback::Slower(comparison)) if comparison.gpu == long));
    let fast = Comparison { adapter: "G".into(), gpu: short, cpu: long };
    assert_eq!(Engine::faster_gpu(fast.clone()).ok(), Some(fast));
}

/// A GPU that computes nothing.
fn noop() -> Gpu {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop = wgpu::NoopBackendOptions { enable: true, ..Default::default() };
    let adapter = pollster::block_on(wgpu::Instance::new(descriptor).request_adapter(&Default::default())).unwrap();
    let (device, queue) = pollster::block_on(adapter.request_device(&Default::default())).unwrap();
    Gpu::new(device, queue).unwrap()
}

/// Choosing the CPU path for a small batch forgets nothing of what is known of the GPU.
#[test]
fn auto_chooses_for_each_number_of_elements() {
    let comparison = || Comparison { adapter: "G".into(), gpu: Default::default(), cpu: Default::default() };
    let slower = Some(Fallback::Slower(comparison()));
    let mut engine = Engine { is_auto: true, fallback: slower, ..Engine::with(None) };
    engine.choose_blocking(AUTO_GPU_MIN_ELEMENTS - 1);
    assert!(matches!(engine.fallback(), Some(Fallback::Small)));
    engine.choose_blocking(AUTO_GPU_MIN_ELEMENTS);
    assert!(matches!(engine.fallback(), Some(Fallback::Slower(_))));
    // The GPU stays open.
    let (gpu, comparison) = (Some(noop()), Some(comparison()));
    let mut engine = Engine { is_auto: true, comparison, ..Engine::with(gpu) };
    for elements in [AUTO_GPU_MIN_ELEMENTS, 1, 2, AUTO_GPU_MIN_ELEMENTS] {
        engine.choose_blocking(elements);
        let is_large = elements > 2;
        assert_eq!(matches!(engine.executed_on(), ExecutedOn::Gpu { .. }), is_large);
        assert_eq!((engine.fallback().is_none(), engine.comparison().is_some()), (is_large, is_large));
    }
    let mut engine = Engine::with(None);
    engine.choose_blocking(0);
    assert!(engine.fallback().is_none());
}

#[test]
fn a_failing_gpu_that_was_asked_for_is_an_error() {
    let mut engine = Engine::with(None).without_fallback();
    assert!(matches!(engine.take_over(APPLY, interrupted(2)), Err(Error::Interrupted { finished: 2, .. })));
    let mut engine = Engine::with(None);
    let lengths = cpu::LengthMismatch { role: crate::plan::BufferRole::Source, source_len: 1, target_len: 2 };
    assert!(matches!(engine.take_over(APPLY, lengths.into()), Err(Error::Length(_))));
}
