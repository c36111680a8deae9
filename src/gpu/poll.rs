//! Polling a device, which nobody does in a browser.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_intrusive::channel::shared::{OneshotReceiver, OneshotSender, oneshot_channel};

use super::error::Error;
use super::scope::catch_panic;
use super::wait::{Mapped, outcome};

/// How long a mapping may take after its submission is done.
const GRACE: Duration = Duration::from_secs(10);

/// How long to try to be the thread that polls the device when a callback of the queue is due.
const QUEUE_GRACE: Duration = Duration::from_secs(1);

/// A thread that polls a device while a call waits for it. It starts with the first request. After the poller is
/// dropped, it finishes the remaining requests and ends.
#[derive(Debug)]
pub(super) struct Poller {
    device: wgpu::Device,
    requests: Mutex<Option<mpsc::Sender<Request>>>,
}

#[derive(Debug)]
struct Request {
    submission: wgpu::SubmissionIndex,
    mapped: Vec<Mapped>,
    done: OneshotSender<Result<(), Error>>,
}

impl Poller {
    pub(super) fn new(device: wgpu::Device) -> Self {
        Self { device, requests: Mutex::new(None) }
    }

    /// Has the thread wait until a submission is done and its buffers are mapped.
    pub(super) async fn wait(&self, submission: wgpu::SubmissionIndex, mapped: Vec<Mapped>) -> Result<(), Error> {
        // The sender is dropped if the thread has ended.
        self.request(submission, mapped)?.receive().await.unwrap_or(Err(Error::Lost))
    }

    fn request(
        &self,
        submission: wgpu::SubmissionIndex,
        mapped: Vec<Mapped>,
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
                // The receiver is gone if the call was dropped.
                let _ = done.send(complete(&device, &submission, &mapped));
            }
        };
        std::thread::Builder::new().name("hard-sigmoid poll".into()).spawn(work).map_err(Error::Thread)?;
        Ok(sender)
    }
}

/// Polls until a submission is done, with no time limit, and then until its buffers are mapped.
pub(super) fn complete(
    device: &wgpu::Device,
    submission: &wgpu::SubmissionIndex,
    mapped: &[Mapped],
) -> Result<(), Error> {
    let wait = || wgpu::PollType::Wait { submission_index: Some(submission.clone()), timeout: None };
    // On GL, each wait times out after two seconds at most.
    while !poll(device, wait())? {}
    let done = Instant::now();
    for receiver in mapped {
        let mut receive = pin!(receiver.receive());
        loop {
            if let Some(received) = now_or_never(receive.as_mut()) {
                outcome(received)?;
                break;
            }
            // Another thread that polls this device may have taken the callback but not called it yet.
            if done.elapsed() > GRACE {
                return Err(Error::Lost);
            }
            poll(device, wgpu::PollType::Poll)?;
            std::thread::yield_now();
        }
    }
    Ok(())
}

/// Whether a queue is the device's: only then does polling the device call what waits for the queue. Waits for work
/// that is in the queue.
///
/// A call on another thread proves nothing, because that thread may be polling another device, whose queue this is.
pub(super) fn is_queue_of(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<bool, Error> {
    let (called, caller) = (Arc::new(AtomicBool::new(false)), std::thread::current().id());
    let started = Instant::now();
    loop {
        let here = called.clone();
        queue.on_submitted_work_done(move || {
            if std::thread::current().id() == caller {
                here.store(true, Ordering::Relaxed);
            }
        });
        while !poll(device, wgpu::PollType::wait_indefinitely())? {}
        if called.load(Ordering::Relaxed) {
            return Ok(true);
        }
        if started.elapsed() > QUEUE_GRACE {
            return Ok(false);
        }
        // Another thread was faster to poll the device, or the queue is not the device's.
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Polls once. Returns false on a timeout.
///
/// wgpu panics if the device is lost or runs out of memory during the wait.
fn poll(device: &wgpu::Device, how: wgpu::PollType) -> Result<bool, Error> {
    match catch_panic("polling", || device.poll(how)) {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(wgpu::PollError::Timeout)) => Ok(false),
        Ok(Err(source)) => Err(Error::Poll(source)),
        Err(_) => Err(Error::Lost),
    }
}

/// Polls a future once and returns its value if it is ready.
pub(super) fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
