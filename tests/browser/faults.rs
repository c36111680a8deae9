//! What a device refuses is an error, never a wrong result, and no error scope or callback of the app's notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hard_sigmoid::wgpu;
use hard_sigmoid::{Error, Gpu, HardSigmoid, Kernel};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::kernel::App;
use crate::numbers::{Number, assert_bits, expected, numbers};

const F: HardSigmoid = HardSigmoid::ONNX;

/// Replaces a method of `GPUDevice` while it lives, as a faulty driver would.
struct Fault(&'static str);

impl Fault {
    fn new(method: &'static str, body: &str) -> Self {
        let script = format!(
            "globalThis.kept_{method} = GPUDevice.prototype.{method};
            GPUDevice.prototype.{method} = function (descriptor) {{ {body} }};"
        );
        js_sys::eval(&script).unwrap();
        Self(method)
    }

    fn broken_shader() -> Self {
        Self::new(
            "createShaderModule",
            "return kept_createShaderModule.call(this, {...descriptor, code: descriptor.code + 'broken on purpose'});",
        )
    }

    fn no_memory() -> Self {
        // Want of memory, and what follows from it.
        let body = "globalThis.pops = 1 - (globalThis.pops ?? 0);
            const error = pops ? new GPUValidationError('invalid') : new GPUOutOfMemoryError('none');
            return kept_popErrorScope.call(this).then(() => error);";
        Self::new("popErrorScope", body)
    }

    fn too_large() -> Self {
        // More bytes than any device has. Mapped buffers are as they were.
        let body = "const size = descriptor.mappedAtCreation ? descriptor.size : 2 ** 52;
            return kept_createBuffer.call(this, {...descriptor, size});";
        Self::new("createBuffer", body)
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        let method = self.0;
        js_sys::eval(&format!("GPUDevice.prototype.{method} = globalThis.kept_{method};")).unwrap();
    }
}

/// Runs `call` within the app's own error scopes, and with its callback; neither may notice an error.
async fn unnoticed<T>(app: &App, call: impl Future<Output = T>) -> T {
    let seen = Arc::new(AtomicBool::new(false));
    let noticed = seen.clone();
    app.device.on_uncaptured_error(Arc::new(move |_| noticed.store(true, Ordering::Relaxed)));
    let scope = app.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let result = call.await;
    assert!(scope.pop().await.is_none());
    assert!(!seen.load(Ordering::Relaxed));
    result
}

#[wasm_bindgen_test]
async fn a_shader_that_is_refused() {
    let app = App::new().await;
    let gpu = Gpu::new(app.device.clone(), app.queue.clone()).unwrap();
    let x = numbers::<f32>(100_000);
    let mut y = vec![f32::WRONG; x.len()];
    let fault = Fault::broken_shader();
    for _ in 0..2 {
        let error = unnoticed(&app, gpu.apply(F, &x, &mut y)).await.unwrap_err();
        let Error::Interrupted { finished: 0, cause } = error else { panic!("{error}") };
        assert!(matches!(*cause, Error::Device { .. }), "{cause}");
        assert!(cause.to_string().contains("shader") || cause.to_string().contains("broken"), "{cause}");
        assert_bits(&y, &vec![f32::WRONG; x.len()], &"untouched");
        let error = unnoticed(&app, gpu.saturation(F, &x)).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { finished: 0, .. }), "{error}");
    }
    let kernel = Kernel::new(&app.device).unwrap();
    let buffer = app.buffer(bytemuck::cast_slice(&x));
    for _ in 0..2 {
        let bound = unnoticed(&app, kernel.checked(|kernel| kernel.bind_in_place::<f32>(F, &buffer))).await;
        assert!(matches!(bound, Err(Error::Device { .. })));
    }
    // What another call has compiled is refused, too.
    let scope = app.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let _refused = kernel.bind_in_place::<f32>(F, &buffer).unwrap();
    assert!(scope.pop().await.is_some());
    let first = kernel.checked(|kernel| kernel.bind_in_place::<f32>(F, &buffer));
    let second = kernel.checked(|kernel| kernel.bind_in_place::<f32>(F, &buffer));
    let (first, second) = (unnoticed(&app, first).await, unnoticed(&app, second).await);
    assert!(matches!(first, Err(Error::Device { .. })) && matches!(second, Err(Error::Device { .. })));
    // Nothing refused is kept.
    drop(fault);
    gpu.apply(F, &x, &mut y).await.unwrap();
    assert_bits(&y, &expected(F, &x), &"afterwards");
    let _binding = kernel.checked(|kernel| kernel.bind_in_place::<f32>(F, &buffer)).await.unwrap();
}

