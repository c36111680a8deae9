//! Error scopes: what goes wrong while objects are made is returned, and never reaches the device's own callback, whose
//! single slot is the app's.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::error::Error;

/// Runs `create` and returns what it made, or the first error that the device raised meanwhile.
///
/// On native backends the scopes resolve at once. In a browser they resolve later, and an error that the checks before
/// `create` have not caught shows up in what is done with the object.
pub(crate) fn scoped<T>(device: &wgpu::Device, doing: &'static str, create: impl FnOnce() -> T) -> Result<T, Error> {
    let scopes = [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation]
        .map(|filter| device.push_error_scope(filter));
    let value = create();
    // Scopes are a stack: popped last to first.
    let [memory, internal, validation] = scopes;
    let errors = [validation.pop(), internal.pop(), memory.pop()].map(now_or_never);
    match errors.into_iter().flatten().flatten().next() {
        Some(source) => Err(Error::Device { doing, source }),
        None => Ok(value),
    }
}

/// What a future has to say at once.
pub(crate) fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
