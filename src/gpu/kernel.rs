//! The compiled shader, which apps embed and the host path dispatches through. Nothing in this module submits, polls,
//! blocks, or touches the device's callbacks.

pub(crate) mod ahead;
pub(crate) mod arguments;
mod bind;
pub(crate) mod binding;
mod checks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
#[cfg(not(target_arch = "wasm32"))]
use std::time::Instant;

#[cfg(target_arch = "wasm32")]
use web_time::Instant;

use arguments::BufferBlock;

use super::error::{BindError, Error};
use super::scope::{Watch, scoped};
use super::{adapter, limits, objects};
use crate::error::PlanError;
use crate::lock::locked;
use crate::plan::{Limits, Place, Program, Recipe};

/// Hard sigmoid compiled for a device. It makes [`Binding`](crate::Binding)s, which record into your own encoders and
/// passes.
///
/// A kernel holds handles only and is cheap to clone; clones share their pipelines, also between threads. A shader or
/// pipeline is compiled when a binding first needs it.
///
/// [`guide::embedding`](crate::guide::embedding) explains ranges of buffers, parameters that change from frame to
/// frame, many tensors in a pass, and mistakes.
#[derive(Clone, Debug)]
pub struct Kernel {
    inner: Arc<Inner>,
    /// The buffer with the length, its offset, and where it ends.
    length: Option<(wgpu::Buffer, u64, u64)>,
}

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    limits: wgpu::Limits,
    plan_limits: Limits,
    pipeline_cache: Option<wgpu::PipelineCache>,
    /// What its objects are called.
    label: Arc<str>,
    /// By their text, or that of the first alternative.
    modules: Mutex<HashMap<String, wgpu::ShaderModule>>,
    pipelines: Mutex<HashMap<Program, wgpu::ComputePipeline>>,
}

/// How a [`Kernel`] is made. The default is what [`Kernel::new`] does.
#[derive(Clone, Debug, Default)]
pub struct KernelOptions {
    /// What dispatches are planned for, if not for the [limits of the device](Kernel::device_limits). These may be
    /// less: smaller dispatches let other work run between them. Limits that the device does not allow are replaced by
    /// its own. Change fields of those of the device, since there may be more fields in a later version:
    /// `let mut limits = Kernel::device_limits(&device); limits.groups = 64;`
    pub limits: Option<Limits>,
    /// Where compiled pipelines are looked up and put, for the app to store. It is the device's, which needs
    /// [`wgpu::Features::PIPELINE_CACHE`]: Vulkan has it, and GL has not.
    pub pipeline_cache: Option<wgpu::PipelineCache>,
    /// What comes before `hard_sigmoid` in the labels of pipelines, passes, bind groups and buffers, such as `"app: "`.
    /// Debuggers and wgpu's messages show them.
    pub label_prefix: String,
}

impl Kernel {
    /// Makes a kernel for `device`, which needs no features and no limits above [`wgpu::Limits::downlevel_defaults`].
    ///
    /// # Errors
    ///
    /// [`Error::MissingLimit`] if the device cannot run compute shaders of this kind.
    pub fn new(device: &wgpu::Device) -> Result<Self, Error> {
        Self::with_options(device, KernelOptions::default())
    }

