//! The GPU path for host slices: upload, dispatch and readback, window after window.

pub mod adapter;
pub(crate) mod binding;
pub(crate) mod kernel;
mod scope;
mod transfer;
mod wait;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::{Element, HardSigmoid, Kernel};
use adapter::AdapterKind;
use transfer::{Flight, Host, Slot};
use wait::{Poller, Waiting};

/// Staging slots of a call: while the GPU works on one, the host fills or empties another.
const SLOTS: usize = 3;

/// A device with what it takes to run host slices through it.
///
/// Cheap to clone, and usable from several threads at once. Staging memory is bounded whatever the input: each call
/// under way uses up to three slots of three 4 MiB buffers, which later calls use again.
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

    /// The compiled shader, through which the calls dispatch too.
    #[must_use]
    pub fn kernel(&self) -> &Kernel {
        &self.0.kernel
    }

    /// Writes the function of each element of `source` to the same place in `target`.
    ///
    /// See [`Gpu`] for who polls.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the slices differ in length, and [`Error::Bind`] for f64, with nothing written.
    /// [`Error::Interrupted`] if the device fails: it says how many elements of `target` are finished.
    pub async fn apply<T: Element>(&self, f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), Error> {
        self.run(f, Host::across(source, target)?, self.background()).await
    }

    /// [`apply`](Self::apply), polling on the calling thread until it is done.
    ///
    /// # Errors
    ///
    /// As `apply`.
    pub fn apply_blocking<T: Element>(&self, f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), Error> {
        pollster::block_on(self.run(f, Host::across(source, target)?, Waiting::Here(&self.0.device)))
    }

    /// Replaces each element of `data` by the function of it. Otherwise as [`apply`](Self::apply).
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] for f64. [`Error::Interrupted`] if the device fails: the elements that it does not count as
    /// finished still have their old values.
    pub async fn apply_in_place<T: Element>(&self, f: HardSigmoid, data: &mut [T]) -> Result<(), Error> {
        self.run(f, Host::InPlace(data), self.background()).await
    }

    /// [`apply_in_place`](Self::apply_in_place), polling on the calling thread until it is done.
    ///
    /// # Errors
    ///
    /// As `apply_in_place`.
    pub fn apply_in_place_blocking<T: Element>(&self, f: HardSigmoid, data: &mut [T]) -> Result<(), Error> {
        pollster::block_on(self.run(f, Host::InPlace(data), Waiting::Here(&self.0.device)))
    }

    fn background(&self) -> Waiting<'_> {
        self.0.poller.as_ref().map_or(Waiting::App, Waiting::Background)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run<T: Element>(&self, f: HardSigmoid, mut host: Host<'_, T>, waiting: Waiting<'_>) -> Result<(), Error> {
        Kernel::element::<T>()?;
        let mut finished = 0;
        let run = self.run_windows(f, &mut host, waiting, &mut finished).await;
        run.map_err(|cause| Error::Interrupted { finished, cause: Box::new(cause) })
    }

    /// The verbs. Windows are finished in ascending order, so that what an error leaves finished is a prefix.
    async fn run_windows<T: Element>(
        &self,
        f: HardSigmoid,
        host: &mut Host<'_, T>,
        waiting: Waiting<'_>,
        finished: &mut usize,
    ) -> Result<(), Error> {
        let mut ring: VecDeque<(Range<usize>, Flight)> = VecDeque::with_capacity(SLOTS);
        let mut windows = transfer::windows::<T>(host.len(), &self.0.device.limits());
        loop {
            let next = windows.next();
            if next.is_none() || ring.len() == SLOTS {
                let Some((window, flight)) = ring.pop_front() else { return Ok(()) };
                let slot = flight.readback(host.target(&window), waiting, &self.0).await?;
                *finished = window.end;
                self.idle().push(slot);
            }
            if let Some(window) = next {
                let idle = self.idle().pop();
                let slot = match idle {
                    Some(slot) => slot,
                    None => Slot::new(&self.0.device)?,
                };
                slot.upload(host.source(&window))?;
                let flight = slot.dispatch::<T>(f, window.len(), &self.0)?;
                ring.push_back((window, flight));
            }
        }
    }
}
