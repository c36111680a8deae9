//! Error scopes: what the device refuses is returned as an error, and never reaches the device's error callback, which
//! belongs to the app.
//!
//! On native backends a scope resolves immediately, so that there are scopes around each creation of an object. In a
//! browser a scope resolves later, so that there are scopes around all that a call does before it waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(not(target_arch = "wasm32"))]
use std::pin::pin;
#[cfg(not(target_arch = "wasm32"))]
use std::task::{Context, Poll, Waker};

use super::error::{Error, one_line};

/// The error scopes of all kinds. Scopes form a stack, and these are dropped in reverse order.
///
/// In a browser, there is none for internal errors, on which wgpu 30 panics. What could not be made for such a reason
/// is then refused where it is used, which is a validation error.
struct Scopes {
    validation: wgpu::ErrorScopeGuard,
    #[cfg(not(target_arch = "wasm32"))]
    internal: wgpu::ErrorScopeGuard,
    memory: wgpu::ErrorScopeGuard,
}

impl Scopes {
    fn push(device: &wgpu::Device) -> Self {
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        #[cfg(not(target_arch = "wasm32"))]
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        Self {
            validation: device.push_error_scope(wgpu::ErrorFilter::Validation),
            #[cfg(not(target_arch = "wasm32"))]
            internal,
            memory,
        }
    }

    /// What the scopes find. An object that could not be made for want of memory is invalid where it is used, so that
    /// memory comes first.
    #[cfg(target_arch = "wasm32")]
    fn pop(self) -> [impl Future<Output = Option<wgpu::Error>>; 2] {
        let validation = self.validation.pop();
        [self.memory.pop(), validation]
    }

    /// What the scopes find.
    #[cfg(not(target_arch = "wasm32"))]
    fn pop(self) -> [impl Future<Output = Option<wgpu::Error>>; 3] {
        [self.validation.pop(), self.internal.pop(), self.memory.pop()]
    }
}

/// Runs `create` in error scopes and returns its value, or the first error that the device raised meanwhile.
///
/// wgpu panics if an object comes from another `wgpu::Instance` and its number is not in use in this one. The panic is
/// caught, too.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn scoped<T>(device: &wgpu::Device, doing: &'static str, create: impl FnOnce() -> T) -> Result<T, Error> {
    let scopes = Scopes::push(device);
    let value = catch_panic(doing, create);
    match scopes.pop().into_iter().filter_map(now_or_never).flatten().next() {
        Some(source) => Err(Error::Device { doing, source }),
        None => value,
    }
}

/// Polls a future once and returns its value if it is ready.
#[cfg(not(target_arch = "wasm32"))]
fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Runs `create` in the error scopes of a [`Watch`].
#[cfg(target_arch = "wasm32")]
pub(super) fn scoped<T>(_: &wgpu::Device, doing: &'static str, create: impl FnOnce() -> T) -> Result<T, Error> {
    catch_panic(doing, create)
}

/// Finds the errors that [`scoped`] leaves to a browser.
pub(super) struct Watch {
    #[cfg(target_arch = "wasm32")]
    scopes: Scopes,
    #[cfg(target_arch = "wasm32")]
    doing: &'static str,
}

#[cfg(not(target_arch = "wasm32"))]
impl Watch {
    pub(super) fn new(_: &wgpu::Device, _: &'static str) -> Self {
        Self {}
    }

    /// The first error that the device raised since the watch began.
    pub(super) fn errors(self) -> impl Future<Output = Result<(), Error>> {
        std::future::ready(Ok(()))
    }
}

#[cfg(target_arch = "wasm32")]
impl Watch {
    pub(super) fn new(device: &wgpu::Device, doing: &'static str) -> Self {
        Self { scopes: Scopes::push(device), doing }
    }

    /// The first error that the device raised since the watch began. The watch ends at once, not when the future is
    /// polled.
    pub(super) fn errors(self) -> impl Future<Output = Result<(), Error>> {
        let (errors, doing) = (self.scopes.pop(), self.doing);
        async move {
            for error in errors {
                if let Some(source) = error.await {
                    return Err(Error::Device { doing, source });
                }
            }
            Ok(())
        }
    }
}

/// Turns a panic of wgpu into an error. Its message still reaches the panic hook, and with `panic = "abort"`, as in a
/// browser, it ends the process.
pub(super) fn catch_panic<T>(doing: &'static str, call: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Error::Panicked { doing, message: one_line(message) }
    })
}
