//! From ranges of buffers to the dispatches of a binding.

use super::Kernel;
use super::arguments::{BufferBlock, BufferRange};
use super::binding::{BoundBuffer, Operands, PlannedDispatch};
use crate::Element;
use crate::error::BufferRole;
use crate::gpu::error::BindError;
use crate::plan::program::{COUNTER_BYTES, Operation, Program};
use crate::plan::{self, Buffers, Dispatch, Dispatches, Start};

impl Kernel {
    /// Plans an operation from a source to the target.
    pub(super) fn map<'a, T: Element>(
        &self,
        operation: Operation,
        source: (BufferRole, &BufferRange<'a>),
        target: &BufferRange<'a>,
    ) -> Result<Vec<PlannedDispatch<'a>>, BindError> {
        let operands = Operands::new(source.1, target);
        let dispatches = self.dispatches::<T>(source, (BufferRole::Target, target))?;
        Ok(dispatches.map(|dispatch| operands.planned(operation, dispatch)).collect())
    }

    pub(super) fn backward<'a, T: Element>(
        &self,
        saved: &BufferRange<'a>,
        grad_y: &BufferRange<'a>,
        grad_x: &BufferRange<'a>,
    ) -> Result<Vec<PlannedDispatch<'a>>, BindError> {
        let (source, gradient) = ((BufferRole::Source, saved), (BufferRole::Gradient, grad_y));
        // Both are planned, since both ranges have to be checked.
        let copy = self.map::<T>(Operation::Copy, gradient, grad_x)?;
        let in_place = self.map::<T>(Operation::Backward, source, grad_x)?;
        let (saved_start, len) = saved.resolve::<T>(BufferRole::Source)?;
        let (grad_start, _) = grad_y.resolve::<T>(BufferRole::Gradient)?;
        let (target_start, _) = grad_x.resolve::<T>(BufferRole::Target)?;
        let is_target = |range: &BufferRange<'_>, start| range.buffer == grad_x.buffer && start == target_start;
        if is_target(grad_y, grad_start) {
            return Ok(in_place);
        }
        if is_target(saved, saved_start) {
            return self.map::<T>(Operation::BackwardOverSaved, gradient, grad_x);
        }
        let apart = grad_start.element.wrapping_sub(saved_start.element).wrapping_mul(size_of::<T>() as u64);
        let alignment = u64::from(self.plan_limits().alignment_bytes).max(16);
        if [saved, grad_y].iter().any(|range| range.buffer == grad_x.buffer)
            || !apart.is_multiple_of(alignment)
            || !self.binds_three_buffers()
        {
            return Ok(copy.into_iter().chain(in_place).collect());
        }
        let operands = Operands { gradient: Some((grad_y.buffer, apart)), ..Operands::new(saved, grad_x) };
        // The bindings of both sources are of the same size, so that the shorter buffer counts.
        let behind = grad_start.buffer_bytes.saturating_sub(grad_start.element * size_of::<T>() as u64);
        let end = (saved_start.element * size_of::<T>() as u64).saturating_add(behind);
        let shorter = Start { buffer_bytes: saved_start.buffer_bytes.min(end), ..saved_start };
        let dispatches =
            self.plan::<T>((BufferRole::Source, shorter), (BufferRole::Target, target_start), len, Buffers::Two)?;
        Ok(dispatches.map(|dispatch| operands.planned(Operation::BackwardOfPair, dispatch)).collect())
    }

    /// Whether a dispatch may have a third storage buffer. Without, there are two dispatches instead.
    pub(super) fn binds_three_buffers(&self) -> bool {
        self.limits().max_storage_buffers_per_shader_stage >= 3
    }

    /// Plans dispatches from a range to another of the same length.
    pub(super) fn dispatches<T: Element>(
        &self,
        source: (BufferRole, &BufferRange<'_>),
        target: (BufferRole, &BufferRange<'_>),
    ) -> Result<Dispatches, BindError> {
        Self::check_element::<T>()?;
        let buffers = if source.1.buffer == target.1.buffer { Buffers::One } else { Buffers::Two };
        let (source_start, source_len) = source.1.resolve::<T>(source.0)?;
        let (target_start, target_len) = target.1.resolve::<T>(target.0)?;
        if source_len != target_len {
            return Err(BindError::Lengths { role: source.0, source_len, target_len });
        }
        self.plan::<T>((source.0, source_start), (target.0, target_start), source_len, buffers)
    }

    fn plan<T: Element>(
        &self,
        source: (BufferRole, Start),
        target: (BufferRole, Start),
        len: u64,
        buffers: Buffers,
    ) -> Result<Dispatches, BindError> {
        plan::dispatches(source.1, target.1, len, size_of::<T>() as u64, buffers, self.plan_limits())
            .map_err(|error| BindError::Plan(error.with_roles(source.0, target.0)))
    }

    /// Checks that counters can be bound beside the other `buffers`.
    pub(super) fn check_counters(
        &self,
        counters: BufferBlock<'_>,
        buffers: &[BoundBuffer<'_>],
    ) -> Result<(), BindError> {
        let role = BufferRole::Counters;
        if !counters.buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
            return Err(BindError::NotStorage { role, usage: counters.buffer.usage() });
        }
        if let Some(other) = buffers.iter().find(|other| other.role != role && other.buffer == counters.buffer) {
            return Err(BindError::Shared { role, other: other.role });
        }
        counters.check(role, COUNTER_BYTES, self.limits().min_storage_buffer_offset_alignment)
    }
}

impl<'a> Operands<'a> {
    pub(super) fn new(source: &BufferRange<'a>, target: &BufferRange<'a>) -> Self {
        Self { source: source.buffer, target: target.buffer, gradient: None, counters: None }
    }

    pub(super) fn planned(self, operation: Operation, dispatch: Dispatch) -> PlannedDispatch<'a> {
        let program = Program::new(operation, dispatch.access, dispatch.unit);
        PlannedDispatch { program, dispatch, operands: self }
    }
}
