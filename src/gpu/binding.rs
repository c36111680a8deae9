//! What a binding is, recorded into an app's encoders and passes any number of times, and how it is made from windows.

use std::num::NonZero;

use super::arguments::{Elements, Parameters};
use super::kernel::{Kernel, Program, bind_group_layout, layout_entry};
use super::scope::scoped;
use crate::Element;
use crate::error::{BindError, Error, Side, root};
use crate::plan::{self, Access, Buffers, Span, Unit, Window, Windows};

/// Bytes of a uniform block: the parameters of a function, and the struct `Window` of the shader.
pub(super) const BLOCK_BYTES: usize = 16;

/// A function and the buffers that it reads and writes, ready to be recorded any number of times.
///
/// Keeps its buffers alive. Made by [`Kernel::bind`] and its siblings.
#[derive(Clone, Debug)]
#[must_use = "a binding does nothing until it is recorded"]
pub struct Binding {
    dispatches: Vec<Dispatch>,
}

#[derive(Clone, Debug)]
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    groups: u32,
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

    /// Records the binding into an open compute pass, which may hold any number of bindings. Leaves its own pipeline and
    /// bind group 0 set.
    pub fn record_pass(&self, pass: &mut wgpu::ComputePass<'_>) {
        for dispatch in &self.dispatches {
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.group, &[]);
            pass.dispatch_workgroups(dispatch.groups, 1, 1);
        }
    }
}

/// A dispatch to be.
pub(super) struct Task<'a> {
    pub(super) program: Program,
    pub(super) unit: Unit,
    /// The fields of the shader's `Window`.
    numbers: [u32; 3],
    groups: u32,
    /// In the order of [`Program::storage`].
    storage: Vec<(&'a wgpu::Buffer, Span)>,
}

impl<'a> Task<'a> {
    /// `storage`: from what the window says of its source and target and what else the program needs.
    pub(super) fn new(program: Program, window: &Window, storage: Vec<(&'a wgpu::Buffer, Span)>) -> Self {
        let Window { unit, source_first, target_first, len, groups, .. } = *window;
        Self { program, unit, numbers: [source_first, target_first, len], groups, storage }
    }
}

/// The buffers of a window's source, unless it is within the target's binding, and of its target.
pub(super) fn sides<'a>(
    window: &Window,
    source: &'a wgpu::Buffer,
    target: &'a wgpu::Buffer,
) -> Vec<(&'a wgpu::Buffer, Span)> {
    match window.access {
        Access::Across | Access::Arena => vec![(source, window.source), (target, window.target)],
        Access::Within => vec![(target, window.target)],
    }
}

