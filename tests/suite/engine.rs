//! Every call of `Engine`, blocking and async, on the CPU path and on the adapter that it selects.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use hard_sigmoid::half::bf16;
use hard_sigmoid::{
    Backend, Engine, Error, Gpu, HardSigmoid, Job, Saturation,
    adapter::AdapterKind,
    cpu,
    engine::{AUTO_GPU_MIN_ELEMENTS, ExecutedOn, Fallback},
    plan::BufferRole,
};
use pollster::block_on;

use crate::numbers::{Number, assert_bits, gradients, numbers};

pub(crate) fn every_call(backend: Backend) {
    let mut engine = Engine::open_blocking(backend, 1 << 22).unwrap();
    assert_eq!(matches!(engine.executed_on(), ExecutedOn::Gpu { .. }), backend == Backend::Gpu);
    check::<f32>(&mut engine);
    check::<bf16>(&mut engine);
    if backend == Backend::Cpu {
        check::<f64>(&mut engine);
    }
    assert!(engine.fallback().is_none());
}

/// A job in parts gives what a call gives, and the parts' counts add up.
pub(crate) fn jobs_run_in_parts(backend: Backend) {
    let mut engine = Engine::open_blocking(backend, 1 << 22).unwrap();
    let (f, len) = (HardSigmoid::PYTORCH, 100_003);
    let (x, grad_y) = (numbers::<f32>(len), gradients::<f32>(len));
    let (mut y, mut grad_x) = (vec![f32::WRONG; len], grad_y.clone());
    let (mut expected, mut counts, mut parts) = (vec![0.0; len], Saturation::default(), 0);
    for part in Job::apply_with_saturation(f, &x, &mut y).unwrap().chunks(9_001) {
        assert_eq!(part.len(), if parts < 11 { 9_001 } else { 992 });
        counts += engine.run_blocking(part).unwrap();
        parts += 1;
    }
    assert_eq!((parts, counts), (12, cpu::apply_with_saturation(f, &x, &mut expected).unwrap()));
    assert_bits(&y, &expected, &"apply");
    for part in Job::backward_in_place(f.backward(), &x, &mut grad_x).unwrap().chunks(len - 1) {
        engine.run_blocking(part).unwrap();
    }
    cpu::backward(f.backward(), &x, &grad_y, &mut expected).unwrap();
    assert_bits(&grad_x, &expected, &"backward");
    assert_eq!(Job::saturation(f, &x).chunks(0).count(), 0);
    // f64 is for the CPU path, unless a GPU was asked for.
    let is_on_gpu = |on| matches!(on, ExecutedOn::Gpu { .. });
    assert_eq!(is_on_gpu(engine.executed_on_for::<bf16>()), backend == Backend::Gpu);
    assert_eq!(is_on_gpu(engine.executed_on_for::<f64>()), backend == Backend::Gpu);
    if backend == Backend::Gpu {
        let engine = Engine::with_gpu(Gpu::open_blocking(AdapterKind::Any).unwrap());
        assert!(is_on_gpu(engine.executed_on_for::<f32>()) && !is_on_gpu(engine.executed_on_for::<f64>()));
    }
}

pub(crate) fn small_batches_stay_on_the_cpu_and_say_so() {
    let mut engine = Engine::open_blocking(Backend::Auto, AUTO_GPU_MIN_ELEMENTS - 1).unwrap();
    assert!(matches!((engine.executed_on(), engine.fallback()), (ExecutedOn::Cpu { .. }, Some(Fallback::Small))));
    let mut y = [0.0; 2];
    engine.apply_blocking(HardSigmoid::ONNX, &[0.0, 9.0], &mut y).unwrap();
    assert_eq!(y, [0.5, 1.0]);
    assert!(Engine::open_blocking(Backend::Cpu, 1).unwrap().fallback().is_none());
}

/// On the CPU path a poll computes 16 MiB of results at most.
pub(crate) fn yields_on_the_cpu() {
    let mut engine = Engine::open_blocking(Backend::Cpu, 0).unwrap();
    let piece = (16 << 20) / 4;
    let x = vec![0.5_f32; 2 * piece + 5];
    for polls in 1..=4 {
        let mut y = vec![f32::WRONG; x.len()];
        let mut last = Poll::Pending;
        {
            let mut call = pin!(engine.apply(HardSigmoid::ONNX, &x, &mut y));
            for _ in 0..polls {
                last = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
        }
        assert_eq!(last.is_ready(), polls == 4);
        let done = y.iter().take_while(|&&y| y == 0.6).count();
        assert_eq!(done, x.len().min(polls * piece), "{polls}");
    }
}

fn check<T: Number>(engine: &mut Engine) {
    let (f, len) = (HardSigmoid::PYTORCH, 1_100_003);
    let (backward, x, grad_y) = (f.backward(), numbers::<T>(len), gradients::<T>(len));
    let mut y = vec![T::WRONG; len];
    cpu::apply(f, &x, &mut y).unwrap();
    let mut grad_x = vec![T::WRONG; len];
    cpu::backward(backward, &x, &grad_y, &mut grad_x).unwrap();
    let counts = cpu::saturation(f, &x);

    for blocking in [true, false] {
        let mut target = vec![T::WRONG; len];
        match blocking {
            true => engine.apply_blocking(f, &x, &mut target).unwrap(),
            false => block_on(engine.apply(f, &x, &mut target)).unwrap(),
        }
        assert_bits(&target, &y, &("apply", blocking));

        let mut data = x.clone();
        match blocking {
            true => engine.apply_in_place_blocking(f, &mut data).unwrap(),
            false => block_on(engine.apply_in_place(f, &mut data)).unwrap(),
        }
        assert_bits(&data, &y, &("in place", blocking));

        target.fill(T::WRONG);
        let counted = match blocking {
            true => engine.apply_with_saturation_blocking(f, &x, &mut target).unwrap(),
            false => block_on(engine.apply_with_saturation(f, &x, &mut target)).unwrap(),
        };
        assert_bits(&target, &y, &("with saturation", blocking));
        assert_eq!(counted, counts);
        let counted = match blocking {
            true => engine.saturation_blocking(f, &x).unwrap(),
            false => block_on(engine.saturation(f, &x)).unwrap(),
        };
        assert_eq!(counted, counts);

        target.fill(T::WRONG);
        match blocking {
            true => engine.backward_blocking(backward, &x, &grad_y, &mut target).unwrap(),
            false => block_on(engine.backward(backward, &x, &grad_y, &mut target)).unwrap(),
        }
        assert_bits(&target, &grad_x, &("backward", blocking));
        let mut grad = grad_y.clone();
        match blocking {
            true => engine.backward_in_place_blocking(backward, &x, &mut grad).unwrap(),
            false => block_on(engine.backward_in_place(backward, &x, &mut grad)).unwrap(),
        }
        assert_bits(&grad, &grad_x, &("backward in place", blocking));
    }

    let mut target = vec![T::WRONG; 3];
    let error = engine.backward_blocking(backward, &x[..3], &grad_y[..2], &mut target).unwrap_err();
    assert!(matches!(&error, Error::Length(l) if l.role == BufferRole::Gradient && l.source_len == 2), "{error}");
    assert_bits(&target, &[T::WRONG; 3], &"untouched");
}
