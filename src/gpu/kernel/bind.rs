//! What an app binds: the function, its backward pass, and counting.

use super::Kernel;
use super::arguments::{BufferBlock, BufferRange, ParamSource};
use super::binding::Binding;
use crate::gpu::error::Error;
use crate::job::Work;
use crate::plan::Recipe;
use crate::{Backward, Element};

/// # Errors of every `bind` method
///
/// * [`Error::Bind`] for f64, if a buffer lacks its usage, or if ranges differ in length, leave their buffer, or
///   overlap without being the same range. Also if the device refuses a buffer, which may be destroyed or another
///   device's.
/// * [`Error::Device`] if the device refuses anything else, and [`Error::Map`] if it is lost.
impl Kernel {
    /// Binds a function to a source and a target with the same number of elements of type `T`.
    ///
    /// The ranges are in one buffer or in two. The same range twice is in place.
    ///
    /// ```no_run
    /// # fn app(kernel: &hard_sigmoid::Kernel, x: &wgpu::Buffer, y: &wgpu::Buffer) -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::{HardSigmoid, half::f16};
    ///
    /// let all = kernel.bind::<f32>(HardSigmoid::ONNX, x, y)?;
    /// // 1,000 f16 from element 3 on, to the beginning of y.
    /// let some = kernel.bind::<f16>(HardSigmoid::ONNX, (x, 3..1003), (y, ..1000))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind<'a, T: Element>(
        &self,
        f: impl Into<ParamSource<'a>>,
        source: impl Into<BufferRange<'a>>,
        target: impl Into<BufferRange<'a>>,
    ) -> Result<Binding, Error> {
        let (f, source, target) = (f.into(), source.into(), target.into());
        let recipe = Recipe::forward::<T>(&source.operand::<T>(), &target.operand::<T>(), self.plan_limits())?;
        Binding::new(self, f.into_block(), recipe)
    }

    /// Binds a function to a range, whose elements it replaces.
    ///
    /// ```no_run
    /// # fn app(kernel: &hard_sigmoid::Kernel, data: &wgpu::Buffer) -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::HardSigmoid;
    ///
    /// let activation = kernel.bind_in_place::<f32>(HardSigmoid::PYTORCH, (data, 5..))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind_in_place<'a, T: Element>(
        &self,
        f: impl Into<ParamSource<'a>>,
        data: impl Into<BufferRange<'a>>,
    ) -> Result<Binding, Error> {
        let data = data.into();
        self.bind::<T>(f, data.clone(), data)
    }

    /// Binds the backward pass: from `saved`, which is x or y as `backward` says, and the gradient with respect to y,
    /// to the gradient with respect to x.
    ///
    /// Errors call `saved` the source, `grad_y` the gradient, and `grad_x` the target.
    ///
    /// `grad_x` may be the same range as `grad_y` or as `saved`. Otherwise it must not overlap them; they may overlap
    /// each other.
    ///
    /// Three ranges take one pass over the data if these are true:
    ///
    /// * `saved` and `grad_y` are in other buffers than `grad_x`;
    /// * they begin at the same element, or a multiple of `min_storage_buffer_offset_alignment` bytes apart;
    /// * rows have the same pitch in both;
    /// * the device allows three storage buffers in a shader.
    ///
    /// Otherwise `grad_y` is first copied to `grad_x`, within the same binding.
    ///
    /// ```no_run
    /// # fn app(kernel: &hard_sigmoid::Kernel, x: &wgpu::Buffer, grad_y: &wgpu::Buffer, grad_x: &wgpu::Buffer)
    /// # -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::HardSigmoid;
    ///
    /// let backward = HardSigmoid::PYTORCH.backward();
    /// let gradients = kernel.bind_backward::<f32>(backward, x, grad_y, grad_x)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind_backward<'a, T: Element>(
        &self,
        backward: impl Into<ParamSource<'a, Backward>>,
        saved: impl Into<BufferRange<'a>>,
        grad_y: impl Into<BufferRange<'a>>,
        grad_x: impl Into<BufferRange<'a>>,
    ) -> Result<Binding, Error> {
        let (backward, saved, grad_y, grad_x) = (backward.into(), saved.into(), grad_y.into(), grad_x.into());
        let operands = [&saved, &grad_y, &grad_x].map(BufferRange::operand::<T>);
        let recipe = Recipe::backward::<T>(&operands[0], &operands[1], &operands[2], self.plan_limits())?;
        Binding::new(self, backward.into_block(), recipe)
    }

    /// Binds the backward pass in place: the gradient with respect to x replaces the one with respect to y in `grad`.
    /// Errors call `saved` the source.
    ///
    /// ```no_run
    /// # fn app(kernel: &hard_sigmoid::Kernel, y: &wgpu::Buffer, grad: &wgpu::Buffer)
    /// # -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::HardSigmoid;
    ///
    /// // From the outputs of the forward pass.
    /// let backward = HardSigmoid::PYTORCH.backward_from_output();
    /// let gradients = kernel.bind_backward_in_place::<f32>(backward, y, grad)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind_backward_in_place<'a, T: Element>(
        &self,
        backward: impl Into<ParamSource<'a, Backward>>,
        saved: impl Into<BufferRange<'a>>,
        grad: impl Into<BufferRange<'a>>,
    ) -> Result<Binding, Error> {
        let grad = grad.into();
        self.bind_backward::<T>(backward, saved, grad.clone(), grad)
    }

    /// Binds counting: adds how many results for `source` are 0, 1, between them, and NaN to the 32 bytes of a
    /// [`Saturation`](crate::Saturation) in `counters`.
    ///
    /// The counters are in a buffer of their own with usage `STORAGE`, at a multiple of
    /// `min_storage_buffer_offset_alignment`. Clear them first, unless several bindings are to add up.
    ///
    /// ```no_run
    /// # fn app(kernel: &hard_sigmoid::Kernel, device: &wgpu::Device, queue: &wgpu::Queue, x: &wgpu::Buffer)
    /// # -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::{HardSigmoid, Saturation};
    /// use wgpu::BufferUsages;
    ///
    /// let buffer = |usage| {
    ///     device.create_buffer(&wgpu::BufferDescriptor { label: None, size: 32, usage, mapped_at_creation: false })
    /// };
    /// let counters = buffer(BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST);
    /// let readback = buffer(BufferUsages::MAP_READ | BufferUsages::COPY_DST);
    /// let count = kernel.bind_saturation::<f32>(HardSigmoid::ONNX, x, &counters)?;
    ///
    /// let mut encoder = device.create_command_encoder(&Default::default());
    /// encoder.clear_buffer(&counters, 0, None);
    /// count.record(&mut encoder);
    /// encoder.copy_buffer_to_buffer(&counters, 0, &readback, 0, 32);
    /// queue.submit([encoder.finish()]);
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// readback.map_async(wgpu::MapMode::Read, .., move |result| _ = sender.send(result));
    ///
    /// // In a later frame:
    /// let _ = device.poll(wgpu::PollType::Poll);
    /// if let Ok(Ok(())) = receiver.try_recv() {
    ///     let bytes = readback.get_mapped_range(..)?;
    ///     let counts = bytes.first_chunk().map(|bytes| Saturation::from_bytes(*bytes));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind_saturation<'a, T: Element>(
        &self,
        f: impl Into<ParamSource<'a>>,
        source: impl Into<BufferRange<'a>>,
        counters: impl Into<BufferBlock<'a>>,
    ) -> Result<Binding, Error> {
        let (f, source, counters) = (f.into(), source.into(), counters.into());
        let recipe = Recipe::count::<T>(&source.operand::<T>(), &counters.counters(), self.plan_limits())?;
        Binding::new(self, f.into_block(), recipe)
    }

    /// Binds what [`bind`](Self::bind) and [`bind_saturation`](Self::bind_saturation) do, in one pass over the source
    /// unless the device allows only two storage buffers in a shader.
    ///
    /// ```no_run
    /// # fn app(kernel: &hard_sigmoid::Kernel, data: &wgpu::Buffer, counters: &wgpu::Buffer)
    /// # -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::{HardSigmoid, half::bf16};
    ///
    /// let activation = kernel.bind_with_saturation::<bf16>(HardSigmoid::ONNX, data, data, counters)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind_with_saturation<'a, T: Element>(
        &self,
        f: impl Into<ParamSource<'a>>,
        source: impl Into<BufferRange<'a>>,
        target: impl Into<BufferRange<'a>>,
        counters: impl Into<BufferBlock<'a>>,
    ) -> Result<Binding, Error> {
        let (f, source, target, counters) = (f.into(), source.into(), target.into(), counters.into());
        let (from, to) = (source.operand::<T>(), target.operand::<T>());
        let recipe = Recipe::forward_and_count::<T>(&from, &to, &counters.counters(), self.plan_limits())?;
        Binding::new(self, f.into_block(), recipe)
    }

    /// Binds the work of a call over host slices, of which only the backward pass has anything saved.
    pub(in crate::gpu) fn bind_work<T: Element>(
        &self,
        work: Work,
        [saved, input, target]: [BufferRange<'_>; 3],
        counters: &wgpu::Buffer,
    ) -> Result<Binding, Error> {
        match work {
            Work::Apply(f) => self.bind::<T>(f, input, target),
            Work::Count(f) => self.bind_saturation::<T>(f, input, counters),
            Work::ApplyAndCount(f) => self.bind_with_saturation::<T>(f, input, target, counters),
            Work::Backward(backward) => self.bind_backward::<T>(backward, saved, input, target),
        }
    }
}