impl Kernel {
    /// The windows from a range to another of the same length, of the same buffer or of two.
    pub(super) fn windows<T: Element>(
        &self,
        source: (Side, &Elements<'_>),
        target: (Side, &Elements<'_>),
    ) -> Result<Windows, BindError> {
        Self::element::<T>()?;
        let buffers = if source.1.buffer() == target.1.buffer() { Buffers::One } else { Buffers::Two };
        let (source_start, source_len) = source.1.resolve::<T>(source.0)?;
        let (target_start, target_len) = target.1.resolve::<T>(target.0)?;
        if source_len != target_len {
            return Err(BindError::Lengths { side: source.0, source_len, target_len });
        }
        let bytes = size_of::<T>() as u64;
        plan::windows(source_start, target_start, source_len, bytes, buffers, self.plan_limits())
            .map_err(|error| BindError::Plan(error.with_sides(source.0, target.0)))
    }

    /// Makes a binding of dispatches in this order. `buffers`: all that they bind, besides the parameters, and whether it
    /// is written to.
    pub(super) fn binding<T: Element>(
        &self,
        parameters: Parameters<'_>,
        tasks: &[Task<'_>],
        buffers: &[(Side, &wgpu::Buffer, bool)],
    ) -> Result<Binding, Error> {
        let written: Vec<_> = buffers.iter().filter(|b| b.2).map(|&(side, buffer, _)| (side, buffer)).collect();
        let alignment = self.limits().min_uniform_buffer_offset_alignment;
        parameters.check(&written, alignment)?;
        if tasks.is_empty() {
            return Ok(Binding { dispatches: Vec::new() });
        }
        let compiled = tasks.iter().map(|t| self.compiled::<T>(t.program, t.unit)).collect::<Result<Vec<_>, _>>()?;
        let bound = scoped(self.device(), "binding buffers", || {
            let stride = u64::from(alignment).max(BLOCK_BYTES as u64);
            let block = self.block(parameters, tasks, stride)?;
            let (parameters, parameters_offset) = match parameters {
                Parameters::Fixed(_) => (&block, 0),
                Parameters::Uniform { buffer, offset } => (buffer, offset),
            };
            let mut offset = 0;
            let dispatches = tasks.iter().zip(compiled).map(|(task, compiled)| {
                offset += stride;
                let mut entries = vec![
                    entry(0, parameters, parameters_offset, BLOCK_BYTES as u64),
                    entry(1, &block, offset, BLOCK_BYTES as u64),
                ];
                let storage = task.program.storage().iter().zip(&task.storage);
                entries.extend(storage.map(|(&(binding, _), &(buffer, span))| {
                    entry(binding, buffer, span.offset_bytes, span.size_bytes)
                }));
                let group = self.device().create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some("hard_sigmoid"),
                    layout: &compiled.layout,
                    entries: &entries,
                });
                Dispatch { pipeline: compiled.pipeline, group, groups: task.groups }
            });
            Ok(Binding { dispatches: dispatches.collect() })
        });
        match bound {
            Ok(bound) => bound.map_err(Error::Map),
            Err(error) => Err(self.refused(parameters, buffers).map_or(error, Error::Bind)),
        }
    }

    /// Which buffer it is that the device refuses.
    fn refused(&self, parameters: Parameters<'_>, buffers: &[(Side, &wgpu::Buffer, bool)]) -> Option<BindError> {
        let storage = wgpu::BufferBindingType::Storage { read_only: false };
        let parameters = match parameters {
            Parameters::Fixed(_) => None,
            Parameters::Uniform { buffer, .. } => Some((Side::Parameters, buffer, wgpu::BufferBindingType::Uniform)),
        };
        buffers.iter().map(|&(side, buffer, _)| (side, buffer, storage)).chain(parameters).find_map(
            |(side, buffer, ty)| {
                let refusal = scoped(self.device(), "binding a buffer", || {
                    let layout = bind_group_layout(self.device(), &[layout_entry(0, ty, 0)]);
                    let entries = &[entry(0, buffer, 0, 16.min(buffer.size()))];
                    self.device().create_bind_group(&wgpu::BindGroupDescriptor {
                        label: None,
                        layout: &layout,
                        entries,
                    })
                });
                let Err(Error::Device { source, .. }) = refusal else { return None };
                Some(BindError::Refused { side, reason: root(&source) })
            },
        )
    }

    /// An immutable uniform buffer with the parameters (where they are fixed) and the windows, `stride` bytes apart.
    /// Written at creation, so that it needs no queue, and what one binding reads is not overwritten for another before
    /// the submit that both are in.
    fn block(
        &self,
        parameters: Parameters<'_>,
        tasks: &[Task<'_>],
        stride: u64,
    ) -> Result<wgpu::Buffer, wgpu::MapRangeError> {
        let buffer = self.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("hard_sigmoid parameters"),
            size: stride * (tasks.len() as u64 + 1),
            usage: wgpu::BufferUsages::UNIFORM,
            mapped_at_creation: true,
        });
        let mut offset = 0;
        let mut put = |block: [u8; BLOCK_BYTES]| {
            buffer.get_mapped_range_mut(offset..offset + BLOCK_BYTES as u64)?.copy_from_slice(&block);
            offset += stride;
            Ok(())
        };
        put(match parameters {
            Parameters::Fixed(bytes) => bytes,
            Parameters::Uniform { .. } => [0; BLOCK_BYTES],
        })?;
        for Task { numbers: [source_first, target_first, len], .. } in tasks {
            // The fields of the struct, and padding.
            put(bytemuck::cast([*source_first, *target_first, *len, 0]))?;
        }
        buffer.unmap();
        Ok(buffer)
    }
}

fn entry(binding: u32, buffer: &wgpu::Buffer, offset: u64, size: u64) -> wgpu::BindGroupEntry<'_> {
    let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: NonZero::new(size) });
    wgpu::BindGroupEntry { binding, resource }
}
