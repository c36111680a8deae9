//! What an app can share between threads, and spawn on any of them. Compiled, not run.
//!
//! In a browser, so it is with wgpu's feature `fragile-send-sync-non-atomic-wasm`: `scripts/web` compiles this, too.

use hard_sigmoid::validate::{Inputs, validate};
use hard_sigmoid::{Backend, Binding, Engine, Error, Gpu, HardSigmoid, Kernel, adapter::AdapterKind};

const F: HardSigmoid = HardSigmoid::ONNX;

const _: () = {
    const fn handle<T: Send + Sync + Clone + 'static>() {}
    handle::<Kernel>();
    handle::<Binding>();
    handle::<Gpu>();
    const fn shared<T: Send + Sync + 'static>() {}
    shared::<Engine>();
    const fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<Error>();
};

#[allow(dead_code, reason = "compiled, not run")]
fn calls_can_move_between_threads(
    gpu: &Gpu,
    kernel: &Kernel,
    buffer: &wgpu::Buffer,
    engine: &mut Engine,
    x: &[f32],
    y: &mut [f32],
) {
    fn send(_: impl Send) {}
    send(gpu.apply(F, x, y));
    send(gpu.apply_in_place(F, y));
    send(gpu.backward(F.backward(), x, x, y));
    send(gpu.saturation(F, x));
    send(validate(gpu, F, Inputs::Data(x), |_| {}));
    send(kernel.checked(|kernel| kernel.bind_in_place::<f32>(F, buffer)));
    send(engine.apply(F, x, y));
    send(Engine::open(Backend::Auto, 1));
    send(Gpu::open(AdapterKind::Any));
}

/// Calls over arrays of JavaScript, too, on a target without atomics.
#[cfg(target_arch = "wasm32")]
#[allow(dead_code, reason = "compiled, not run")]
fn calls_over_arrays_can_move_between_threads(
    gpu: &Gpu,
    engine: &mut Engine,
    array: &hard_sigmoid::js_sys::Uint8Array,
) {
    fn send(_: impl Send) {}
    send(gpu.apply_arrays::<f32>(F, array, array));
    send(engine.apply_arrays::<f32>(F, array, array));
}
