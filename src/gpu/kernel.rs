//! The compiled shader: what an app embeds, and what the host path dispatches through. It makes bindings (binding.rs);
//! neither submits, polls, blocks or touches the device's callbacks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::binding::BLOCK_BYTES;
use super::scope::scoped;
use crate::Element;
use crate::error::{BindError, Error};
use crate::plan::{self, Access, Limits, Unit};

/// The shader is put together from whole files: the definition, an element type, the windows, and one of the operations. What
/// an operation or a type does not need is not in its text: drivers take longer to see that than to compile the rest.
const HARD_SIGMOID: &str = include_str!("../../shaders/hard_sigmoid.wgsl");
const MAP: &str = include_str!("../../shaders/map.wgsl");
const FORWARD: &str = concat!(include_str!("../../shaders/forward.wgsl"), include_str!("../../shaders/count.wgsl"));
const BACKWARD: &str = include_str!("../../shaders/backward.wgsl");

/// Workgroup memory that counting uses: `tallies` and `sums` in the shader.
const COUNTING_BYTES: u32 = (plan::WORKGROUP + 16) * 8;

/// What a dispatch does: the entry points of the shader, by vector and by word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Program {
    /// An operation from a source to the target.
    Map(Operation, Access),
    /// The backward pass from two sources, aligned alike, in other buffers than the target.
    Pair,
    /// Counting what the function of a source would be.
    Count,
    /// The function, counted: by vector, across two buffers or within one binding.
    MapCount(Access),
}

/// What a map computes; but for the first, the shader's `OPERATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Forward,
    Copy,
    Backward,
    BackwardOverSaved,
}

impl Program {
    /// The operation that its shader is for.
    const fn operation(self) -> &'static str {
        match self {
            Self::Map(Operation::Forward, _) | Self::Count | Self::MapCount(_) => FORWARD,
            Self::Map(Operation::Copy | Operation::Backward | Operation::BackwardOverSaved, _) | Self::Pair => BACKWARD,
        }
    }

    /// The overrides of its shader.
    fn constants(self, unit: Unit) -> Vec<(&'static str, f64)> {
        let rotation = if let Unit::Vector { rotation } = unit { rotation } else { 0 };
        let mut constants = vec![("WORKGROUP", plan::WORKGROUP.into()), ("ROTATION", rotation.into())];
        constants.extend(match self {
            Self::Map(Operation::Forward, _) | Self::Count | Self::MapCount(_) => None,
            Self::Map(Operation::Copy, _) => Some(("OPERATION", 0.0)),
            Self::Map(Operation::Backward, _) | Self::Pair => Some(("OPERATION", 1.0)),
            Self::Map(Operation::BackwardOverSaved, _) => Some(("OPERATION", 2.0)),
        });
        constants
    }

    /// The numbers of the storage bindings, and whether they are read only: source, second source, target, counters.
    pub(super) const fn storage(self) -> &'static [(u32, bool)] {
        match self {
            Self::Map(_, Access::Across) => &[(2, true), (3, false)],
            Self::Map(_, Access::Arena) => &[(2, false), (3, false)],
            Self::Map(_, Access::Within) => &[(3, false)],
            Self::Pair => &[(2, true), (4, true), (3, false)],
            Self::Count => &[(2, true), (5, false)],
            Self::MapCount(Access::Across) => &[(2, true), (3, false), (5, false)],
            Self::MapCount(Access::Arena | Access::Within) => &[(3, false), (5, false)],
        }
    }

    const fn entry_point(self, unit: Unit) -> &'static str {
        match (self, unit) {
            (Self::Map(_, Access::Across), Unit::Vector { .. }) => "map_across",
            (Self::Map(_, Access::Across), Unit::Word) => "map_across_words",
            (Self::Map(_, Access::Arena), Unit::Vector { .. }) => "map_arena",
            (Self::Map(_, Access::Arena), Unit::Word) => "map_arena_words",
            (Self::Map(_, Access::Within), Unit::Vector { .. }) => "map_within",
            (Self::Map(_, Access::Within), Unit::Word) => "map_within_words",
            (Self::Pair, Unit::Vector { .. }) => "map_pair",
            (Self::Pair, Unit::Word) => "map_pair_words",
            (Self::Count, Unit::Vector { .. }) => "count_across",
            (Self::Count, Unit::Word) => "count_across_words",
            (Self::MapCount(Access::Across), _) => "map_across_count",
            (Self::MapCount(Access::Arena | Access::Within), _) => "map_within_count",
        }
    }
}

