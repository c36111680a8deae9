//! Error scopes: what goes wrong while objects are made is returned, and never reaches the device's own callback, whose
//! single slot is the app's.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::error::Error;

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
    let errors = [ready(validation.pop()), ready(internal.pop()), ready(memory.pop())];
    match errors.into_iter().flatten().next() {
        Some(source) => Err(Error::Device { doing, source }),
        None => Ok(value),
    }
}

fn ready(future: impl Future<Output = Option<wgpu::Error>>) -> Option<wgpu::Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(error) => error,
        Poll::Pending => None,
    }
}
