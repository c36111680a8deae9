//! The GPU path for host slices: a device, and upload, dispatch and readback on it, window after window. The calls are
//! in gpu/calls.rs.

pub mod adapter;
pub(crate) mod arguments;
mod bind;
pub(crate) mod binding;
mod calls;
pub(crate) mod kernel;
mod scope;
mod transfer;
mod wait;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::{Element, Kernel, Saturation};
use adapter::AdapterKind;
use transfer::{Flight, Job, Slot};
use wait::{Poller, Waiting};

/// Staging slots of a call: while the GPU works on one, the host fills or empties another.
const SLOTS: usize = 3;

/// A device with what it takes to run host slices through it.
///
/// Cheap to clone, and usable from several threads at once. Staging memory is bounded whatever the input: each call
/// under way uses up to three slots of 8 to 12 MiB, which later calls use again.
///
/// # Who polls
///
/// A GPU reports that it is done only when somebody polls its device. The `*_blocking` calls poll on the calling
/// thread. The async ones, on a device that this crate [opened](Self::open), are completed by a thread of the crate,
/// which starts with the first such call and ends with the last clone of the `Gpu`. On an app's device
/// ([`new`](Self::new)) the async calls make progress only while the app polls it: `device.poll` in its frame loop or
/// on a thread of its own.
#[derive(Clone, Debug)]
pub struct Gpu(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    kernel: Kernel,
    /// For the async calls; none on an app's device.
    poller: Option<Poller>,
    /// Slots that no call uses at present.
    idle: Mutex<Vec<Slot>>,
}

impl Gpu {
    /// Opens a device on the best adapter of `kind`: hardware before software, and among those that `WGPU_BACKEND` and
    /// `WGPU_ADAPTER_NAME` (a part of the name) leave.
    ///
    /// # Errors
    ///
    /// [`Error::NoAdapter`] names the adapters there are; [`Error::Open`] if the chosen one gives no device.
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

    /// Opens a device on `adapter`, one of [`adapter::adapters`], say.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if the adapter gives no device, and as [`Kernel::new`].
    pub async fn open_adapter(adapter: &wgpu::Adapter) -> Result<Self, Error> {
        let (device, queue) = adapter::open(adapter).await?;
        let poller = Poller::new(device.clone());
        Self::with_poller(device, queue, Some(poller))
    }

    /// Uses a device of the app's.
    ///
    /// # Errors
    ///
    /// As [`Kernel::new`].
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, Error> {
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

    /// The queue that the calls submit to.
    #[must_use]
    pub fn queue(&self) -> &wgpu::Queue {
        &self.0.queue
    }

    /// What the calls dispatch through, too.
    #[must_use]
    pub fn kernel(&self) -> &Kernel {
        &self.0.kernel
    }

    fn background(&self) -> Waiting<'_> {
        self.0.poller.as_ref().map_or(Waiting::App, Waiting::Background)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts, if that is the work, and zeros otherwise.
    async fn run<T: Element>(&self, mut job: Job<'_, T>, waiting: Waiting<'_>) -> Result<Saturation, Error> {
        Kernel::element::<T>()?;
        let mut finished = 0;
        let run = self.run_windows(&mut job, waiting, &mut finished).await;
        run.map_err(|cause| Error::Interrupted { finished, cause: Box::new(cause) })
    }

    /// The verbs. Windows are finished in ascending order, so that what an error leaves finished is a prefix.
    async fn run_windows<T: Element>(
        &self,
        job: &mut Job<'_, T>,
        waiting: Waiting<'_>,
        finished: &mut usize,
    ) -> Result<Saturation, Error> {
        let mut ring: VecDeque<(Range<usize>, Flight)> = VecDeque::with_capacity(SLOTS);
        let mut windows = job.windows(&self.0.device.limits());
        let mut counts = Saturation::default();
        loop {
            let next = windows.next();
            if next.is_none() || ring.len() == SLOTS {
                let Some((window, flight)) = ring.pop_front() else { return Ok(counts) };
                let slot = flight.readback(job, &window, &mut counts, waiting, &self.0).await?;
                *finished = window.end;
                self.idle().push(slot);
            }
            if let Some(window) = next {
                let idle = self.idle().pop();
                let slot = match idle {
                    Some(slot) => slot,
                    None => Slot::new(&self.0.device)?,
                };
                slot.upload(job, &window)?;
                let flight = slot.dispatch::<T>(job.work, window.len(), &self.0)?;
                ring.push_back((window, flight));
            }
        }
    }
}
