//! What an app records: pipelines, bind groups and numbers of workgroups, made once for any number of uses.

use std::sync::Arc;

use super::Kernel;
use super::arguments::{BufferBlock, ParamSource};
#[cfg(not(target_arch = "wasm32"))]
use super::checks::check_device;
use super::checks::{BoundBuffer, check_params, check_usage};
use crate::gpu::error::Error;
use crate::gpu::objects;
use crate::gpu::scope::scoped;
use crate::hard_sigmoid::PARAMETER_BYTES;
use crate::plan::{BLOCK_BYTES, Recipe, Resource, Step};

/// A function and the buffers that it reads and writes, ready to be recorded any number of times.
///
/// A binding keeps its buffers alive. It is made by [`Kernel::bind`] and the other `bind` methods. Several threads may
/// record it.
#[derive(Clone)]
#[must_use = "a binding does nothing until it is recorded"]
pub struct Binding {
    dispatches: Vec<BoundDispatch>,
    /// That of the pass.
    label: Arc<str>,
}

#[derive(Clone)]
struct BoundDispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    workgroups: [u32; 2],
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let workgroups: Vec<_> = self.dispatches.iter().map(|dispatch| dispatch.workgroups).collect();
        f.debug_struct("Binding").field("label", &self.label).field("workgroups", &workgroups).finish_non_exhaustive()
    }
}

impl Binding {
    /// Records the binding into `encoder`, in a compute pass of its own.
    ///
    /// The encoder must be of the kernel's device. If it is not, wgpu reports a validation error to the encoder's
    /// device when the encoder is finished and when it is submitted, and may panic if the devices come from two
    /// instances.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        self.record_pass(
            &mut encoder
                .begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(&self.label), timestamp_writes: None }),
        );
    }

    /// Records the binding into an open compute pass, which may hold any number of bindings and dispatches of yours.
    ///
    /// Afterwards the pass has the binding's pipeline and bind group 0 set.
    pub fn record_pass(&self, pass: &mut wgpu::ComputePass<'_>) {
        for dispatch in &self.dispatches {
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.group, &[]);
            let [x, y] = dispatch.workgroups;
            pass.dispatch_workgroups(x, y, 1);
        }
    }
}

impl Binding {
    pub(super) fn nothing(kernel: &Kernel) -> Self {
        Self { dispatches: Vec::new(), label: kernel.label().clone() }
    }

    /// Runs another binding after this.
    pub(super) fn append(&mut self, other: Self) {
        self.dispatches.extend(other.dispatches);
    }

    /// Binds a recipe.
    pub(super) fn new(
        kernel: &Kernel,
        params: ParamSource<'_, [u8; PARAMETER_BYTES]>,
        recipe: Recipe<&wgpu::Buffer>,
    ) -> Result<Self, Error> {
        let recipe = kernel.with_own_length(recipe)?;
        let alignment = kernel.limits().min_uniform_buffer_offset_alignment;
        let buffers = recipe.buffers().map(|(role, buffer, written)| BoundBuffer { role, buffer, written });
        let buffers = &buffers.collect::<Vec<_>>();
        check_usage(buffers)?;
        if let ParamSource::Uniform(block) = params {
            check_params(block, alignment, buffers)?;
        }
        let steps: Vec<_> = recipe.steps().collect();
        if steps.is_empty() {
            return Ok(Self::nothing(kernel));
        }
        #[cfg(not(target_arch = "wasm32"))]
        check_device(kernel.device(), params, buffers)?;
        let pipelines = steps.iter().map(|step| kernel.pipeline(step.program())).collect::<Result<Vec<_>, _>>()?;
        let bound = scoped(kernel.device(), "binding buffers", || {
            let stride = (BLOCK_BYTES as u64).next_multiple_of(alignment.into());
            let blocks = uniform_blocks(kernel, params, &steps, stride)?;
            let (params, params_offset) = match params {
                ParamSource::Fixed(_) => (&blocks, 0),
                ParamSource::Uniform(BufferBlock { buffer, offset, .. }) => (buffer, offset),
            };
            let mut block_offset = 0;
            let dispatches = steps.iter().zip(pipelines).map(|(step, pipeline)| {
                block_offset += stride;
                let buffers = step.bindings().map(|(binding, resource)| match resource {
                    Resource::Parameters => (binding, params, params_offset, PARAMETER_BYTES as u64),
                    Resource::Block => (binding, &blocks, block_offset, BLOCK_BYTES as u64),
                    Resource::Storage { buffer, offset_bytes, size_bytes, .. } => {
                        (binding, buffer, offset_bytes, size_bytes)
                    }
                });
                let layout = pipeline.get_bind_group_layout(0);
                let group = objects::bind_group(kernel.device(), kernel.label(), &layout, buffers);
                BoundDispatch { pipeline, group, workgroups: step.workgroups() }
            });
            Ok(Self { dispatches: dispatches.collect(), label: kernel.label().clone() })
        });
        bound?.map_err(Error::Map)
    }
}

/// Makes an immutable uniform buffer with the parameters, if they are fixed, and the blocks of the dispatches, `stride`
/// bytes apart.
///
/// It is written at creation. So it needs no queue, and no later write can replace what an unsubmitted encoder refers
/// to.
fn uniform_blocks(
    kernel: &Kernel,
    params: ParamSource<'_, [u8; PARAMETER_BYTES]>,
    steps: &[Step<&wgpu::Buffer>],
    stride: u64,
) -> Result<wgpu::Buffer, wgpu::MapRangeError> {
    let size = stride * (steps.len() as u64 + 1);
    let buffer = objects::buffer(kernel.device(), kernel.label(), size, wgpu::BufferUsages::UNIFORM, true);
    let write = |start: u64, block: &[u8]| {
        buffer.get_mapped_range_mut(start..start + block.len() as u64).map(|mut range| range.copy_from_slice(block))
    };
    if let ParamSource::Fixed(bytes) = params {
        write(0, &bytes)?;
    }
    for (i, step) in (1..).zip(steps) {
        write(stride * i, &step.block())?;
    }
    buffer.unmap();
    Ok(buffer)
}