#[wasm_bindgen_test]
async fn memory_that_is_refused() {
    let app = App::new().await;
    let gpu = Gpu::new(app.device.clone(), app.queue.clone()).unwrap();
    let (x, mut y) = (numbers::<f32>(1000), vec![f32::WRONG; 1000]);
    for (fault, is_expected) in [
        (Fault::no_memory(), (|source| matches!(source, wgpu::Error::OutOfMemory { .. })) as fn(&wgpu::Error) -> bool),
        (Fault::too_large(), |source| matches!(source, wgpu::Error::Validation { .. })),
    ] {
        let error = gpu.apply(F, &x, &mut y).await.unwrap_err();
        let Error::Interrupted { finished: 0, cause } = error else { panic!("{error}") };
        assert!(matches!(&*cause, Error::Device { source, .. } if is_expected(source)), "{cause}");
        assert_bits(&y, &vec![f32::WRONG; x.len()], &"untouched");
        drop(fault);
    }
    gpu.apply(F, &x, &mut y).await.unwrap();
    assert_bits(&y, &expected(F, &x), &"afterwards");
}

#[wasm_bindgen_test]
async fn a_device_that_is_lost() {
    let app = App::new().await;
    let gpu = Gpu::new(app.device.clone(), app.queue.clone()).unwrap();
    let x = numbers::<f32>(6_000_000);
    let mut y = vec![f32::WRONG; x.len()];
    gpu.apply(F, &x[..1000], &mut y[..1000]).await.unwrap();
    y.fill(f32::WRONG);
    let mut call = Box::pin(gpu.apply(F, &x, &mut y));
    // In the middle of the call.
    for _ in 0..3 {
        let waker = std::task::Waker::noop();
        assert!(call.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    app.device.destroy();
    let error = call.await.unwrap_err();
    let Error::Interrupted { finished, cause } = error else { panic!("{error}") };
    assert!(matches!(*cause, Error::Lost | Error::Device { .. } | Error::Map(_)), "{cause}");
    assert_bits(&y[..finished], &expected(F, &x[..finished]), &"finished");
    assert_bits(&y[finished..], &vec![f32::WRONG; x.len() - finished], &"the rest");
    let error = gpu.apply(F, &x, &mut y).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { finished: 0, .. }), "{error}");
}

#[wasm_bindgen_test]
async fn buffers_that_are_refused() {
    let (app, other) = (App::new().await, App::new().await);
    let kernel = Kernel::new(&app.device).unwrap();
    let foreign = other.buffer(&[0; 4096]);
    let bound = unnoticed(&app, kernel.checked(|kernel| kernel.bind_in_place::<f32>(F, &foreign))).await;
    assert!(matches!(bound, Err(Error::Device { .. })));

    // Too large a buffer is refused to the app, and binding it to the crate.
    let scope = app.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let large = app.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 1 << 40,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    assert!(scope.pop().await.is_some());
    let bound = unnoticed(&app, kernel.checked(|kernel| kernel.bind_in_place::<f32>(F, (&large, ..1000)))).await;
    assert!(matches!(bound, Err(Error::Device { .. })));

    let queue_of_another = Gpu::new(app.device.clone(), other.queue.clone()).unwrap();
    // The browser tells the device of the queue.
    other.device.on_uncaptured_error(Arc::new(|_| ()));
    let mut y = [0.0_f32; 10];
    let error = unnoticed(&app, queue_of_another.apply_in_place(F, &mut y)).await.unwrap_err();
    let Error::Interrupted { finished: 0, cause } = error else { panic!("{error}") };
    assert!(matches!(*cause, Error::QueueOfAnotherDevice), "{cause}");
    assert_eq!(y, [0.0; 10]);
}
