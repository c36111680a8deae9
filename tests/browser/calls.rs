//! The calls over slices.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{
    Backend, Engine, HardSigmoid, cpu,
    engine::{ExecutedOn, Fallback},
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::gpu;
use crate::numbers::{Number, assert_bits, expected, functions, gradients, numbers};

/// Nothing, parts of words, and several windows, more than there are slots.
const LENGTHS: [usize; 8] = [0, 1, 2, 3, 5, 1021, 65_537, 6_000_003];

async fn every_call<T: Number>() {
    let gpu = gpu().await;
    for len in LENGTHS {
        let (x, grad) = (numbers::<T>(len), gradients::<T>(len));
        for f in if len > 1 << 20 { vec![HardSigmoid::PYTORCH] } else { functions() } {
            let case = (T::NAME, len, f);
            let after = expected(f, &x);
            let counts = cpu::saturation(f, &x);
            let mut y = vec![T::WRONG; len];
            gpu.apply(f, &x, &mut y).await.unwrap();
            assert_bits(&y, &after, &case);
            let mut y = x.clone();
            gpu.apply_in_place(f, &mut y).await.unwrap();
            assert_bits(&y, &after, &case);
            let mut y = vec![T::WRONG; len];
            assert_eq!(gpu.apply_with_saturation(f, &x, &mut y).await.unwrap(), counts, "{case:?}");
            assert_bits(&y, &after, &case);
            assert_eq!(gpu.saturation(f, &x).await.unwrap(), counts, "{case:?}");

            if f.alpha().abs() < 1e-9 {
                // The gradients would be subnormal.
                continue;
            }
            for (backward, saved) in [(f.backward(), &x), (f.backward_from_output(), &y)] {
                let mut after = vec![T::WRONG; len];
                cpu::backward(backward, saved, &grad, &mut after).unwrap();
                let mut grad_x = vec![T::WRONG; len];
                gpu.backward(backward, saved, &grad, &mut grad_x).await.unwrap();
                assert_bits(&grad_x, &after, &case);
                let mut grad_x = grad.clone();
                gpu.backward_in_place(backward, saved, &mut grad_x).await.unwrap();
                assert_bits(&grad_x, &after, &case);
            }
        }
    }
}

#[wasm_bindgen_test]
async fn every_call_gives_the_bits_of_the_definition_f32() {
    every_call::<f32>().await;
}

#[wasm_bindgen_test]
async fn every_call_gives_the_bits_of_the_definition_f16() {
    every_call::<f16>().await;
}

#[wasm_bindgen_test]
async fn every_call_gives_the_bits_of_the_definition_bf16() {
    every_call::<bf16>().await;
}

/// The CPU path gives the bits of the definition, with and without vector instructions.
#[wasm_bindgen_test]
fn cpu_path_gives_the_bits_of_the_definition() {
    fn check<T: Number>() {
        let (x, grad) = (numbers::<T>(100_003), gradients::<T>(100_003));
        for f in functions() {
            let mut y = vec![T::WRONG; x.len()];
            let counts = cpu::apply_with_saturation(f, &x, &mut y).unwrap();
            assert_bits(&y, &expected(f, &x), &f);
            assert_eq!(counts, cpu::saturation(f, &x));
            let mut grad_x = vec![T::WRONG; x.len()];
            cpu::backward(f.backward(), &x, &grad, &mut grad_x).unwrap();
            let after: Vec<T> = x.iter().zip(&grad).map(|(&x, &g)| f.backward().eval(x, g)).collect();
            assert_bits(&grad_x, &after, &f);
        }
    }
    check::<f32>();
    check::<f16>();
    check::<bf16>();
    check::<f64>();
}

#[wasm_bindgen_test]
async fn engines_run_where_they_say() {
    let (x, mut y) = (numbers::<f32>(1000), vec![0.0; 1000]);
    for backend in [Backend::Auto, Backend::Gpu, Backend::Cpu] {
        let mut engine = Engine::open(backend, 1000).await.unwrap();
        y.fill(-1.0);
        engine.apply(HardSigmoid::ONNX, &x, &mut y).await.unwrap();
        assert_bits(&y, &expected(HardSigmoid::ONNX, &x), &backend);
        assert_eq!(matches!(engine.executed_on(), ExecutedOn::Gpu { .. }), backend == Backend::Gpu);
    }
    // A software adapter is none for `Auto`, and says so.
    let engine = Engine::open(Backend::Auto, 1 << 40).await.unwrap();
    assert!(matches!(engine.fallback(), Some(Fallback::NotOpened(_))), "{:?}", engine.fallback());
}

/// An app can start rayon's pool only once, and looking for a pool starts one.
#[wasm_bindgen_test]
fn the_pool_is_left_to_the_app() {
    let (x, mut y) = (numbers::<f32>(1 << 22), vec![0.0; 1 << 22]);
    cpu::apply(HardSigmoid::ONNX, &x, &mut y).unwrap();
    assert_eq!(cpu::threads(), 1);
    let builder = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    builder.build_global().unwrap();
    // From here on, this thread is in a pool.
    y.fill(-1.0);
    cpu::apply(HardSigmoid::ONNX, &x, &mut y).unwrap();
    assert_bits(&y, &expected(HardSigmoid::ONNX, &x), &"in a pool");
}
