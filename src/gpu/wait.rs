//! Waiting for the GPU, during which somebody has to poll the device, except in a browser.

use std::ops::Range;
use std::task::Poll;

use futures_channel::oneshot;

use super::error::Error;

/// Whether a call blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallMode {
    /// The call blocks the calling thread until it is done.
    Blocking,
    /// The call is a future that yields to the executor after each piece of work.
    Async,
}

impl CallMode {
    /// Yields to the executor once, unless the call blocks.
    pub(crate) async fn yield_now(self) {
        let mut done = self == Self::Blocking;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut done, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Receives the result of a request to map a buffer.
pub(super) type Mapped = oneshot::Receiver<MapResult>;

pub(super) type MapResult = Result<(), wgpu::BufferAsyncError>;

/// Requests that a range of a buffer be mapped.
pub(super) fn map(buffer: &wgpu::Buffer, mode: wgpu::MapMode, range: Range<u64>) -> Mapped {
    let (sender, receiver) = oneshot::channel();
    buffer.map_async(mode, range, move |result| {
        // Nobody listens any more if the call was dropped.
        let _ = sender.send(result);
    });
    receiver
}

/// Waits until buffers are mapped, while somebody else polls the device.
pub(super) async fn mapped(buffers: Vec<Mapped>) -> Result<(), Error> {
    for receiver in buffers {
        outcome(receiver.await.map_err(|_| Error::Lost)?)?;
    }
    Ok(())
}

pub(super) fn outcome(received: MapResult) -> Result<(), Error> {
    received.map_err(|_| Error::Lost)
}