    /// Makes a kernel with options.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new). A binding is refused with [`Error::Bind`] if the limits do not allow any dispatch, and
    /// with [`Error::Device`] if the pipeline cache is another device's.
    pub fn with_options(device: &wgpu::Device, options: KernelOptions) -> Result<Self, Error> {
        limits::check(&device.limits())?;
        let own = Self::device_limits(device);
        let limits = options.limits.unwrap_or(own);
        let plan_limits = Limits {
            binding_bytes: limits.binding_bytes.min(own.binding_bytes),
            alignment_bytes: limits.alignment_bytes.max(own.alignment_bytes),
            storage_buffers: limits.storage_buffers.min(own.storage_buffers),
            groups: limits.groups.min(own.groups),
            mixed: limits.mixed,
        };
        let (device, limits) = (device.clone(), device.limits());
        let inner = Inner {
            device,
            limits,
            plan_limits,
            pipeline_cache: options.pipeline_cache,
            label: (options.label_prefix + "hard_sigmoid").into(),
            modules: Mutex::default(),
            pipelines: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner), length: None })
    }

    /// The same kernel for a length that only the GPU knows, such as the number of particles that are alive. Its
    /// bindings compute the first elements of their ranges: as many as the u32 at `length` says when they run, and at
    /// most as many as there are. Elements behind these are neither changed nor counted.
    ///
    /// The length is of ranges, not of rows. It begins at a multiple of 4 bytes in a storage buffer that has no other
    /// role in the binding. Nothing is read back. A binding has the same dispatches whatever the length is, and
    /// workgroups behind the end do nothing: [`guide::embedding`](crate::guide::embedding) says what that costs. It
    /// takes another storage buffer in the shader, and is refused with [`PlanError::StorageBuffers`] if the device
    /// allows too few.
    ///
    /// ```no_run
    /// # fn app(kernel: &hard_sigmoid::Kernel, speeds: &wgpu::Buffer, alive: &wgpu::Buffer)
    /// # -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::HardSigmoid;
    ///
    /// let activation = kernel.with_length(alive).bind_in_place::<f32>(HardSigmoid::ONNX, speeds)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_length<'a>(&self, length: impl Into<BufferBlock<'a>>) -> Self {
        let BufferBlock { buffer, offset, end } = length.into();
        Self { inner: self.inner.clone(), length: Some((buffer.clone(), offset, end)) }
    }

    /// The limits of a device that a plan depends on. Dispatches are mixed unless the device is a software adapter's.
    #[must_use]
    pub fn device_limits(device: &wgpu::Device) -> Limits {
        let of_device = device.limits();
        Limits {
            binding_bytes: of_device.max_storage_buffer_binding_size,
            alignment_bytes: of_device.min_storage_buffer_offset_alignment,
            storage_buffers: of_device.max_storage_buffers_per_shader_stage,
            groups: of_device.max_compute_workgroups_per_dimension,
            mixed: !adapter::is_software(&device.adapter_info()),
        }
    }

    /// Makes bindings, and waits for what a browser says about them. `make` runs at once, not when the future is
    /// polled.
    ///
    /// In a browser, an error of the device is known only later. So the `bind` methods return a
    /// binding there even if the device has refused it: the error goes to your error scope or your callback, and what
    /// uses the binding fails, too. This method returns the error. On other platforms `bind` returns it, and the future
    /// is ready at once.
    ///
    /// ```no_run
    /// # async fn app(kernel: &hard_sigmoid::Kernel, x: &wgpu::Buffer, y: &wgpu::Buffer)
    /// # -> Result<(), hard_sigmoid::Error> {
    /// # use hard_sigmoid::wgpu;
    /// use hard_sigmoid::HardSigmoid;
    ///
    /// let binding = kernel.checked(|kernel| kernel.bind::<f32>(HardSigmoid::ONNX, x, y)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `make`, and [`Error::Device`].
    pub fn checked<T>(&self, make: impl FnOnce(&Self) -> Result<T, Error>) -> impl Future<Output = Result<T, Error>> {
        let watch = Watch::new(self.device(), "binding");
        let value = make(self);
        let errors = watch.errors();
        async move {
            errors.await.inspect_err(|_| self.forget())?;
            value
        }
    }

    /// Forgets what was compiled. In a browser, it may have been refused.
    pub(super) fn forget(&self) {
        locked(&self.inner.modules).clear();
        locked(&self.inner.pipelines).clear();
    }

    pub(super) fn device(&self) -> &wgpu::Device {
        &self.inner.device
    }

    fn limits(&self) -> &wgpu::Limits {
        &self.inner.limits
    }

    /// What a recipe is planned for. A length takes one of the storage buffers.
    fn plan_limits(&self) -> Limits {
        let limits = self.inner.plan_limits;
        let storage_buffers = limits.storage_buffers.saturating_sub(u32::from(self.length.is_some()));
        Limits { storage_buffers, ..limits }
    }

    /// The recipe with the kernel's length, if it has one.
    fn with_own_length<'a>(&'a self, recipe: Recipe<&'a wgpu::Buffer>) -> Result<Recipe<&'a wgpu::Buffer>, PlanError> {
        let Some((buffer, offset_bytes, end)) = &self.length else { return Ok(recipe) };
        let place = Place { buffer, buffer_bytes: *end, offset_bytes: *offset_bytes };
        recipe.with_length(&place, self.inner.plan_limits)
    }

    fn label(&self) -> &Arc<str> {
        &self.inner.label
    }

    /// The pipeline of a program, compiled if nothing before has needed it.
    fn pipeline(&self, program: Program) -> Result<wgpu::ComputePipeline, Error> {
        let device = self.device();
        let pipeline = cached(&self.inner.pipelines, program, || {
            let started = Instant::now();
            let module = self.module(program)?;
            let pipeline = scoped(device, "compiling a pipeline", || {
                let cache = self.inner.pipeline_cache.as_ref();
                objects::compute_pipeline(device, self.label(), &module, &program, cache)
            })?;
            // A browser may go on compiling.
            log::debug!("compiled {program} in {:.1?}", started.elapsed());
            Ok(pipeline)
        })?;
        // A browser may have refused a pipeline that is found here. This raises an error then.
        #[cfg(target_arch = "wasm32")]
        let _ = pipeline.get_bind_group_layout(0);
        Ok(pipeline)
    }

    /// The first alternative of a program's shader that the device takes.
    fn module(&self, program: Program) -> Result<wgpu::ShaderModule, Error> {
        let device = self.device();
        let alternatives: Vec<_> = program.wgsl().collect();
        let key = alternatives.first().cloned().unwrap_or_default();
        cached(&self.inner.modules, key, || {
            let shader = |wgsl| objects::shader_module(device, self.label(), wgsl);
            let compile = |wgsl| scoped(device, "compiling the shader", || shader(wgsl));
            // There is none for a type that no GPU computes, and of which no program is made.
            let none = PlanError::NotOnGpu { element: program.element().name() };
            first_success(alternatives.into_iter().map(compile)).ok_or(BindError::Plan(none))?
        })
    }
}

/// The first success; otherwise the first error. None if there is nothing.
fn first_success<T, E>(mut results: impl Iterator<Item = Result<T, E>>) -> Option<Result<T, E>> {
    let first = results.next()?;
    Some(first.or_else(|error| results.find_map(Result::ok).ok_or(error)))
}

/// Makes a value if there is none for the key. The lock is not held meanwhile: if another thread is faster, its value
/// counts.
fn cached<K: Eq + std::hash::Hash, V: Clone>(
    values: &Mutex<HashMap<K, V>>,
    key: K,
    make: impl FnOnce() -> Result<V, Error>,
) -> Result<V, Error> {
    if let Some(value) = locked(values).get(&key) {
        return Ok(value.clone());
    }
    let value = make()?;
    Ok(locked(values).entry(key).or_insert(value).clone())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_success_counts_or_else_the_first_error() {
        let first = |results: &[Result<u8, u8>]| super::first_success(results.iter().copied());
        assert_eq!(first(&[Ok(1), Err(2)]), Some(Ok(1)));
        assert_eq!(first(&[Err(1), Err(2), Ok(3)]), Some(Ok(3)));
        assert_eq!(first(&[Err(1), Err(2)]), Some(Err(1)));
        assert_eq!(first(&[]), None);
    }
}
