//! Polling a device, which nobody does in a browser.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::error::Error;
use super::scope::catch_panic;
use super::wait::{Mapped, outcome};
use crate::lock::locked;

/// How long a mapping may take after its submission is done.
const GRACE: Duration = Duration::from_secs(10);

/// How long [`is_queue_of`] tries. It learns something only if its own thread is called back, and wgpu calls back on
/// whichever thread polls the device.
const QUEUE_GRACE: Duration = Duration::from_secs(1);

/// How long [`is_queue_of`] keeps another thread at most, each time. That thread may hold what a callback on this one
/// waits for.
const KEPT: Duration = Duration::from_millis(50);

/// A thread that polls a device while a call waits for it. It starts with the first request.
///
/// A process that ends unloads its drivers. It crashes if a thread is inside one meanwhile, or ends and frees what a
/// driver keeps for it. So the thread does not outlive the poller.
#[derive(Debug)]
pub(super) struct Poller {
    device: wgpu::Device,
    worker: Mutex<Option<Worker>>,
}

#[derive(Debug)]
struct Worker {
    requests: mpsc::Sender<Request>,
    thread: JoinHandle<()>,
    poller: Arc<AtomicU8>,
}

#[derive(Debug)]
struct Request {
    device: wgpu::Device,
    submission: wgpu::SubmissionIndex,
    mapped: Vec<Mapped>,
    done: oneshot::Sender<Result<(), Error>>,
}

/// What has become of the poller of a thread.
const ALIVE: u8 = 0;
/// Dropped: no call waits any more.
const DROPPED: u8 = 1;
/// Dropped by the thread itself, on which a call was woken.
const DROPPED_HERE: u8 = 2;

impl Poller {
    pub(super) fn new(device: wgpu::Device) -> Self {
        Self { device, worker: Mutex::default() }
    }

    /// Has the thread wait until a submission is done and its buffers are mapped.
    pub(super) async fn wait(&self, submission: wgpu::SubmissionIndex, mapped: Vec<Mapped>) -> Result<(), Error> {
        // The sender is dropped if the thread has ended.
        self.request(submission, mapped)?.await.unwrap_or(Err(Error::Lost))
    }

    fn request(
        &self,
        submission: wgpu::SubmissionIndex,
        mapped: Vec<Mapped>,
    ) -> Result<oneshot::Receiver<Result<(), Error>>, Error> {
        let (done, answer) = oneshot::channel();
        let mut worker = locked(&self.worker);
        let worker = match &mut *worker {
            Some(worker) => worker,
            none => none.insert(Worker::start()?),
        };
        let request = Request { device: self.device.clone(), submission, mapped, done };
        worker.requests.send(request).map_err(|_| Error::Lost)?;
        Ok(answer)
    }
}

impl Drop for Poller {
    /// Waits for the thread, and so at most for the submission that the thread waits for.
    fn drop(&mut self) {
        let worker = self.worker.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Worker { requests, thread, poller }) = worker else { return };
        let is_here = thread.thread().id() == std::thread::current().id();
        poller.store(if is_here { DROPPED_HERE } else { DROPPED }, Ordering::Relaxed);
        drop(requests);
        if !is_here {
            // It does not panic: panics of polls and of wakers are caught.
            let _ = thread.join();
        }
    }
}

impl Worker {
    fn start() -> Result<Self, Error> {
        let (requests, received) = mpsc::channel();
        let poller = Arc::new(AtomicU8::new(ALIVE));
        let state = poller.clone();
        let work = move || serve(received, &state);
        let thread = std::thread::Builder::new().name("hard-sigmoid poll".into()).spawn(work).map_err(Error::Thread)?;
        Ok(Self { requests, thread, poller })
    }
}

fn serve(requests: mpsc::Receiver<Request>, poller: &AtomicU8) {
    for Request { device, submission, mapped, done } in requests {
        if poller.load(Ordering::Relaxed) != ALIVE {
            continue;
        }
        let result = complete(&device, &submission, mapped, || poller.load(Ordering::Relaxed) == ALIVE);
        // The answer may wake a task that drops the last `Gpu`. Then this must not be the last of the device.
        drop(device);
        // The receiver is gone if the call was dropped. A waker of the app's that panics must not end this thread.
        let _ = catch_panic("waking a call", || done.send(result));
    }
    while poller.load(Ordering::Relaxed) == DROPPED_HERE {
        // Nobody waits for this thread, so that it must not end, either.
        std::thread::park();
    }
}

/// Polls until a submission is done, with no time limit, and then until its buffers are mapped. Gives up between polls
/// when that is no longer wanted.
pub(super) fn complete(
    device: &wgpu::Device,
    submission: &wgpu::SubmissionIndex,
    mapped: Vec<Mapped>,
    is_wanted: impl Fn() -> bool,
) -> Result<(), Error> {
    let wait = || wgpu::PollType::Wait { submission_index: Some(submission.clone()), timeout: None };
    // On GL, each wait times out after two seconds at most.
    while !poll(device, wait())? {
        if !is_wanted() {
            return Err(Error::Lost);
        }
    }
    let done = Instant::now();
    for mut receiver in mapped {
        while receiver.try_recv().map_err(|_| Error::Lost)?.map(outcome).transpose()?.is_none() {
            // Another thread that polls this device may have taken the callback but not called it yet.
            if done.elapsed() > GRACE || !is_wanted() {
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
/// Such a thread is kept in the call, so that it does not take the next one, too.
pub(super) fn is_queue_of(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<bool, Error> {
    let (called, caller) = (Arc::new(AtomicBool::new(false)), std::thread::current().id());
    let started = Instant::now();
    let mut kept = Vec::new();
    loop {
        let (here, (keep, released)) = (called.clone(), mpsc::channel::<()>());
        kept.push(keep);
        queue.on_submitted_work_done(move || {
            if std::thread::current().id() == caller {
                here.store(true, Ordering::Relaxed);
            } else {
                let _ = released.recv_timeout(KEPT);
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
