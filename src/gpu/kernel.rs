//! The compiled shader: what an app embeds, and what the host path dispatches through.
//!
//! A kernel makes bindings and a binding records itself into an encoder or a pass. Neither submits, polls, blocks or
//! touches the device's callbacks.

use std::sync::{Arc, OnceLock};

use crate::error::{BindError, Error, Side};
use crate::gpu::scope::scoped;
use crate::plan::{self, Access, Buffers, Limits, Start, Unit, Window};
use crate::{HardSigmoid, Params};

/// The definition in front of the map that applies it.
const SHADER: &str = concat!(include_str!("../../shaders/hard_sigmoid.wgsl"), include_str!("../../shaders/map.wgsl"));

const ACCESSES: [Access; 3] = [Access::Across, Access::Arena, Access::Within];

/// Rotations 0 to 3 by vector, and by word.
const VARIANTS: usize = 5;

/// Hard sigmoid compiled for a device: makes [`Binding`]s, which record into an app's own encoders and passes.
///
/// Holds handles only and is cheap to clone; clones share their pipelines. A pipeline is compiled when the first
/// binding needs it.
#[derive(Clone, Debug)]
pub struct Kernel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    limits: Limits,
    module: wgpu::ShaderModule,
    layouts: [wgpu::BindGroupLayout; ACCESSES.len()],
    pipelines: [[OnceLock<wgpu::ComputePipeline>; VARIANTS]; ACCESSES.len()],
}

/// A range of f32 elements in a storage buffer.
///
/// From a `&Buffer`, which means all of it, or from a `(&Buffer, Range<u64>)` of element indices.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    buffer: &'a wgpu::Buffer,
    range: std::ops::Range<u64>,
}

impl<'a> From<&'a wgpu::Buffer> for Elements<'a> {
    fn from(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, range: 0..buffer.size() / size_of::<f32>() as u64 }
    }
}

impl<'a> From<(&'a wgpu::Buffer, std::ops::Range<u64>)> for Elements<'a> {
    fn from((buffer, range): (&'a wgpu::Buffer, std::ops::Range<u64>)) -> Self {
        Self { buffer, range }
    }
}

impl Elements<'_> {
    fn len(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    fn start(&self) -> Start {
        Start { word: self.range.start, buffer_bytes: self.buffer.size() }
    }
}

/// A function, a source and a target, ready to be recorded any number of times.
///
/// Keeps the buffers alive. Made by [`Kernel::bind`].
#[derive(Clone, Debug)]
pub struct Binding {
    dispatches: Vec<Dispatch>,
}

#[derive(Clone, Debug)]
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    groups: u32,
}

