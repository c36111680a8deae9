//! What an app records: pipelines, bind groups and grids, made once for any number of uses.

use super::Kernel;
use super::arguments::{BufferBlock, ParamSource};
use crate::Element;
use crate::error::BufferRole;
#[cfg(not(target_arch = "wasm32"))]
use crate::gpu::error::root;
use crate::gpu::error::{BindError, Error};
use crate::gpu::objects;
use crate::gpu::scope::scoped;
use crate::plan::program::{
    COUNTER_BYTES, COUNTERS, DISPATCH, DISPATCH_BYTES, GRADIENT, PARAM_BYTES, PARAMS, Program, SOURCE, TARGET,
};
use crate::plan::{Dispatch, Span};

/// A function and the buffers that it reads and writes, ready to be recorded any number of times.
///
/// A binding keeps its buffers alive. It is made by [`Kernel::bind`] and the other `bind` methods. Several threads may
/// record it.
#[derive(Clone, Debug)]
#[must_use = "a binding does nothing until it is recorded"]
pub struct Binding {
    dispatches: Vec<BoundDispatch>,
}

#[derive(Clone, Debug)]
struct BoundDispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    workgroups: u32,
}

impl Binding {
    /// Records the binding into `encoder`, in a compute pass of its own.
    ///
    /// The encoder must be of the kernel's device. If it is not, wgpu reports a validation error to the encoder's
    /// device when the encoder is finished, and may panic if the devices come from two instances.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        self.record_pass(
            &mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("hard_sigmoid"),
                timestamp_writes: None,
            }),
        );
    }

    /// Records the binding into an open compute pass, which may hold any number of bindings and dispatches of yours.
    ///
    /// Afterwards the pass has the binding's pipeline and bind group 0 set.
    pub fn record_pass(&self, pass: &mut wgpu::ComputePass<'_>) {
        for dispatch in &self.dispatches {
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.group, &[]);
            pass.dispatch_workgroups(dispatch.workgroups, 1, 1);
        }
    }
}

/// A dispatch that is still to be bound.
pub(super) struct PlannedDispatch<'a> {
    pub(super) program: Program,
    pub(super) dispatch: Dispatch,
    pub(super) operands: Operands<'a>,
}

/// The buffers of a dispatch. A program uses those for which it has a binding.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub(super) source: &'a wgpu::Buffer,
    pub(super) target: &'a wgpu::Buffer,
    /// The gradient, and by how many bytes its bindings begin after those of the source, modulo 2^64.
    pub(super) gradient: Option<(&'a wgpu::Buffer, u64)>,
    pub(super) counters: Option<BufferBlock<'a>>,
}

impl<'a> PlannedDispatch<'a> {
    /// The buffer of a storage binding, and the part of it that is bound.
    fn storage(&self, binding: u32) -> Option<(&'a wgpu::Buffer, Span)> {
        let (Operands { source, target, gradient, counters }, spans) = (self.operands, &self.dispatch);
        match binding {
            SOURCE => Some((source, spans.source)),
            TARGET => Some((target, spans.target)),
            GRADIENT => gradient.map(|(buffer, further)| {
                (buffer, Span { offset_bytes: spans.source.offset_bytes.wrapping_add(further), ..spans.source })
            }),
            COUNTERS => {
                counters.map(|block| (block.buffer, Span { offset_bytes: block.offset, size_bytes: COUNTER_BYTES }))
            }
            _ => None,
        }
    }
}

/// A buffer of a binding, for errors to name.
#[derive(Clone, Copy)]
pub(super) struct BoundBuffer<'a> {
    pub(super) role: BufferRole,
    pub(super) buffer: &'a wgpu::Buffer,
    pub(super) written: bool,
}

