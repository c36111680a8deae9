//! The self-test finds nothing.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::validate::{Inputs, Pass, samples, validate};
use hard_sigmoid::{Element, HardSigmoid};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::gpu;

async fn finds_nothing<T: Element>() {
    let gpu = gpu().await;
    for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH] {
        let x = samples::<T>(f);
        // Every number of a 16-bit type.
        let inputs = if size_of::<T>() == 2 { Inputs::Bits(0..=0xffff) } else { Inputs::Data(&x) };
        for pass in [Pass::from(f), f.backward().into(), f.backward_from_output().into()] {
            let mut progress = 0;
            let report = validate(&gpu, pass, inputs.clone(), |n| progress = n).await.unwrap();
            assert_eq!((report.mismatches, report.miscounted), (0, 0), "{} {pass:?}", T::NAME);
            assert!(report.max_ulp <= 1, "{} {pass:?}", T::NAME);
            assert_eq!((report.checked, progress), (inputs.count(), inputs.count()));
        }
    }
}

#[wasm_bindgen_test]
async fn validation_finds_nothing_f32() {
    finds_nothing::<f32>().await;
}

#[wasm_bindgen_test]
async fn validation_finds_nothing_f16() {
    finds_nothing::<f16>().await;
}

#[wasm_bindgen_test]
async fn validation_finds_nothing_bf16() {
    finds_nothing::<bf16>().await;
}

/// docs/numerics.md has what came of this. To run these tests, end the `cargo test` of scripts/web with
/// `-- --include-ignored every_f32`, and set WASM_BINDGEN_TEST_TIMEOUT to 7200: all three take half an hour.
async fn every_f32_passes(pass: fn(HardSigmoid) -> Pass) {
    let gpu = gpu().await;
    for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH] {
        let report = validate::<f32>(&gpu, pass(f), Inputs::Bits(0..=u32::MAX), |_| {}).await.unwrap();
        wasm_bindgen_test::console_log!("{f:?}: {report:?}");
        assert_eq!((report.checked, report.mismatches, report.miscounted), (1 << 32, 0, 0));
        assert!(report.max_ulp <= 1);
    }
}

#[wasm_bindgen_test]
#[ignore = "takes long"]
async fn every_f32_forward() {
    every_f32_passes(Pass::from).await;
}

#[wasm_bindgen_test]
#[ignore = "takes long"]
async fn every_f32_backward() {
    every_f32_passes(|f| f.backward().into()).await;
}

#[wasm_bindgen_test]
#[ignore = "takes long"]
async fn every_f32_backward_from_output() {
    every_f32_passes(|f| f.backward_from_output().into()).await;
}