/// The window as the shader reads it: the struct `Window` in `map.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct WindowBlock {
    source_first: u32,
    target_first: u32,
    len: u32,
    /// Uniform blocks are multiples of 16 bytes long.
    padding: u32,
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
                module: device.create_shader_module(wgpu::ShaderModuleDescriptor {
                    label: Some("hard_sigmoid"),
                    source: wgpu::ShaderSource::Wgsl(SHADER.into()),
                }),
                layouts: ACCESSES.map(|access| layout(device, access)),
                pipelines: Default::default(),
            }))
        })
    }

    /// Binds `f` to a source and a target of equally many elements, of the same buffer or of two.
    ///
    /// The same range of one buffer means in place. Ranges may begin at any element and have any length: beyond the
    /// device's limits a binding records several dispatches. Bytes outside of the target range are not touched.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] if a buffer lacks `STORAGE` usage, the ranges differ in length, leave their buffer, or overlap
    /// without being the same; [`Error::Device`] if the device refuses, as for a buffer of another device.
    pub fn bind<'a>(
        &self,
        f: HardSigmoid,
        source: impl Into<Elements<'a>>,
        target: impl Into<Elements<'a>>,
    ) -> Result<Binding, Error> {
        let (source, target) = (source.into(), target.into());
        for (side, elements) in [(Side::Source, &source), (Side::Target, &target)] {
            if !elements.buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
                return Err(BindError::NotStorage { side, usage: elements.buffer.usage() }.into());
            }
        }
        if source.len() != target.len() {
            return Err(BindError::Lengths { source_len: source.len(), target_len: target.len() }.into());
        }
        let buffers = if source.buffer == target.buffer { Buffers::One } else { Buffers::Two };
        let windows: Vec<_> = plan::windows(source.start(), target.start(), source.len(), buffers, self.0.limits)
            .map_err(BindError::from)?
            .collect();
        let pipelines = windows.iter().map(|w| self.pipeline(w)).collect::<Result<Vec<_>, _>>()?;
        let dispatches = scoped(&self.0.device, "binding buffers", || {
            let (params, stride) = self.params(f, &windows)?;
            let bind = |(i, (window, pipeline)): (usize, (&Window, wgpu::ComputePipeline))| Dispatch {
                pipeline,
                group: self.bind_group(&params, stride * (i as u64 + 1), window, source.buffer, target.buffer),
                groups: window.groups,
            };
            Ok(windows.iter().zip(pipelines).enumerate().map(bind).collect())
        })?
        .map_err(Error::Map)?;
        Ok(Binding { dispatches })
    }

    /// The pipeline of a window, compiled if no window before has needed it.
    fn pipeline(&self, window: &Window) -> Result<wgpu::ComputePipeline, Error> {
        let (variant, rotation) = match window.unit {
            Unit::Vector { rotation } => (rotation as usize, rotation),
            Unit::Word => (VARIANTS - 1, 0),
        };
        let slot = &self.0.pipelines[window.access as usize][variant];
        if let Some(pipeline) = slot.get() {
            return Ok(pipeline.clone());
        }
        let device = &self.0.device;
        let pipeline = scoped(device, "compiling a pipeline", || {
            let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("hard_sigmoid"),
                bind_group_layouts: &[self.0.layouts.get(window.access as usize)],
                immediate_size: 0,
            });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("hard_sigmoid"),
                layout: Some(&layout),
                module: &self.0.module,
                entry_point: Some(entry_point(window)),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &[("WORKGROUP", f64::from(plan::WORKGROUP)), ("ROTATION", f64::from(rotation))],
                    ..Default::default()
                },
                cache: None,
            })
        })?;
        // Another thread may have been faster; either will do.
        Ok(slot.get_or_init(|| pipeline).clone())
    }

    /// One immutable uniform buffer with the function and, `stride` bytes apart, the windows. Written at creation, so
    /// that it needs no queue and two bindings in one submit cannot overwrite each other's.
    fn params(&self, f: HardSigmoid, windows: &[Window]) -> Result<(wgpu::Buffer, u64), wgpu::MapRangeError> {
        let stride = u64::from(self.0.device.limits().min_uniform_buffer_offset_alignment);
        let buffer = self.0.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("hard_sigmoid parameters"),
            size: stride * (windows.len() as u64 + 1),
            usage: wgpu::BufferUsages::UNIFORM,
            mapped_at_creation: true,
        });
        let blocks = windows.iter().map(|w| WindowBlock {
            source_first: w.source_first,
            target_first: w.target_first,
            len: w.len,
            padding: 0,
        });
        let params: Params = f.params();
        let mut offset = 0;
        let mut put = |bytes: &[u8]| {
            buffer.get_mapped_range_mut(offset..offset + bytes.len() as u64)?.copy_from_slice(bytes);
            offset += stride;
            Ok(())
        };
        put(bytemuck::bytes_of(&params))?;
        for block in blocks {
            put(bytemuck::bytes_of(&block))?;
        }
        buffer.unmap();
        Ok((buffer, stride))
    }

    fn bind_group(
        &self,
        params: &wgpu::Buffer,
        block: u64,
        window: &Window,
        source: &wgpu::Buffer,
        target: &wgpu::Buffer,
    ) -> wgpu::BindGroup {
        fn entry(binding: u32, buffer: &wgpu::Buffer, offset: u64, size: u64) -> wgpu::BindGroupEntry<'_> {
            let size = std::num::NonZero::new(size);
            let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size });
            wgpu::BindGroupEntry { binding, resource }
        }
        let entries = [
            entry(0, params, 0, size_of::<Params>() as u64),
            entry(1, params, block, size_of::<WindowBlock>() as u64),
            entry(3, target, window.target.offset_bytes, window.target.size_bytes),
            entry(2, source, window.source.offset_bytes, window.source.size_bytes),
        ];
        let used = if window.access == Access::Within { 3 } else { 4 };
        self.0.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("hard_sigmoid"),
            layout: &self.0.layouts[window.access as usize],
            entries: &entries[..used],
        })
    }
}

impl Binding {
    /// Records the binding into `encoder`, as a compute pass of its own.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        self.record_pass(
            &mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("hard_sigmoid"),
                timestamp_writes: None,
            }),
        );
    }

    /// Records the binding into an open compute pass. Leaves its own pipeline and bind group 0 set.
    pub fn record_pass(&self, pass: &mut wgpu::ComputePass<'_>) {
        for dispatch in &self.dispatches {
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.group, &[]);
            pass.dispatch_workgroups(dispatch.groups, 1, 1);
        }
    }
}

const fn entry_point(window: &Window) -> &'static str {
    match (window.access, window.unit) {
        (Access::Across, Unit::Vector { .. }) => "map_across",
        (Access::Across, Unit::Word) => "map_across_words",
        (Access::Arena, Unit::Vector { .. }) => "map_arena",
        (Access::Arena, Unit::Word) => "map_arena_words",
        (Access::Within, Unit::Vector { .. }) => "map_within",
        (Access::Within, Unit::Word) => "map_within_words",
    }
}

fn layout(device: &wgpu::Device, access: Access) -> wgpu::BindGroupLayout {
    let entry = |binding, ty, min_binding_size| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: false,
            min_binding_size: std::num::NonZero::new(min_binding_size),
        },
        count: None,
    };
    let uniform = |binding, size: usize| entry(binding, wgpu::BufferBindingType::Uniform, size as u64);
    let storage = |binding, read_only| entry(binding, wgpu::BufferBindingType::Storage { read_only }, 0);
    let entries = [
        uniform(0, size_of::<Params>()),
        uniform(1, size_of::<WindowBlock>()),
        storage(3, false),
        storage(2, access == Access::Across),
    ];
    let used = if access == Access::Within { 3 } else { 4 };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("hard_sigmoid"),
        entries: &entries[..used],
    })
}
