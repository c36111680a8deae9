//! The compiled shader: what an app embeds, and what the host path dispatches through. It makes bindings (binding.rs);
//! neither submits, polls, blocks or touches the device's callbacks.

use std::sync::{Arc, OnceLock};

use super::binding::WINDOW_BYTES;
use super::scope::scoped;
use crate::error::{BindError, Error};
use crate::plan::{self, Access, Limits, Unit};
use crate::{Element, Params};

/// The definition in front of the map that applies it.
const SHADER: &str = concat!(include_str!("../../shaders/hard_sigmoid.wgsl"), include_str!("../../shaders/map.wgsl"));

const ACCESSES: [Access; 3] = [Access::Across, Access::Arena, Access::Within];

/// The element types of the shader, by its `ELEMENT`.
const ELEMENTS: usize = 3;

/// By vector with rotations 0 to 7, and by word.
const VARIANTS: usize = 9;

/// Hard sigmoid compiled for a device: makes [`Binding`](crate::Binding)s, which record into an app's own encoders and passes.
///
/// Holds handles only and is cheap to clone; clones share their pipelines. A pipeline is compiled when the first
/// binding needs it.
#[derive(Clone, Debug)]
pub struct Kernel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    limits: Limits,
    uniform_alignment: u32,
    module: wgpu::ShaderModule,
    layouts: [wgpu::BindGroupLayout; ACCESSES.len()],
    pipelines: [[[OnceLock<wgpu::ComputePipeline>; VARIANTS]; ACCESSES.len()]; ELEMENTS],
}

impl Kernel {
    /// Compiles the shader for `device`, which needs no features and no limits above
    /// [`wgpu::Limits::downlevel_defaults`].
    ///
    /// # Errors
    ///
    /// [`Error::MissingLimit`] on a device that cannot run compute shaders of this kind, and [`Error::Device`] if the
    /// device refuses to make an object.
    pub fn new(device: &wgpu::Device) -> Result<Self, Error> {
        let limits = device.limits();
        for (name, needed, available) in [
            ("max_compute_invocations_per_workgroup", plan::WORKGROUP, limits.max_compute_invocations_per_workgroup),
            ("max_compute_workgroup_size_x", plan::WORKGROUP, limits.max_compute_workgroup_size_x),
            ("max_compute_workgroups_per_dimension", 1, limits.max_compute_workgroups_per_dimension),
            ("max_storage_buffers_per_shader_stage", 2, limits.max_storage_buffers_per_shader_stage),
            ("max_uniform_buffers_per_shader_stage", 2, limits.max_uniform_buffers_per_shader_stage),
            ("max_bindings_per_bind_group", 4, limits.max_bindings_per_bind_group),
            ("max_bind_groups", 1, limits.max_bind_groups),
        ] {
            if available < needed {
                return Err(Error::MissingLimit { name, needed, available });
            }
        }
        scoped(device, "compiling the shader", || {
            Self(Arc::new(Inner {
                device: device.clone(),
                limits: Limits {
                    binding_bytes: limits.max_storage_buffer_binding_size,
                    alignment_bytes: limits.min_storage_buffer_offset_alignment,
                    groups: limits.max_compute_workgroups_per_dimension,
                },
                uniform_alignment: limits.min_uniform_buffer_offset_alignment,
                module: device.create_shader_module(wgpu::ShaderModuleDescriptor {
                    label: Some("hard_sigmoid"),
                    source: wgpu::ShaderSource::Wgsl(SHADER.into()),
                }),
                layouts: ACCESSES.map(|access| layout(device, access)),
                pipelines: Default::default(),
            }))
        })
    }

    /// The shader's name for an element type.
    pub(super) fn element<T: Element>() -> Result<u32, BindError> {
        T::SHADER.ok_or(BindError::NotOnGpu { element: T::NAME })
    }

    /// Compiles now what bindings of aligned ranges of a type need, across two buffers and in place, so that the first of them
    /// need not wait for it. Ranges that are misaligned against each other still compile their own when first bound.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] for f64, and [`Error::Device`] if the device refuses.
    pub fn compile_ahead<T: Element>(&self) -> Result<(), Error> {
        let element = Self::element::<T>()?;
        for access in [Access::Across, Access::Within] {
            for unit in [Unit::Vector { rotation: 0 }, Unit::Word] {
                self.pipeline(element, access, unit)?;
            }
        }
        Ok(())
    }

    pub(super) fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    pub(super) fn limits(&self) -> Limits {
        self.0.limits
    }

    pub(super) fn uniform_alignment(&self) -> u32 {
        self.0.uniform_alignment
    }

    pub(super) fn layout(&self, access: Access) -> &wgpu::BindGroupLayout {
        &self.0.layouts[access as usize]
    }

    /// The pipeline of a window, compiled if none before has needed it.
    pub(super) fn pipeline(&self, element: u32, access: Access, unit: Unit) -> Result<wgpu::ComputePipeline, Error> {
        let (variant, rotation) = match unit {
            Unit::Vector { rotation } => (rotation as usize, rotation),
            Unit::Word => (VARIANTS - 1, 0),
        };
        let slot = &self.0.pipelines[element as usize][access as usize][variant];
        if let Some(pipeline) = slot.get() {
            return Ok(pipeline.clone());
        }
        let device = &self.0.device;
        let pipeline = scoped(device, "compiling a pipeline", || {
            let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("hard_sigmoid"),
                bind_group_layouts: &[Some(self.layout(access))],
                immediate_size: 0,
            });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("hard_sigmoid"),
                layout: Some(&layout),
                module: &self.0.module,
                entry_point: Some(entry_point(access, unit)),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &[
                        ("WORKGROUP", f64::from(plan::WORKGROUP)),
                        ("ROTATION", f64::from(rotation)),
                        ("ELEMENT", f64::from(element)),
                    ],
                    ..Default::default()
                },
                cache: None,
            })
        })?;
        // Another thread may have been faster; either will do.
        Ok(slot.get_or_init(|| pipeline).clone())
    }
}

const fn entry_point(access: Access, unit: Unit) -> &'static str {
    match (access, unit) {
        (Access::Across, Unit::Vector { .. }) => "map_across",
        (Access::Across, Unit::Word) => "map_across_words",
        (Access::Arena, Unit::Vector { .. }) => "map_arena",
        (Access::Arena, Unit::Word) => "map_arena_words",
        (Access::Within, Unit::Vector { .. }) => "map_within",
        (Access::Within, Unit::Word) => "map_within_words",
    }
}

fn layout(device: &wgpu::Device, access: Access) -> wgpu::BindGroupLayout {
    let uniform = |binding, size: usize| layout_entry(binding, wgpu::BufferBindingType::Uniform, size as u64);
    let storage = |binding, read_only| layout_entry(binding, wgpu::BufferBindingType::Storage { read_only }, 0);
    let entries = [
        uniform(0, size_of::<Params>()),
        uniform(1, WINDOW_BYTES),
        storage(3, false),
        storage(2, access == Access::Across),
    ];
    bind_group_layout(device, if access == Access::Within { &entries[..3] } else { &entries })
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
