//! What an app binds: the function, its backward pass, and counting.

use super::arguments::{Elements, Function, block_fits};
use super::binding::{Binding, Task, sides};
use super::kernel::{Kernel, Operation, Program};
use crate::error::{BindError, Error, Side};
use crate::plan::{Access, Span, Unit, Window};
use crate::{Backward, Element, Saturation};

/// Bytes of the counters.
const COUNTER_BYTES: u64 = size_of::<Saturation>() as u64;

/// # Ranges
///
/// Ranges may begin at any element and have any length: beyond the device's limits a binding records several dispatches.
/// Nothing outside of the target range changes, and nothing outside of the source ranges matters. Where a word holds two
/// elements, one at the end of a range is read and written back together with its neighbour.
///
/// # Errors of all bindings
///
/// [`Error::Bind`] for f64, and if a buffer lacks its usage, the ranges differ in length, leave their buffer, or overlap
/// without being the same, or if the device refuses one, as it does if that is another device's or destroyed;
/// [`Error::Device`] if the device refuses anything else, and [`Error::Map`] if it is lost.
impl Kernel {
    /// Binds a function to a source and a target of equally many elements of type `T`, of the same buffer or of two. The
    /// same range of one buffer means in place.
    ///
    /// # Errors
    ///
    /// As all bindings.
    pub fn bind<'a, T: Element>(
        &self,
        f: impl Into<Function<'a>>,
        source: impl Into<Elements<'a>>,
        target: impl Into<Elements<'a>>,
    ) -> Result<Binding, Error> {
        let (f, source, target) = (f.into(), source.into(), target.into());
        let tasks = self.map::<T>(Operation::Forward, (Side::Source, &source), &target)?;
        let buffers = [(Side::Source, source.buffer(), false), (Side::Target, target.buffer(), true)];
        self.binding::<T>(f.parameters(), &tasks, &buffers)
    }

    /// Binds a function to a range that it is applied to in place.
    ///
    /// # Errors
    ///
    /// As all bindings.
    pub fn bind_in_place<'a, T: Element>(
        &self,
        f: impl Into<Function<'a>>,
        data: impl Into<Elements<'a>>,
    ) -> Result<Binding, Error> {
        let data = data.into();
        self.bind::<T>(f, data.clone(), data)
    }

    /// Binds the backward pass: from `saved` (x or y, as `backward` says) and the gradient with respect to y to the
    /// gradient with respect to x.
    ///
    /// `grad_x` may be the same range as `grad_y` or `saved`, which is in place. Otherwise it overlaps neither; those two
    /// may overlap as they like. With three ranges, it is fastest if `saved` and `grad_y` are in other buffers than
    /// `grad_x` and begin at the same element, or at elements that are multiples of the device's
    /// `min_storage_buffer_offset_alignment` bytes apart; if not, `grad_y` is copied to `grad_x` first, within the same
    /// binding.
    ///
    /// # Errors
    ///
    /// As all bindings. `saved` is called the source, `grad_y` the gradient, and `grad_x` the target.
    pub fn bind_backward<'a, T: Element>(
        &self,
        backward: impl Into<Function<'a, Backward>>,
        saved: impl Into<Elements<'a>>,
        grad_y: impl Into<Elements<'a>>,
        grad_x: impl Into<Elements<'a>>,
    ) -> Result<Binding, Error> {
        let (backward, saved, grad_y, grad_x) = (backward.into(), saved.into(), grad_y.into(), grad_x.into());
        let tasks = self.backward::<T>(&saved, &grad_y, &grad_x)?;
        let buffers = [
            (Side::Source, saved.buffer(), false),
            (Side::Gradient, grad_y.buffer(), false),
            (Side::Target, grad_x.buffer(), true),
        ];
        self.binding::<T>(backward.parameters(), &tasks, &buffers)
    }

    /// Binds the backward pass in place: the gradient with respect to y in `grad` is replaced by that with respect to x.
    ///
    /// # Errors
    ///
    /// As [`bind_backward`](Self::bind_backward).
    pub fn bind_backward_in_place<'a, T: Element>(
        &self,
        backward: impl Into<Function<'a, Backward>>,
        saved: impl Into<Elements<'a>>,
        grad: impl Into<Elements<'a>>,
    ) -> Result<Binding, Error> {
        let grad = grad.into();
        self.bind_backward::<T>(backward, saved, grad.clone(), grad)
    }

    /// Binds counting: how many results for `source` are 0, 1, between, and NaN, is added to the 32 bytes of a
    /// [`Saturation`] that `counters` begins with.
    ///
    /// Clear them before (`encoder.clear_buffer`), unless several bindings are to add up. `counters` is in a buffer of
    /// its own with `STORAGE` usage, at a multiple of `min_storage_buffer_offset_alignment`.
    ///
    /// # Errors
    ///
    /// As all bindings.
    pub fn bind_saturation<'a, T: Element>(
        &self,
        f: impl Into<Function<'a>>,
        source: impl Into<Elements<'a>>,
        counters: wgpu::BufferBinding<'a>,
    ) -> Result<Binding, Error> {
        let (f, source) = (f.into(), source.into());
        let buffers = [(Side::Source, source.buffer(), false), (Side::Counters, counters.buffer, true)];
        let counters = self.counters(&counters, &buffers[..1])?;
        let from = (Side::Source, &source);
        let windows = self.windows::<T>(from, from)?;
        let tasks: Vec<_> = windows.map(|window| count(&window, &source, counters)).collect();
        self.binding::<T>(f.parameters(), &tasks, &buffers)
    }

    /// [`bind`](Self::bind) and [`bind_saturation`](Self::bind_saturation) of its source in one, which reads the source
    /// once where that is possible.
    ///
    /// # Errors
    ///
    /// As all bindings.
    pub fn bind_with_saturation<'a, T: Element>(
        &self,
        f: impl Into<Function<'a>>,
        source: impl Into<Elements<'a>>,
        target: impl Into<Elements<'a>>,
        counters: wgpu::BufferBinding<'a>,
    ) -> Result<Binding, Error> {
        let (f, source, target) = (f.into(), source.into(), target.into());
        let buffers = [
            (Side::Source, source.buffer(), false),
            (Side::Target, target.buffer(), true),
            (Side::Counters, counters.buffer, true),
        ];
        let counters = self.counters(&counters, &buffers[..2])?;
        let at_once = self.limits().max_storage_buffers_per_shader_stage >= 3;
        let mut tasks = Vec::new();
        for window in self.windows::<T>((Side::Source, &source), (Side::Target, &target))? {
            let mut storage = sides(&window, source.buffer(), target.buffer());
            if at_once && window.access != Access::Arena && matches!(window.unit, Unit::Vector { .. }) {
                storage.push(counters);
                tasks.push(Task::new(Program::MapCount(window.access), &window, storage));
            } else {
                // First, since the source may be overwritten.
                tasks.push(count(&window, &source, counters));
                tasks.push(Task::new(Program::Map(Operation::Forward, window.access), &window, storage));
            }
        }
        self.binding::<T>(f.parameters(), &tasks, &buffers)
    }

    /// An operation from a range to another.
    fn map<'a, T: Element>(
        &self,
        operation: Operation,
        source: (Side, &Elements<'a>),
        target: &Elements<'a>,
    ) -> Result<Vec<Task<'a>>, BindError> {
        let windows = self.windows::<T>(source, (Side::Target, target))?;
        let task = |window: Window| {
            let program = Program::Map(operation, window.access);
            Task::new(program, &window, sides(&window, source.1.buffer(), target.buffer()))
        };
        Ok(windows.map(task).collect())
    }

    fn backward<'a, T: Element>(
        &self,
        saved: &Elements<'a>,
        grad_y: &Elements<'a>,
        grad_x: &Elements<'a>,
    ) -> Result<Vec<Task<'a>>, BindError> {
        let (source, gradient) = ((Side::Source, saved), (Side::Gradient, grad_y));
        let copy = self.map::<T>(Operation::Copy, gradient, grad_x)?;
        let combine = self.map::<T>(Operation::Backward, source, grad_x)?;
        let (saved_start, _) = saved.resolve::<T>(Side::Source)?;
        let (grad_start, _) = grad_y.resolve::<T>(Side::Gradient)?;
        let (target_start, _) = grad_x.resolve::<T>(Side::Target)?;
        let is_target = |side: &Elements<'_>, start| side.buffer() == grad_x.buffer() && start == target_start;
        if is_target(grad_y, grad_start) {
            return Ok(combine);
        }
        if is_target(saved, saved_start) {
            return self.map::<T>(Operation::BackwardOverSaved, gradient, grad_x);
        }
        let apart = grad_start.element.wrapping_sub(saved_start.element).wrapping_mul(size_of::<T>() as u64);
        let alignment = u64::from(self.plan_limits().alignment_bytes).max(16);
        if [saved, grad_y].iter().any(|side| side.buffer() == grad_x.buffer())
            || !apart.is_multiple_of(alignment)
            || self.limits().max_storage_buffers_per_shader_stage < 3
        {
            return Ok(copy.into_iter().chain(combine).collect());
        }
        let pair = |window: Window| {
            let grad = Span { offset_bytes: window.source.offset_bytes.wrapping_add(apart), ..window.source };
            let [saved, target] = [(saved.buffer(), window.source), (grad_x.buffer(), window.target)];
            Task::new(Program::Pair, &window, vec![saved, (grad_y.buffer(), grad), target])
        };
        Ok(self.windows::<T>(source, (Side::Target, grad_x))?.map(pair).collect())
    }

    /// The counters as a binding, if they can be one beside `others`.
    fn counters<'a>(
        &self,
        &wgpu::BufferBinding { buffer, offset, .. }: &wgpu::BufferBinding<'a>,
        others: &[(Side, &wgpu::Buffer, bool)],
    ) -> Result<(&'a wgpu::Buffer, Span), BindError> {
        let side = Side::Counters;
        if !buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
            return Err(BindError::NotStorage { side, usage: buffer.usage() });
        }
        if let Some(&(other, ..)) = others.iter().find(|other| other.1 == buffer) {
            return Err(BindError::Shared { side, other });
        }
        block_fits(side, buffer, offset, COUNTER_BYTES, self.limits().min_storage_buffer_offset_alignment)?;
        Ok((buffer, Span { offset_bytes: offset, size_bytes: COUNTER_BYTES }))
    }
}

/// Counts what the function of a window's source is.
fn count<'a>(window: &Window, source: &Elements<'a>, counters: (&'a wgpu::Buffer, Span)) -> Task<'a> {
    Task::new(Program::Count, window, vec![(source.buffer(), window.source), counters])
}
