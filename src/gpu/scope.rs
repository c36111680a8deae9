//! Error scopes. They return errors in creating objects to the caller, so that these do not reach the device's error
//! callback, which belongs to the app.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::error::Error;

/// Runs `create` and returns its value, or the first error that the device raised meanwhile.
///
/// Scopes resolve immediately on native backends. In a browser they resolve later, and this returns the value even if
/// there was an error. The error then shows when the object is used.
pub(crate) fn scoped<T>(device: &wgpu::Device, doing: &'static str, create: impl FnOnce() -> T) -> Result<T, Error> {
    let scopes = [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation]
        .map(|filter| device.push_error_scope(filter));
    let value = create();
    // Scopes form a stack and must be popped in reverse order.
    let [memory, internal, validation] = scopes;
    let errors = [validation.pop(), internal.pop(), memory.pop()].map(now_or_never);
    match errors.into_iter().flatten().flatten().next() {
        Some(source) => Err(Error::Device { doing, source }),
        None => Ok(value),
    }
}

/// Polls a future once and returns its value if it is ready.
pub(crate) fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
