//! Waiting for the GPU: somebody has to poll the device, and this says who.

use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};

use futures_intrusive::channel::shared::OneshotReceiver;

use crate::error::Error;

/// What completes a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting<'a> {
    /// The calling thread polls.
    Here(&'a wgpu::Device),
    /// A thread of the crate polls.
    Background(&'a Poller),
    /// The app polls its device.
    App,
}

/// The outcome of a request to map a buffer.
pub(crate) type Mapped = OneshotReceiver<Result<(), wgpu::BufferAsyncError>>;

impl Waiting<'_> {
    /// Waits until the buffers of a submission are mapped.
    pub(crate) async fn wait(self, submission: wgpu::SubmissionIndex, mapped: [Mapped; 2]) -> Result<(), Error> {
        match self {
            Self::Here(device) => poll(device, submission)?,
            Self::Background(poller) => poller.request(submission)?,
            Self::App => {}
        }
        for receiver in mapped {
            match receiver.receive().await {
                Some(Ok(())) => {}
                Some(Err(_)) | None => return Err(Error::Lost),
            }
        }
        Ok(())
    }
}

/// A thread that polls a device while there is something to wait for. Starts with the first request; ends, once the
/// requests are done, after the poller is dropped.
#[derive(Debug)]
pub(crate) struct Poller {
    device: wgpu::Device,
    requests: OnceLock<mpsc::Sender<wgpu::SubmissionIndex>>,
    /// Held while the thread is started, so that only one is.
    starting: Mutex<()>,
}

impl Poller {
    pub(crate) fn new(device: wgpu::Device) -> Self {
        Self { device, requests: OnceLock::new(), starting: Mutex::new(()) }
    }

    fn request(&self, submission: wgpu::SubmissionIndex) -> Result<(), Error> {
        self.requests()?.send(submission).map_err(|_| Error::Lost)
    }

    fn requests(&self) -> Result<&mpsc::Sender<wgpu::SubmissionIndex>, Error> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(requests) = self.requests.get() {
            return Ok(requests);
        }
        let (sender, receiver) = mpsc::channel();
        let device = self.device.clone();
        std::thread::Builder::new()
            .name("hard-sigmoid poll".into())
            .spawn(move || {
                for submission in receiver {
                    if poll(&device, submission).is_err() {
                        return;
                    }
                }
            })
            .map_err(Error::Thread)?;
        Ok(self.requests.get_or_init(|| sender))
    }
}

fn poll(device: &wgpu::Device, submission: wgpu::SubmissionIndex) -> Result<(), Error> {
    match device.poll(wgpu::PollType::Wait { submission_index: Some(submission), timeout: None }) {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::Poll(source)),
    }
}