/// Hard sigmoid compiled for a device: makes [`Binding`](crate::Binding)s, which record into an app's own encoders and passes.
///
/// Holds handles only and is cheap to clone; clones share their pipelines. Shaders and pipelines are compiled when the first
/// binding needs them.
#[derive(Clone, Debug)]
pub struct Kernel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    limits: wgpu::Limits,
    /// By element type and operation.
    modules: Mutex<HashMap<[&'static str; 2], wgpu::ShaderModule>>,
    compiled: Mutex<HashMap<(&'static str, Program, Unit), Compiled>>,
}

/// A pipeline and the layout of its bind group.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

impl Kernel {
    /// For `device`, which needs no features and no limits above [`wgpu::Limits::downlevel_defaults`].
    ///
    /// # Errors
    ///
    /// [`Error::MissingLimit`] on a device that cannot run compute shaders of this kind.
    pub fn new(device: &wgpu::Device) -> Result<Self, Error> {
        let limits = device.limits();
        for (name, needed, available) in [
            ("max_compute_invocations_per_workgroup", plan::WORKGROUP, limits.max_compute_invocations_per_workgroup),
            ("max_compute_workgroup_size_x", plan::WORKGROUP, limits.max_compute_workgroup_size_x),
            ("max_compute_workgroups_per_dimension", 1, limits.max_compute_workgroups_per_dimension),
            ("max_storage_buffers_per_shader_stage", 2, limits.max_storage_buffers_per_shader_stage),
            ("max_uniform_buffers_per_shader_stage", 2, limits.max_uniform_buffers_per_shader_stage),
            ("max_bindings_per_bind_group", 6, limits.max_bindings_per_bind_group),
            ("max_compute_workgroup_storage_size", COUNTING_BYTES, limits.max_compute_workgroup_storage_size),
            ("max_bind_groups", 1, limits.max_bind_groups),
        ] {
            if available < needed {
                return Err(Error::MissingLimit { name, needed, available });
            }
        }
        let (device, modules, compiled) = (device.clone(), Mutex::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { device, limits, modules, compiled })))
    }

    /// The shader's part for an element type.
    pub(super) fn element<T: Element>() -> Result<&'static str, BindError> {
        T::SHADER.ok_or(BindError::NotOnGpu { element: T::NAME })
    }

    /// Compiles now what [`bind`](Self::bind) needs for aligned ranges of a type, across two buffers and in place, so that
    /// the first of them need not wait for it. The backward pass, counting, and ranges that are misaligned against each
    /// other still compile their own when first bound.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] for f64, and [`Error::Device`] if the device refuses.
    pub fn compile_ahead<T: Element>(&self) -> Result<(), Error> {
        for access in [Access::Across, Access::Within] {
            for unit in [Unit::Vector { rotation: 0 }, Unit::Word] {
                self.compiled::<T>(Program::Map(Operation::Forward, access), unit)?;
            }
        }
        Ok(())
    }

    pub(super) fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    pub(super) fn limits(&self) -> &wgpu::Limits {
        &self.0.limits
    }

    /// The limits that matter to a plan.
    pub(super) fn plan_limits(&self) -> Limits {
        let limits = self.limits();
        Limits {
            binding_bytes: limits.max_storage_buffer_binding_size,
            alignment_bytes: limits.min_storage_buffer_offset_alignment,
            groups: limits.max_compute_workgroups_per_dimension,
        }
    }

    fn module<T: Element>(&self, program: Program) -> Result<wgpu::ShaderModule, Error> {
        let (element, operation) = (Self::element::<T>()?, program.operation());
        let all = || self.0.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = all().get(&[T::NAME, operation]) {
            return Ok(module.clone());
        }
        let module = scoped(&self.0.device, "compiling the shader", || {
            self.0.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("hard_sigmoid"),
                source: wgpu::ShaderSource::Wgsl([HARD_SIGMOID, element, MAP, operation].concat().into()),
            })
        })?;
        Ok(all().entry([T::NAME, operation]).or_insert(module).clone())
    }

    /// The pipeline of a window, compiled if none before has needed it.
    pub(super) fn compiled<T: Element>(&self, program: Program, unit: Unit) -> Result<Compiled, Error> {
        let key = (T::NAME, program, unit);
        let all = || self.0.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = all().get(&key) {
            return Ok(compiled.clone());
        }
        let device = &self.0.device;
        let module = self.module::<T>(program)?;
        let compiled = scoped(device, "compiling a pipeline", || {
            let storage = |&(binding, read_only): &(u32, bool)| {
                layout_entry(binding, wgpu::BufferBindingType::Storage { read_only }, 0)
            };
            let uniform = |binding| layout_entry(binding, wgpu::BufferBindingType::Uniform, BLOCK_BYTES as u64);
            let entries: Vec<_> =
                [uniform(0), uniform(1)].into_iter().chain(program.storage().iter().map(storage)).collect();
            let layout = bind_group_layout(device, &entries);
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("hard_sigmoid"),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("hard_sigmoid"),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some(program.entry_point(unit)),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &program.constants(unit),
                    // Counting writes all that it reads.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            });
            Compiled { pipeline, layout }
        })?;
        // Another thread may have been faster; either will do.
        Ok(all().entry(key).or_insert(compiled).clone())
    }
}

pub(super) fn bind_group_layout(
    device: &wgpu::Device,
    entries: &[wgpu::BindGroupLayoutEntry],
) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("hard_sigmoid"), entries })
}

pub(super) fn layout_entry(
    binding: u32,
    ty: wgpu::BufferBindingType,
    min_binding_size: u64,
) -> wgpu::BindGroupLayoutEntry {
    let min_binding_size = std::num::NonZero::new(min_binding_size);
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size },
        count: None,
    }
}