impl Binding {
    /// Binds dispatches, to be recorded in this order. `buffers` are all that they bind besides the parameters.
    pub(super) fn new<T: Element>(
        kernel: &Kernel,
        params: ParamSource<'_, [u8; PARAM_BYTES]>,
        planned: &[PlannedDispatch<'_>],
        buffers: &[BoundBuffer<'_>],
    ) -> Result<Self, Error> {
        let alignment = kernel.limits().min_uniform_buffer_offset_alignment;
        if let ParamSource::Uniform(block) = params {
            check_params(block, alignment, buffers)?;
        }
        if planned.is_empty() {
            return Ok(Self { dispatches: Vec::new() });
        }
        #[cfg(not(target_arch = "wasm32"))]
        check_device(kernel.device(), params, buffers)?;
        let pipelines = planned.iter().map(|p| kernel.pipeline::<T>(p.program)).collect::<Result<Vec<_>, _>>()?;
        let bound = scoped(kernel.device(), "binding buffers", || {
            let stride = u64::from(alignment).max(DISPATCH_BYTES as u64);
            let blocks = uniform_blocks(kernel.device(), params, planned, stride)?;
            let (params, params_offset) = match params {
                ParamSource::Fixed(_) => (&blocks, 0),
                ParamSource::Uniform(BufferBlock { buffer, offset, .. }) => (buffer, offset),
            };
            let mut offset = 0;
            let dispatches = planned.iter().zip(pipelines).map(|(planned, pipeline)| {
                offset += stride;
                let uniforms = [
                    (PARAMS, params, params_offset, PARAM_BYTES as u64),
                    (DISPATCH, &blocks, offset, DISPATCH_BYTES as u64),
                ];
                let storage = planned.program.storage().filter_map(|(binding, _)| {
                    let (buffer, span) = planned.storage(binding)?;
                    Some((binding, buffer, span.offset_bytes, span.size_bytes))
                });
                let buffers = uniforms.into_iter().chain(storage);
                let group = objects::bind_group(kernel.device(), &pipeline.layout, buffers);
                BoundDispatch { pipeline: pipeline.pipeline, group, workgroups: planned.dispatch.groups }
            });
            Ok(Self { dispatches: dispatches.collect() })
        });
        bound?.map_err(Error::Map)
    }
}

/// Checks parameters that are read from a buffer of the app's.
fn check_params(block: BufferBlock<'_>, alignment: u32, buffers: &[BoundBuffer<'_>]) -> Result<(), BindError> {
    let role = BufferRole::Parameters;
    if let Some(other) = buffers.iter().find(|other| other.written && other.buffer == block.buffer) {
        return Err(BindError::Shared { role, other: other.role });
    }
    if !block.buffer.usage().contains(wgpu::BufferUsages::UNIFORM) {
        return Err(BindError::NotUniform { usage: block.buffer.usage() });
    }
    block.check(role, PARAM_BYTES as u64, alignment)
}

/// Makes an immutable uniform buffer with the parameters, if they are fixed, and the blocks of the dispatches, `stride`
/// bytes apart.
///
/// It is written at creation. So it needs no queue, and no later write can replace what an unsubmitted encoder refers
/// to.
fn uniform_blocks(
    device: &wgpu::Device,
    params: ParamSource<'_, [u8; PARAM_BYTES]>,
    planned: &[PlannedDispatch<'_>],
    stride: u64,
) -> Result<wgpu::Buffer, wgpu::MapRangeError> {
    let size = stride * (planned.len() as u64 + 1);
    let buffer = objects::buffer(device, "hard_sigmoid parameters", size, wgpu::BufferUsages::UNIFORM, true);
    let write = |start: u64, block: &[u8]| {
        buffer.get_mapped_range_mut(start..start + block.len() as u64).map(|mut range| range.copy_from_slice(block))
    };
    if let ParamSource::Fixed(bytes) = params {
        write(0, &bytes)?;
    }
    for (i, planned) in (1..).zip(planned) {
        write(stride * i, &planned.dispatch.to_bytes())?;
    }
    buffer.unmap();
    Ok(buffer)
}

/// Checks that buffers are of this device and not destroyed.
///
/// wgpu knows a buffer by a number that is unique only within an instance, so that it may take a buffer of another
/// instance for one of this device. Only their sizes can tell them apart. The device knows its own buffer's size: it
/// must allow to bind up to the end of `buffer`, and refuse to bind more. A browser knows whose a buffer is.
#[cfg(not(target_arch = "wasm32"))]
fn check_device(
    device: &wgpu::Device,
    params: ParamSource<'_, [u8; PARAM_BYTES]>,
    buffers: &[BoundBuffer<'_>],
) -> Result<(), Error> {
    let storage = wgpu::BufferBindingType::Storage { read_only: false };
    let params = match params {
        ParamSource::Fixed(_) => None,
        ParamSource::Uniform(block) => Some((BufferRole::Parameters, block.buffer, wgpu::BufferBindingType::Uniform)),
    };
    let bound = buffers.iter().map(|bound| (bound.role, bound.buffer, storage)).chain(params);
    for (role, buffer, ty) in bound {
        let end = buffer.size() / 4 * 4;
        // Every device allows this alignment.
        let start = end.saturating_sub(4) / 256 * 256;
        let layout =
            scoped(device, "binding a buffer", || objects::bind_group_layout(device, [(0, ty, 0)].into_iter()))?;
        let bind = |size| {
            let part = [(0, buffer, start, size)].into_iter();
            scoped(device, "binding a buffer", || objects::bind_group(device, &layout, part))
        };
        let reason = match (bind(end - start), bind(end - start + 4)) {
            (Ok(_), Err(Error::Device { source: wgpu::Error::Validation { .. }, .. })) => continue,
            (Ok(_), Ok(_)) => "it seems to be of another wgpu::Instance".to_owned(),
            (Err(Error::Device { source, .. }), _) if matches!(source, wgpu::Error::Validation { .. }) => root(&source),
            (Err(Error::Panicked { message, .. }), _) | (_, Err(Error::Panicked { message, .. })) => message,
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        return Err(BindError::Refused { role, reason }.into());
    }
    Ok(())
}
