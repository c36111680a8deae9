//! Compiling before anything is bound.

use super::Kernel;
use super::arguments::{BufferRange, ParamSource};
use super::binding::Binding;
use crate::gpu::error::Error;
use crate::gpu::objects;
use crate::gpu::scope::scoped;
use crate::plan::{Limits, Operand, Place, PlanError, Recipe, Rows, SMALL_BYTES};
use crate::saturation::COUNTER_BYTES;
use crate::{Dtype, Element};

/// What a `bind` method needs compiled, for [`Kernel::compile_ahead`].
///
/// It is for two buffers unless it is [in place](Self::in_place); the backward pass has three, and in place two. It is
/// for ranges that begin at the same place within 16 bytes, as those of whole buffers do, unless it is for
/// [others, too](Self::misaligned). The number of elements does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    dtype: Dtype,
    method: Method,
    in_place: bool,
    misaligned: bool,
    rows: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Bind,
    Saturation,
    WithSaturation,
    Backward,
}

impl Ahead {
    const fn new<T: Element>(method: Method) -> Self {
        Self { dtype: T::DTYPE, method, in_place: false, misaligned: false, rows: false }
    }

    /// For [`Kernel::bind`].
    #[must_use]
    pub const fn bind<T: Element>() -> Self {
        Self::new::<T>(Method::Bind)
    }

    /// For [`Kernel::bind_saturation`].
    #[must_use]
    pub const fn saturation<T: Element>() -> Self {
        Self::new::<T>(Method::Saturation)
    }

    /// For [`Kernel::bind_with_saturation`].
    #[must_use]
    pub const fn with_saturation<T: Element>() -> Self {
        Self::new::<T>(Method::WithSaturation)
    }

    /// For [`Kernel::bind_backward`].
    #[must_use]
    pub const fn backward<T: Element>() -> Self {
        Self::new::<T>(Method::Backward)
    }

    /// The same in place: for [`Kernel::bind_in_place`], [`Kernel::bind_backward_in_place`], and
    /// [`Kernel::bind_with_saturation`] with one range.
    #[must_use]
    pub const fn in_place(self) -> Self {
        Self { in_place: true, ..self }
    }

    /// The same, also for ranges that begin anywhere, which is two to three times as many pipelines for f32, and three
    /// to five times as many for 16-bit types, and more for a backward pass over three buffers. In place it makes a
    /// difference for the backward pass only.
    #[must_use]
    pub const fn misaligned(self) -> Self {
        Self { misaligned: true, ..self }
    }

    /// The same, also for [`Rows`](crate::plan::Rows). Those whose pitches are multiples of 16 bytes are aligned as
    /// their first rows are.
    #[must_use]
    pub const fn rows(self) -> Self {
        Self { rows: true, ..self }
    }
}

