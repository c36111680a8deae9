//! Compiled with wgpu's feature that makes its objects `Send` in a browser.

#[cfg(feature = "send")]
#[path = "../suite/threads.rs"]
mod threads;

/// Those over arrays of JavaScript, too, on a target without atomics.
#[cfg(feature = "send")]
pub fn calls_over_arrays_can_move_between_threads(
    gpu: &hard_sigmoid::Gpu,
    engine: &mut hard_sigmoid::Engine,
    array: &hard_sigmoid::js_sys::Uint8Array,
) {
    fn send(_: impl Send) {}
    send(gpu.apply_arrays::<f32>(hard_sigmoid::HardSigmoid::ONNX, array, array));
    send(engine.apply_arrays::<f32>(hard_sigmoid::HardSigmoid::ONNX, array, array));
}
