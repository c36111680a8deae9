//! The GPU path for host slices: a device, and upload, dispatch and readback on it, window after window.

pub mod adapter;
pub(crate) mod error;
pub(crate) mod kernel;
mod limits;
mod objects;
#[cfg(not(target_arch = "wasm32"))]
mod poll;
mod scope;
mod slot;
pub(crate) mod wait;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex};

#[cfg(target_arch = "wasm32")]
use crate::HardSigmoid;
use crate::calls::slice_calls;
use crate::job::Job;
#[cfg(target_arch = "wasm32")]
use crate::js_arrays::Arrays;
use crate::lock::locked;
use crate::plan::check_on_gpu;
use crate::{Element, Saturation};
use adapter::AdapterKind;
use error::Error;
use kernel::Kernel;
use scope::Watch;
use slot::host::Host;
use slot::{Flight, Slot};
use wait::CallMode;

/// Staging slots of a call: while the GPU works on one, the host fills or empties another.
const SLOTS: usize = 3;

/// Runs the function over host slices on a device: upload, dispatch and readback.
///
/// Cheap to clone, and usable from several threads at once. Staging memory is bounded whatever the input: each call in
/// progress uses up to three slots of 8 to 12 MiB, which later calls reuse.
///
/// Dropping the last clone waits for the GPU if the future of a call was dropped part way.
///
/// [`guide::slices`](crate::guide::slices) explains async calls, who polls the device, and the end of a process.
#[derive(Clone, Debug)]
pub struct Gpu(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// For the async calls; none on a device of the app's. It is dropped first, so that nobody polls the device while
    /// the rest goes.
    #[cfg(not(target_arch = "wasm32"))]
    poller: Option<poll::Poller>,
    device: wgpu::Device,
    queue: wgpu::Queue,
    kernel: Kernel,
    /// Whether the queue is known to be the device's.
    #[cfg(target_arch = "wasm32")]
    owns_queue: std::sync::atomic::AtomicBool,
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
    #[cfg(not(target_arch = "wasm32"))]
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
        Self::with(device, queue, true)
    }

    /// Uses a device of yours, and its queue. Blocks until work that you have submitted to it is done, except in a
    /// browser.
    ///
    /// # Errors
    ///
    /// [`Error::MissingLimit`] if the device cannot compute, [`Error::QueueOfAnotherDevice`] if the queue is not the
    /// device's, and [`Error::Lost`] or [`Error::Poll`] if the device does not answer. In a browser, the first call
    /// finds out whose the queue is, and the queue's own device is told of it.
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, Error> {
        #[cfg(not(target_arch = "wasm32"))]
        if !poll::is_queue_of(&device, &queue)? {
            return Err(Error::QueueOfAnotherDevice);
        }
        Self::with(device, queue, false)
    }

    /// `opened` says whether this crate has opened the device.
    fn with(device: wgpu::Device, queue: wgpu::Queue, opened: bool) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            kernel: Kernel::new(&device)?,
            #[cfg(not(target_arch = "wasm32"))]
            poller: opened.then(|| poll::Poller::new(device.clone())),
            #[cfg(target_arch = "wasm32")]
            owns_queue: opened.into(),
            device,
            queue,
            idle: Mutex::default(),
        })))
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
    pub(crate) async fn execute<T: Element>(&self, job: &mut Job<'_, T>, mode: CallMode) -> Result<Saturation, Error> {
        self.run_host(job, mode).await
    }

    async fn run_host<H: Host>(&self, host: &mut H, mode: CallMode) -> Result<Saturation, Error> {
        check_on_gpu::<H::Element>().map_err(error::BindError::Plan)?;
        let mut finished = 0;
        let result = async {
            #[cfg(target_arch = "wasm32")]
            self.check_queue().await?;
            self.run_windows(host, mode, &mut finished).await
        };
        let result = result.await;
        result.map_err(|cause| Error::Interrupted { finished, cause: Box::new(cause) })
    }

    /// Checks that the queue is the device's. Otherwise a browser tells the queue's device about each error, and here
    /// all would seem well.
    #[cfg(target_arch = "wasm32")]
    async fn check_queue(&self) -> Result<(), Error> {
        use std::sync::atomic::Ordering::Relaxed;
        if self.0.owns_queue.load(Relaxed) {
            return Ok(());
        }
        let mut job = Job::saturation(HardSigmoid::ONNX, &[0.0_f32]);
        if self.run_windows(&mut job, CallMode::Async, &mut 0).await?.inside != 1 {
            return Err(Error::QueueOfAnotherDevice);
        }
        self.0.owns_queue.store(true, Relaxed);
        Ok(())
    }

    /// Windows are finished in ascending order, so that what an error leaves finished is a prefix.
    async fn run_windows<H: Host>(
        &self,
        host: &mut H,
        mode: CallMode,
        finished: &mut usize,
    ) -> Result<Saturation, Error> {
        let Inner { device, queue, kernel, .. } = &*self.0;
        let (work, len) = (host.work(), host.len());
        let window_len = slot::window_len::<H::Element>(work, &device.limits());
        let mut windows = (0..len).step_by(window_len).map(|start| start..len.min(start + window_len));
        let mut flights: VecDeque<(Range<usize>, Flight, _)> = VecDeque::with_capacity(SLOTS);
        let mut counts = Saturation::default();
        loop {
            let next = windows.next();
            if next.is_none() || flights.len() == SLOTS {
                let Some((window, flight, errors)) = flights.pop_front() else { return Ok(counts) };
                counts += self.finish(flight, errors, host, window.clone(), mode).await?;
                *finished = window.end;
            }
            if let Some(window) = next {
                let bytes = window.len() * size_of::<H::Element>();
                log::trace!("window {window:?} of {len} elements: {bytes} bytes of {}", <H::Element as Element>::NAME);
                let idle = locked(&self.0.idle).pop();
                let watch = Watch::new(device, "running a window");
                let flight = idle
                    .map_or_else(|| Slot::new(device), Ok)
                    .and_then(|slot| host.upload(window.clone(), &slot.memory, queue).map(|()| slot))
                    .and_then(|slot| slot.dispatch::<H::Element>(work, window.len(), kernel, queue));
                let errors = watch.errors();
                flights.push_back((window, flight?, errors));
            }
            mode.yield_now().await;
        }
    }

    /// Waits until the GPU is done with a window, and copies the result. `errors` are those of the device so far.
    async fn finish(
        &self,
        flight: Flight,
        errors: impl Future<Output = Result<(), Error>>,
        host: &mut impl Host,
        window: Range<usize>,
        mode: CallMode,
    ) -> Result<Saturation, Error> {
        errors.await.inspect_err(|_| self.0.kernel.forget())?;
        let flight = self.wait(flight, mode).await?;
        let (slot, counts) = flight.readback(host, window, &self.0.device)?;
        locked(&self.0.idle).push(slot);
        Ok(counts)
    }

    /// Waits until the GPU is done with a window.
    #[cfg(not(target_arch = "wasm32"))]
    async fn wait(&self, mut flight: Flight, mode: CallMode) -> Result<Flight, Error> {
        let (submission, mapped) = flight.awaited();
        match (mode, &self.0.poller) {
            (CallMode::Blocking, _) => poll::complete(&self.0.device, &submission, mapped, || true)?,
            (CallMode::Async, Some(poller)) => poller.wait(submission, mapped).await?,
            // The app polls its device.
            (CallMode::Async, None) => wait::mapped(mapped).await?,
        }
        Ok(flight)
    }

    /// Waits until the GPU is done with a window. Nobody has to poll.
    #[cfg(target_arch = "wasm32")]
    async fn wait(&self, mut flight: Flight, _: CallMode) -> Result<Flight, Error> {
        wait::mapped(flight.awaited().1).await?;
        Ok(flight)
    }

    /// [`apply`](Self::apply) from and to arrays of JavaScript, without a copy in the memory of WebAssembly. They hold
    /// the bytes of equally many elements, fewer than 2^32 bytes, and may be the same bytes.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply), and [`Error::Array`] if the arrays hold no whole elements, overlap without being the
    /// same, or are too long. It is the cause of [`Error::Interrupted`] if JavaScript transfers or resizes one during
    /// the call.
    #[cfg(target_arch = "wasm32")]
    pub async fn apply_arrays<T: Element>(
        &self,
        f: HardSigmoid,
        source: &js_sys::Uint8Array,
        target: &js_sys::Uint8Array,
    ) -> Result<(), Error> {
        self.run_arrays(&mut Arrays::<T>::new(f, source, target)?).await
    }

    #[cfg(target_arch = "wasm32")]
    pub(crate) async fn run_arrays<T: Element>(&self, arrays: &mut Arrays<'_, T>) -> Result<(), Error> {
        self.run_host(arrays, CallMode::Async).await.map(drop)
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