impl Kernel {
    /// Compiles now what the `bind` methods in a list need, so that they need not when they are called. Returns a
    /// warm-up: drivers may go on compiling when a pipeline first runs, so record it once and submit it. It runs each
    /// pipeline on buffers of its own.
    ///
    /// ```no_run
    /// # fn app(device: &wgpu::Device, queue: &wgpu::Queue, kernel: &hard_sigmoid::Kernel)
    /// # -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::{Ahead, half::f16};
    ///
    /// let warm_up = kernel.compile_ahead([Ahead::bind::<f32>(), Ahead::backward::<f16>().in_place()])?;
    /// let mut encoder = device.create_command_encoder(&Default::default());
    /// warm_up.record(&mut encoder);
    /// queue.submit([encoder.finish()]);
    /// // A loading screen goes on until this is called.
    /// queue.on_submitted_work_done(|| println!("compiled"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It takes as long as the compiler does. To go on meanwhile, call it with a clone on another thread, or for one
    /// operation in each frame.
    ///
    /// For [a length](Self::with_length), call this on the kernel that has it. The warm-up reads the length, and may
    /// then compute nothing, which serves as well.
    ///
    /// Two ranges of one buffer, a backward pass whose `grad_x` is the range of `saved`, and ranges beyond the limits
    /// of the device may still compile when they are bound.
    ///
    /// # Errors
    ///
    /// As those of the `bind` methods. In a browser, [`checked`](Self::checked) waits for them.
    pub fn compile_ahead(&self, list: impl IntoIterator<Item = Ahead>) -> Result<Binding, Error> {
        let scratch = |bytes| {
            let usage = wgpu::BufferUsages::STORAGE;
            scoped(self.device(), "making a buffer", || {
                objects::buffer(self.device(), self.label(), bytes, usage, false)
            })
        };
        let large = 6 * SMALL_BYTES;
        let buffers = [scratch(large)?, scratch(large)?, scratch(large)?];
        let counters = scratch(COUNTER_BYTES)?;
        let mut warm_up = Binding::nothing(self);
        for ahead in list {
            for recipe in with_type!(ahead.dtype, T => self.recipes::<T>(ahead, &buffers, &counters))? {
                warm_up.append(Binding::new(self, ParamSource::Fixed(Default::default()), recipe)?);
            }
        }
        Ok(warm_up)
    }

    /// Over ranges of scratch buffers for which the planner makes all kinds of dispatches.
    fn recipes<'a, T: Element>(
        &self,
        Ahead { method, in_place, misaligned, rows, .. }: Ahead,
        [source, target, gradient]: &'a [wgpu::Buffer; 3],
        counters: &'a wgpu::Buffer,
    ) -> Result<Vec<Recipe<&'a wgpu::Buffer>>, PlanError> {
        let (limits, size) = (self.plan_limits(), size_of::<T>() as u64);
        let (vector, large) = (16 / size, 2 * SMALL_BYTES / size);
        let counters = Place { buffer: counters, buffer_bytes: COUNTER_BYTES, offset_bytes: 0 };
        let mut recipes = Vec::new();
        // Words, whole workgroups of vectors, and these with a rest.
        let shapes = [1, large, large + vector + 1].into_iter();
        for (len, is_rows) in shapes.flat_map(|len| [(len, false), (len, rows)]) {
            for shift in 0..=if misaligned { vector } else { 0 } {
                let [aligned, shifted] = [0, shift].map(|first| {
                    move |buffer: &'a wgpu::Buffer| -> Operand<&'a wgpu::Buffer> {
                        let range = if is_rows {
                            let pitch = len.next_multiple_of(vector) + vector;
                            (buffer, Rows { first, width: len, pitch, number: 2 }).into()
                        } else {
                            BufferRange::from((buffer, first..first + len))
                        };
                        range.operand::<T>()
                    }
                });
                let from = shifted(source);
                let to = if in_place { from.clone() } else { aligned(target) };
                match method {
                    Method::Bind => recipes.push(Recipe::forward::<T>(&from, &to, limits)?),
                    Method::Saturation => recipes.push(Recipe::count::<T>(&from, &counters, limits)?),
                    Method::WithSaturation => {
                        recipes.push(Recipe::forward_and_count::<T>(&from, &to, &counters, limits)?);
                    }
                    Method::Backward => {
                        let to = aligned(target);
                        if in_place {
                            recipes.push(Recipe::backward::<T>(&from, &to, &to, limits)?);
                            continue;
                        }
                        // Where the sources lie apart in another way, one is copied.
                        let two = Limits { storage_buffers: 2, ..limits };
                        recipes.push(Recipe::backward::<T>(&from, &aligned(gradient), &to, two)?);
                        for (saved, grad_y) in [(shifted, aligned), (aligned, shifted), (shifted, shifted)] {
                            recipes.push(Recipe::backward::<T>(&saved(source), &grad_y(gradient), &to, limits)?);
                        }
                    }
                }
            }
        }
        Ok(recipes)
    }
}
