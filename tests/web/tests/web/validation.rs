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
        for pass in [Pass::from(f), f.backward().into(), f.backward_from_output().into()] {
            let mut progress = 0;
            let report = validate(&gpu, pass, Inputs::Data(&x), |n| progress = n).await.unwrap();
            assert_eq!((report.mismatches, report.miscounted), (0, 0), "{} {pass:?}", T::NAME);
            assert!(report.max_ulp <= 1, "{} {pass:?}", T::NAME);
            assert_eq!((report.checked, progress), (x.len() as u64, x.len() as u64));
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
