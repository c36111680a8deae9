//! The compiled shader, which apps embed and the host path dispatches through. Nothing in this module submits, polls,
//! blocks, or touches the device's callbacks.

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

use super::error::{BindError, Error};
use super::scope::{Watch, scoped};
use super::{adapter, limits, objects};
use crate::Element;
use crate::error::PlanError;
use crate::lock::locked;
use crate::plan::{Access, Limits, Operation, Program, Unit, check_on_gpu};

/// Hard sigmoid compiled for a device. It makes [`Binding`](crate::Binding)s, which record into your own encoders and
/// passes.
///
/// A kernel holds handles only and is cheap to clone; clones share their pipelines, also between threads. A shader or
/// pipeline is compiled when a binding first needs it.
///
/// [`guide::embedding`](crate::guide::embedding) explains ranges of buffers, parameters that change from frame to
/// frame, many tensors in a pass, and mistakes.
#[derive(Clone, Debug)]
pub struct Kernel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    limits: wgpu::Limits,
    plan_limits: Limits,
    /// By their text, or that of the first alternative.
    modules: Mutex<HashMap<String, wgpu::ShaderModule>>,
    pipelines: Mutex<HashMap<Program, wgpu::ComputePipeline>>,
}

impl Kernel {
    /// Makes a kernel for `device`, which needs no features and no limits above [`wgpu::Limits::downlevel_defaults`].
    ///
    /// # Errors
    ///
    /// [`Error::MissingLimit`] if the device cannot run compute shaders of this kind.
    pub fn new(device: &wgpu::Device) -> Result<Self, Error> {
        Self::with_limits(device, Self::device_limits(device))
    }

    /// Makes a kernel that plans its dispatches for `limits`, which may be less than those of the device: smaller
    /// dispatches let other work run between them. Limits that the device does not allow are replaced by its own.
    ///
    /// [`device_limits`](Self::device_limits) are those that [`new`](Self::new) uses.
    ///
    /// # Errors
    ///
    /// As `new`. A binding is refused with [`Error::Bind`] if the limits do not allow any dispatch.
    pub fn with_limits(device: &wgpu::Device, limits: Limits) -> Result<Self, Error> {
        limits::check(&device.limits())?;
        let own = Self::device_limits(device);
        let plan_limits = Limits {
            binding_bytes: limits.binding_bytes.min(own.binding_bytes),
            alignment_bytes: limits.alignment_bytes.max(own.alignment_bytes),
            storage_buffers: limits.storage_buffers.min(own.storage_buffers),
            groups: limits.groups.min(own.groups),
            mixed: limits.mixed,
        };
        let (device, limits) = (device.clone(), device.limits());
        Ok(Self(Arc::new(Inner {
            device,
            limits,
            plan_limits,
            modules: Mutex::default(),
            pipelines: Mutex::default(),
        })))
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

    /// Compiles now what [`bind`](Self::bind) needs for aligned ranges of a type, in two buffers and in place, so
    /// that the first of these bindings need not wait for it.
    ///
    /// The backward pass, counting, and ranges that are misaligned against each other still compile when first bound.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] for f64, and [`Error::Device`] if the device refuses.
    pub fn compile_ahead<T: Element>(&self) -> Result<(), Error> {
        check_on_gpu::<T>().map_err(BindError::Plan)?;
        let mixed = self.plan_limits().mixed.then_some(Unit::Mixed { rotation: 0 });
        for access in [Access::SeparateBuffer, Access::SameBinding] {
            for unit in [Unit::Vector { rotation: 0 }, Unit::Word].into_iter().chain(mixed) {
                self.pipeline(Program::new(T::DTYPE, Operation::Forward, access, unit))?;
            }
        }
        Ok(())
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
        locked(&self.0.modules).clear();
        locked(&self.0.pipelines).clear();
    }

    pub(super) fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    fn limits(&self) -> &wgpu::Limits {
        &self.0.limits
    }

    fn plan_limits(&self) -> Limits {
        self.0.plan_limits
    }

    /// The pipeline of a program, compiled if nothing before has needed it.
    fn pipeline(&self, program: Program) -> Result<wgpu::ComputePipeline, Error> {
        let device = self.device();
        let pipeline = cached(&self.0.pipelines, program, || {
            let started = Instant::now();
            let module = self.module(program)?;
            let pipeline = scoped(device, "compiling a pipeline", || {
                objects::compute_pipeline(device, &module, program.entry_point(), &program.constants())
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
        cached(&self.0.modules, key, || {
            let compile = |wgsl| scoped(device, "compiling the shader", || objects::shader_module(device, wgsl));
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
