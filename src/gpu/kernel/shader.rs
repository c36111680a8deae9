//! What Rust and WGSL share: the files that a shader is joined from, its entry points, constants, bindings and blocks.
//! The tests compare all of it with the WGSL and need no GPU.

use bytemuck::{Pod, Zeroable};

use crate::Saturation;
use crate::plan::{self, Access, Dispatch, Unit};

/// Binding numbers, all in bind group 0.
pub(super) const PARAMS: u32 = 0;
pub(super) const DISPATCH: u32 = 1;
pub(super) const SOURCE: u32 = 2;
pub(super) const TARGET: u32 = 3;
pub(super) const GRADIENT: u32 = 4;
pub(super) const COUNTERS: u32 = 5;

/// Bytes of the uniform block with the parameters of a function.
pub(super) const PARAM_BYTES: usize = 16;

/// Bytes of the counters.
pub(super) const COUNTER_BYTES: u64 = size_of::<Saturation>() as u64;

/// Bytes of workgroup memory that counting uses.
pub(super) const COUNTING_BYTES: u32 = 16;

/// The shader's struct `Dispatch`, padded to a uniform block.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct DispatchBlock {
    source_first: u32,
    target_first: u32,
    len: u32,
    head: u32,
    vector_groups: u32,
    padding: [u32; 3],
}

/// Bytes of this block.
pub(super) const DISPATCH_BYTES: usize = size_of::<DispatchBlock>();

impl From<&Dispatch> for DispatchBlock {
    fn from(dispatch: &Dispatch) -> Self {
        let &Dispatch { source_first, target_first, len, head, vector_groups, .. } = dispatch;
        Self { source_first, target_first, len, head, vector_groups, padding: [0; 3] }
    }
}

/// What a dispatch computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    /// The function.
    Forward,
    /// How many results of the function are 0, 1, between them, and NaN.
    Count,
    /// Both of these.
    ForwardAndCount,
    /// The source as it is.
    Copy,
    /// The backward pass. The source was saved by the forward pass; the target holds the gradient, which is replaced.
    Backward,
    /// The backward pass. The source is the gradient; the target holds what was saved, which is replaced.
    BackwardOverSaved,
    /// The backward pass from two sources, which are aligned alike.
    BackwardOfPair,
}

/// A pipeline: one entry point of one shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Program {
    pub(super) operation: Operation,
    pub(super) access: Access,
    pub(super) unit: Unit,
}

impl Program {
    pub(super) fn new(operation: Operation, access: Access, unit: Unit) -> Self {
        // Counting has no target to share a buffer with.
        let access = if operation == Operation::Count { Access::SeparateBuffer } else { access };
        Self { operation, access, unit }
    }

    /// Joins the shader from whole files, of which it gets only what it needs: leaving out what is not used takes
    /// drivers longer than compiling the rest.
    pub(super) fn wgsl(self, element: &str) -> String {
        let source = match self.access {
            Access::SeparateBuffer => include_str!("../../../shaders/source/separate_buffer.wgsl"),
            Access::SameBuffer => include_str!("../../../shaders/source/same_buffer.wgsl"),
            Access::SameBinding => include_str!("../../../shaders/source/same_binding.wgsl"),
        };
        let operand = match self.operation {
            Operation::BackwardOfPair => include_str!("../../../shaders/operand/gradient.wgsl"),
            _ => include_str!("../../../shaders/operand/target.wgsl"),
        };
        let operation = match self.operation {
            Operation::Forward | Operation::Count | Operation::ForwardAndCount => {
                include_str!("../../../shaders/op/forward.wgsl")
            }
            Operation::Copy => include_str!("../../../shaders/op/copy.wgsl"),
            Operation::Backward | Operation::BackwardOfPair => {
                concat!(
                    include_str!("../../../shaders/op/backward_words.wgsl"),
                    include_str!("../../../shaders/op/backward.wgsl")
                )
            }
            Operation::BackwardOverSaved => {
                concat!(
                    include_str!("../../../shaders/op/backward_words.wgsl"),
                    include_str!("../../../shaders/op/backward_over_saved.wgsl")
                )
            }
        };
        let unit = match self.unit {
            Unit::Word => include_str!("../../../shaders/unit/words.wgsl"),
            Unit::Vector { .. } | Unit::Mixed { .. } => include_str!("../../../shaders/unit/vectors.wgsl"),
        };
        let count = match self.unit {
            _ if !self.counts() => "",
            Unit::Word => {
                concat!(
                    include_str!("../../../shaders/count/count.wgsl"),
                    include_str!("../../../shaders/count/words.wgsl"),
                )
            }
            Unit::Vector { .. } | Unit::Mixed { .. } => {
                concat!(
                    include_str!("../../../shaders/count/count.wgsl"),
                    include_str!("../../../shaders/count/vectors.wgsl"),
                )
            }
        };
        let map = include_str!("../../../shaders/map.wgsl");
        [crate::WGSL, element, source, operand, operation, unit, map, count].concat()
    }

    const fn counts(self) -> bool {
        matches!(self.operation, Operation::Count | Operation::ForwardAndCount)
    }

    pub(super) const fn entry_point(self) -> &'static str {
        match (self.operation, self.unit) {
            (Operation::Count, Unit::Vector { .. }) => "count_vectors",
            (Operation::Count, Unit::Word) => "count_words",
            (Operation::Count, Unit::Mixed { .. }) => "count_mixed",
            (Operation::ForwardAndCount, Unit::Vector { .. }) => "map_count_vectors",
            (Operation::ForwardAndCount, Unit::Word) => "map_count_words",
            (Operation::ForwardAndCount, Unit::Mixed { .. }) => "map_count_mixed",
            (_, Unit::Vector { .. }) => "map_vectors",
            (_, Unit::Word) => "map_words",
            (_, Unit::Mixed { .. }) => "map_mixed",
        }
    }

    /// The values of the shader's overrides.
    pub(super) fn constants(self) -> Vec<(&'static str, f64)> {
        let workgroup = ("WORKGROUP", plan::WORKGROUP.into());
        match self.unit {
            Unit::Vector { rotation } | Unit::Mixed { rotation } => vec![workgroup, ("ROTATION", rotation.into())],
            Unit::Word => vec![workgroup],
        }
    }

    /// The storage bindings, and whether the shader only reads them.
    pub(super) fn storage(self) -> impl Iterator<Item = (u32, bool)> {
        let source = match self.access {
            Access::SeparateBuffer => Some((SOURCE, true)),
            Access::SameBuffer => Some((SOURCE, false)),
            Access::SameBinding => None,
        };
        let target = (self.operation != Operation::Count).then_some((TARGET, false));
        let gradient = (self.operation == Operation::BackwardOfPair).then_some((GRADIENT, true));
        let counters = self.counts().then_some((COUNTERS, false));
        [source, target, gradient, counters].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
