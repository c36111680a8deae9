//! PollMode for the GPU: somebody has to poll the device, and this says who.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Mutex, PoisonError, mpsc};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_intrusive::channel::shared::{OneshotReceiver, OneshotSender, oneshot_channel};

use super::error::Error;
use super::scope::now_or_never;

/// How long a mapping may take after the GPU is done.
const GRACE: Duration = Duration::from_secs(10);

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallMode {
    /// The calling thread works until it is done.
    Blocking,
    /// As a future, which leaves the thread to others after each piece of work.
    Async,
}

/// Who polls the device while a call waits for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum PollMode<'a> {
    /// The calling thread.
    Caller(&'a wgpu::Device),
    /// A thread of the crate.
    Background(&'a Poller),
    /// The app, whose device it is.
    App,
}

/// The outcome of a request to map a buffer.
pub(super) type Mapped = OneshotReceiver<Result<(), wgpu::BufferAsyncError>>;

impl PollMode<'_> {
    /// Waits until the buffers of a submission are mapped.
    pub(super) async fn wait(self, submission: wgpu::SubmissionIndex, mapped: [Mapped; 2]) -> Result<(), Error> {
        match self {
            Self::Caller(device) => complete(device, &submission, &mapped),
            // A thread that is gone drops the sender.
            Self::Background(poller) => poller.request(submission, mapped)?.receive().await.unwrap_or(Err(Error::Lost)),
            Self::App => {
                for receiver in &mapped {
                    outcome(receiver.receive().await)?;
                }
                Ok(())
            }
        }
    }
}

impl CallMode {
    /// Between two pieces of work: lets the executor do something else, unless the call blocks.
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

/// A thread that polls a device while there is something to wait for. Starts with the first request; ends, once the
/// requests are done, after the poller is dropped.
#[derive(Debug)]
pub(super) struct Poller {
    device: wgpu::Device,
    requests: Mutex<Option<mpsc::Sender<Request>>>,
}

#[derive(Debug)]
struct Request {
    submission: wgpu::SubmissionIndex,
    mapped: [Mapped; 2],
    done: OneshotSender<Result<(), Error>>,
}

impl Poller {
    pub(super) fn new(device: wgpu::Device) -> Self {
        Self { device, requests: Mutex::new(None) }
    }

    fn request(
        &self,
        submission: wgpu::SubmissionIndex,
        mapped: [Mapped; 2],
    ) -> Result<OneshotReceiver<Result<(), Error>>, Error> {
        let (done, answer) = oneshot_channel();
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match &mut *requests {
            Some(sender) => sender,
            none => none.insert(self.start()?),
        };
        sender.send(Request { submission, mapped, done }).map_err(|_| Error::Lost)?;
        Ok(answer)
    }

    fn start(&self) -> Result<mpsc::Sender<Request>, Error> {
        let (sender, requests) = mpsc::channel::<Request>();
        let device = self.device.clone();
        let work = move || {
            for Request { submission, mapped, done } in requests {
                // Nobody listens any more if the call was dropped.
                let _ = done.send(complete(&device, &submission, &mapped));
            }
        };
        std::thread::Builder::new().name("hard-sigmoid poll".into()).spawn(work).map_err(Error::Thread)?;
        Ok(sender)
    }
}

/// Polls until a submission is done, for as long as the driver says that it works on it, and its buffers are mapped.
fn complete(device: &wgpu::Device, submission: &wgpu::SubmissionIndex, mapped: &[Mapped; 2]) -> Result<(), Error> {
    let wait = || wgpu::PollType::Wait { submission_index: Some(submission.clone()), timeout: None };
    // GL waits for two seconds at most, whatever it is asked for.
    while !poll(device, wait())? {}
    let done = Instant::now();
    for receiver in mapped {
        let mut receive = pin!(receiver.receive());
        loop {
            if let Some(received) = now_or_never(receive.as_mut()) {
                outcome(received)?;
                break;
            }
            // Another thread that polls this device may have taken the callback, and is about to call it.
            if done.elapsed() > GRACE {
                return Err(Error::Lost);
            }
            poll(device, wgpu::PollType::Poll)?;
            std::thread::yield_now();
        }
    }
    Ok(())
}

fn outcome(received: Option<Result<(), wgpu::BufferAsyncError>>) -> Result<(), Error> {
    match received {
        Some(Ok(())) => Ok(()),
        Some(Err(_)) | None => Err(Error::Lost),
    }
}

/// Polls once; false if the time ran out.
///
/// wgpu panics here if the device is lost or out of memory while it waits. That is caught, so that the call ends in an
/// error; wgpu's message still goes through the panic hook, and under `panic = "abort"` it ends the process.
fn poll(device: &wgpu::Device, how: wgpu::PollType) -> Result<bool, Error> {
    match catch_unwind(AssertUnwindSafe(|| device.poll(how))) {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(wgpu::PollError::Timeout)) => Ok(false),
        Ok(Err(source)) => Err(Error::Poll(source)),
        Err(_) => Err(Error::Lost),
    }
}
