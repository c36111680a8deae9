//! Calls over arrays of JavaScript.

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Error, HardSigmoid};
use js_sys::Uint8Array;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::gpu;
use crate::numbers::{Number, assert_bits, expected, functions, numbers};

/// Several windows before small ones, which then go through memory that is mapped already.
const LENGTHS: [usize; 8] = [6_000_003, 1, 2, 5, 1021, 65_537, 0, 2_097_152];

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

#[wasm_bindgen_test]
async fn arrays_that_do_not_fit_are_refused() {
    let (gpu, f) = (gpu().await, HardSigmoid::ONNX);
    let bytes = |len: u32| Uint8Array::new_with_length(len);
    let refused = gpu.apply_arrays::<f32>(f, &bytes(8), &bytes(12)).await.unwrap_err();
    assert!(matches!(&refused, Error::Length(lengths) if (lengths.source_len, lengths.target_len) == (2, 3)));
    let refused = gpu.apply_arrays::<f32>(f, &bytes(6), &bytes(6)).await.unwrap_err();
    assert!(matches!(refused, Error::PartOfElement { bytes: 6, element: "f32" }), "{refused}");
    let refused = gpu.apply_arrays::<f64>(f, &bytes(8), &bytes(8)).await.unwrap_err();
    assert!(refused.to_string().contains("does not compute f64"), "{refused}");
}

/// The call fails, and the next one is right.
#[wasm_bindgen_test]
async fn an_array_that_is_transferred_is_noticed() {
    let (gpu, f) = (gpu().await, HardSigmoid::ONNX);
    let x = numbers::<f32>(6_000_003);
    for which in 0..2 {
        let arrays = [array(&x), array(&x)];
        let moved =
            js_sys::Function::new_with_args("array", "structuredClone(array.buffer, {transfer: [array.buffer]})");
        let call = gpu.apply_arrays::<f32>(f, &arrays[0], &arrays[1]);
        // It runs when the call first waits.
        let transfer = async { drop(moved.call1(&js_sys::Object::new(), &arrays[which]).unwrap()) };
        let (result, ()) = both(call, transfer).await;
        let Err(Error::Interrupted { finished, cause }) = result else { panic!("{result:?}") };
        assert!(finished < x.len() && matches!(*cause, Error::ArrayChanged), "{cause}");
        let target = array(&x);
        gpu.apply_arrays::<f32>(f, &target, &target).await.unwrap();
        assert_bits(&elements(&target), &expected(f, &x), &"afterwards");
    }
}

/// Runs two futures in turn.
async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(|context| {
        if first.is_none() {
            first = ready(a.as_mut().poll(context));
        }
        if second.is_none() {
            second = ready(b.as_mut().poll(context));
        }
        if first.is_some() && second.is_some() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    (first.unwrap(), second.unwrap())
}

fn ready<T>(poll: std::task::Poll<T>) -> Option<T> {
    match poll {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
