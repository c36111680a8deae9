//! Calls over arrays of JavaScript.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::js_sys::{Function, Uint8Array};
use hard_sigmoid::{ArrayError, Backend, Engine, Error, HardSigmoid};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::gpu;
use crate::numbers::{Number, assert_bits, expected, functions, numbers};

/// Several windows, then small ones. After whole windows, these go through memory that is mapped already.
const LENGTHS: [usize; 9] = [6_000_003, 2_097_152, 1, 2_097_152, 5, 2_097_152, 1021, 65_537, 0];

fn array<T: Number>(elements: &[T]) -> Uint8Array {
    Uint8Array::from(bytemuck::cast_slice(elements))
}

fn elements<T: Number>(array: &Uint8Array) -> Vec<T> {
    bytemuck::pod_collect_to_vec(&array.to_vec())
}

async fn every_length<T: Number>() {
    let gpu = gpu().await;
    for len in LENGTHS {
        let x = numbers::<T>(len);
        for f in if len > 1 << 20 { vec![HardSigmoid::PYTORCH] } else { functions() } {
            let (source, target) = (array(&x), array(&vec![T::WRONG; len]));
            gpu.apply_arrays::<T>(f, &source, &target).await.unwrap();
            assert_bits(&elements(&target), &expected(f, &x), &(T::NAME, len, f));
            assert_bits(&elements(&source), &x, &(T::NAME, len, f));
            gpu.apply_arrays::<T>(f, &source, &source).await.unwrap();
            assert_bits(&elements(&source), &expected(f, &x), &(T::NAME, len, f, "in place"));
        }
        // Slices use the same staging buffers.
        let mut y = x.clone();
        gpu.apply_in_place(HardSigmoid::ONNX, &mut y).await.unwrap();
        assert_bits(&y, &expected(HardSigmoid::ONNX, &x), &(T::NAME, len, "slice"));
    }
}

#[wasm_bindgen_test]
async fn arrays_get_the_bits_of_the_definition() {
    every_length::<f32>().await;
    every_length::<f16>().await;
    every_length::<bf16>().await;
}

/// On the CPU path, in pieces; f64 under `Auto`, too.
#[wasm_bindgen_test]
async fn engines_take_arrays() {
    async fn check<T: Number>(backend: Backend) {
        let mut engine = Engine::open(backend, 1000).await.unwrap();
        for len in [0, 1, 300_001, 2_000_000] {
            let (x, f) = (numbers::<T>(len), HardSigmoid::PYTORCH);
            let (source, target) = (array(&x), array(&vec![T::WRONG; len]));
            engine.apply_arrays::<T>(f, &source, &target).await.unwrap();
            assert_bits(&elements(&target), &expected(f, &x), &(T::NAME, len, backend));
            engine.apply_arrays::<T>(f, &source, &source).await.unwrap();
            assert_bits(&elements(&source), &expected(f, &x), &(T::NAME, len, backend, "in place"));
        }
    }
    check::<f32>(Backend::Gpu).await;
    check::<f32>(Backend::Cpu).await;
    check::<f16>(Backend::Auto).await;
    check::<f64>(Backend::Auto).await;
}

/// The memory of an array that can be resized is not taken by every call of the browser.
#[wasm_bindgen_test]
async fn arrays_that_can_be_resized() {
    let (gpu, f, x) = (gpu().await, HardSigmoid::ONNX, numbers::<f16>(70_001));
    let make =
        Function::new_with_args("bytes", "return new Uint8Array(new ArrayBuffer(bytes, {maxByteLength: 2 ** 20}))");
    let resizable: Uint8Array = make.call1(&make, &140_002.into()).unwrap().into();
    resizable.set(&array(&x), 0);
    gpu.apply_arrays::<f16>(f, &resizable, &resizable).await.unwrap();
    assert_bits(&elements(&resizable), &expected(f, &x), &"resizable");
}

#[wasm_bindgen_test]
async fn arrays_that_do_not_fit_are_refused() {
    let (gpu, f) = (gpu().await, HardSigmoid::ONNX);
    let mut engine = Engine::open(Backend::Cpu, 8).await.unwrap();
    let bytes = |len: u32| Uint8Array::new_with_length(len);
    let both = bytes(24);
    let (low, high) = (both.subarray(0, 16), both.subarray(8, 24));
    for (source, target) in [(bytes(8), bytes(12)), (bytes(6), bytes(6)), (low.clone(), high.clone()), (high, low)] {
        let by_gpu = gpu.apply_arrays::<f32>(f, &source, &target).await.unwrap_err();
        let by_engine = engine.apply_arrays::<f32>(f, &source, &target).await.unwrap_err();
        assert_eq!(by_gpu.to_string(), by_engine.to_string());
        match by_gpu {
            Error::Length(lengths) => assert_eq!((lengths.source_len, lengths.target_len), (2, 3)),
            Error::Array(ArrayError::PartOfElement { bytes, element }) => assert_eq!((bytes, element), (6, "f32")),
            Error::Array(error) => assert_eq!((error, source.length()), (ArrayError::Overlap, 16)),
            other => panic!("{other}"),
        }
    }
    gpu.apply_arrays::<f32>(f, &both.subarray(0, 12), &both.subarray(12, 24)).await.unwrap();
    let refused = gpu.apply_arrays::<f64>(f, &bytes(8), &bytes(8)).await.unwrap_err();
    assert!(refused.to_string().contains("does not compute f64"), "{refused}");
}

/// The call fails, and the next one is right.
#[wasm_bindgen_test]
async fn an_array_that_is_transferred_is_noticed() {
    let (gpu, f, x) = (gpu().await, HardSigmoid::ONNX, numbers::<f32>(6_000_003));
    let mut engine = Engine::open(Backend::Cpu, 1).await.unwrap();
    for (which, on_gpu) in [(0, true), (1, true), (0, false), (1, false)] {
        let arrays = [array(&x), array(&x)];
        // It runs when the call first waits.
        let script = "queueMicrotask(() => structuredClone(array.buffer, {transfer: [array.buffer]}))";
        Function::new_with_args("array", script).call1(&arrays[which], &arrays[which]).unwrap();
        let [source, target] = &arrays;
        let result = if on_gpu {
            gpu.apply_arrays::<f32>(f, source, target).await
        } else {
            engine.apply_arrays::<f32>(f, source, target).await
        };
        let Err(Error::Interrupted { finished, cause }) = result else { panic!("{result:?}") };
        assert!(finished < x.len() && matches!(*cause, Error::Array(ArrayError::Changed)), "{cause}");
        let target = array(&x);
        gpu.apply_arrays::<f32>(f, &target, &target).await.unwrap();
        assert_bits(&elements(&target), &expected(f, &x), &"afterwards");
    }
}
