//! The GPU path for host slices: a device, and upload, dispatch and readback on it, window after window.

pub mod adapter;
pub(crate) mod error;
pub(crate) mod kernel;
mod objects;
mod slot;
pub(crate) mod wait;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::calls::slice_calls;
use crate::job::Job;
use crate::{Backward, Element, HardSigmoid, Saturation};
use adapter::AdapterKind;
use error::Error;
use kernel::Kernel;
use slot::{Flight, Slot};
use wait::{CallMode, PollMode, Poller};

/// Staging slots of a call: while the GPU works on one, the host fills or empties another.
const SLOTS: usize = 3;

/// Runs the function over host slices on a device: upload, dispatch and readback.
///
/// Cheap to clone, and usable from several threads at once. Staging memory is bounded whatever the input: each call in
/// progress uses up to three slots of 8 to 12 MiB, which later calls reuse.
///
#[doc = include_str!("../docs/slices.md")]
#[derive(Clone, Debug)]
pub struct Gpu(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    kernel: Kernel,
    /// For the async calls; none on a device of the app's.
    poller: Option<Poller>,
    /// Slots that no call is using.
    idle: Mutex<Vec<Slot>>,
}

impl Gpu {
    /// Opens a device on the best adapter of `kind`: hardware before software.
    ///
    /// The environment variables `WGPU_BACKEND` and `WGPU_ADAPTER_NAME` (a part of the name) narrow the choice.
    ///
    /// # Errors
    ///
    /// [`Error::NoAdapter`] if there is none, [`Error::UnknownBackend`] if `WGPU_BACKEND` has an unknown word, and
    /// [`Error::Open`] if the chosen adapter gives no device.
    pub async fn open(kind: AdapterKind) -> Result<Self, Error> {
        Self::open_adapter(&adapter::find(kind, None).await?).await
    }

    /// [`open`](Self::open), blocking.
    ///
    /// # Errors
    ///
    /// As `open`.
    pub fn open_blocking(kind: AdapterKind) -> Result<Self, Error> {
        pollster::block_on(Self::open(kind))
    }

    /// Opens a device on `adapter`, for example one of [`adapter::enumerate`].
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if the adapter gives no device, and [`Error::MissingLimit`] if the device cannot compute.
    pub async fn open_adapter(adapter: &wgpu::Adapter) -> Result<Self, Error> {
        let (device, queue) = adapter::open(adapter).await?;
        let poller = Poller::new(device.clone());
        Self::with_poller(device, queue, Some(poller))
    }

    /// Uses a device of yours, and its queue. Blocks until work that you have submitted to it is done.
    ///
    /// # Errors
    ///
    /// [`Error::MissingLimit`] if the device cannot compute, [`Error::QueueOfAnotherDevice`] if the queue is not the
    /// device's, and [`Error::Lost`] or [`Error::Poll`] if the device does not answer.
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, Error> {
        if !wait::is_queue_of(&device, &queue)? {
            return Err(Error::QueueOfAnotherDevice);
        }
        Self::with_poller(device, queue, None)
    }

    fn with_poller(device: wgpu::Device, queue: wgpu::Queue, poller: Option<Poller>) -> Result<Self, Error> {
        let kernel = Kernel::new(&device)?;
        Ok(Self(Arc::new(Inner { device, queue, kernel, poller, idle: Mutex::default() })))
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    /// The queue to which the calls submit.
    #[must_use]
    pub fn queue(&self) -> &wgpu::Queue {
        &self.0.queue
    }

    /// The kernel through which the calls dispatch.
    ///
    /// It binds buffers of [`device`](Self::device) only. [`open`](Self::open) makes a `wgpu::Instance` of its own, so
    /// that an app's buffers are not of that device: [make a `Gpu`](Self::new) or a [`Kernel`] from the app's device
    /// instead.
    #[must_use]
    pub fn kernel(&self) -> &Kernel {
        &self.0.kernel
    }

    /// Runs a job. The counts are zeros if it does not count.
    pub(crate) async fn run<T: Element>(&self, job: &mut Job<'_, T>, mode: CallMode) -> Result<Saturation, Error> {
        Kernel::check_element::<T>()?;
        let mut finished = 0;
        let result = self.run_windows(job, mode, &mut finished).await;
        result.map_err(|cause| Error::Interrupted { finished, cause: Box::new(cause) })
    }

    /// Windows are finished in ascending order, so that what an error leaves finished is a prefix.
    async fn run_windows<T: Element>(
        &self,
        job: &mut Job<'_, T>,
        mode: CallMode,
        finished: &mut usize,
    ) -> Result<Saturation, Error> {
        let Inner { device, queue, kernel, .. } = &*self.0;
        let (work, len, window_len) = (job.work, job.len(), slot::window_len::<T>(job.work, &device.limits()));
        let mut windows = (0..len).step_by(window_len).map(|start| start..len.min(start + window_len));
        let mut flights: VecDeque<(Range<usize>, Flight)> = VecDeque::with_capacity(SLOTS);
        let mut counts = Saturation::default();
        loop {
            let next = windows.next();
            if next.is_none() || flights.len() == SLOTS {
                let Some((window, flight)) = flights.pop_front() else { return Ok(counts) };
                let (slot, counted) = flight.readback(job.part(window.clone()), self.poll_mode(mode), device).await?;
                counts += counted;
                *finished = window.end;
                self.idle().push(slot);
            }
            if let Some(window) = next {
                let idle = self.idle().pop();
                let slot = idle.map_or_else(|| Slot::new(device), Ok)?;
                slot.upload(&job.part(window.clone()))?;
                let flight = slot.dispatch::<T>(work, window.len(), kernel, queue)?;
                flights.push_back((window, flight));
            }
            mode.yield_now().await;
        }
    }

    fn poll_mode(&self, mode: CallMode) -> PollMode<'_> {
        match (mode, &self.0.poller) {
            (CallMode::Blocking, _) => PollMode::Caller(&self.0.device),
            (CallMode::Async, Some(poller)) => PollMode::Background(poller),
            (CallMode::Async, None) => PollMode::App,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

slice_calls! {
    /// # Calls over host slices
    ///
    /// # Errors of every call
    ///
    /// * [`Error::Length`] if the slices differ in length, and [`Error::Bind`] for f64. Nothing was written.
    /// * [`Error::Interrupted`] if the device fails. It says how many elements of the target are finished; the others
    ///   are as they were.
    Gpu, self: &self
}
