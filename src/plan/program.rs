//! The compute shader of a dispatch, for any implementation of WebGPU: what Rust and WGSL share. All bindings are in
//! bind group 0.
//!
//! A [`Kernel`](crate::Kernel) does all of this for the crate's own wgpu. Elsewhere, for each [`Dispatch`]:
//!
//! 1. Compile [`Program::wgsl`], and make a pipeline with [`Program::entry_point`] and [`Program::constants`]. Programs
//!    are few: keep them.
//! 2. Bind the parameters of the function at [`PARAMS`] and [`Dispatch::to_bytes`] at [`DISPATCH`], as uniform buffers,
//!    and the buffers of [`Program::storage`] as storage buffers, in the spans that the dispatch has.
//!    [`Operation::Copy`] has no parameters.
//! 3. Dispatch [`Dispatch::groups`] workgroups.
//!
//! The tests compare all of it with the WGSL.

use bytemuck::{Pod, Zeroable};

use crate::plan::{self, Access, Dispatch, Unit};
use crate::{Element, Saturation};

/// The binding of a function's parameters, a uniform block of [`PARAM_BYTES`]: [`Params`](crate::Params), or
/// [`BackwardParams`](crate::BackwardParams) for the backward pass.
pub const PARAMS: u32 = 0;
/// The binding of what a dispatch has to know, a uniform block: [`Dispatch::to_bytes`].
pub const DISPATCH: u32 = 1;
/// The binding of the source: [`Dispatch::source`].
pub const SOURCE: u32 = 2;
/// The binding of the target: [`Dispatch::target`].
pub const TARGET: u32 = 3;
/// The binding of the gradient for [`Operation::BackwardOfPair`].
pub const GRADIENT: u32 = 4;
/// The binding of the counters, to which a dispatch adds: [`Saturation::from_bytes`] reads them.
pub const COUNTERS: u32 = 5;

/// Bytes of the uniform block with the parameters of a function.
pub const PARAM_BYTES: usize = 16;

/// Bytes of the counters.
pub const COUNTER_BYTES: u64 = size_of::<Saturation>() as u64;

/// Bytes of workgroup memory that counting uses.
pub const COUNTING_BYTES: u32 = 16;

/// Bytes of the uniform block of a dispatch.
pub const DISPATCH_BYTES: usize = size_of::<DispatchBlock>();

/// The shader's struct `Dispatch`, padded to a uniform block.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct DispatchBlock {
    source_first: u32,
    target_first: u32,
    len: u32,
    head: u32,
    vector_groups: u32,
    padding: [u32; 3],
}

impl Dispatch {
    /// What the shader has to know of a dispatch: a uniform block.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; DISPATCH_BYTES] {
        let &Self { source_first, target_first, len, head, vector_groups, .. } = self;
        bytemuck::cast(DispatchBlock { source_first, target_first, len, head, vector_groups, padding: [0; 3] })
    }
}

/// What a dispatch computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
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
    /// The backward pass from two sources, which are aligned alike. The source was saved by the forward pass. The
    /// binding of the gradient is as large as that of the source, and begins at the same element of its range.
    BackwardOfPair,
}

/// A pipeline: one entry point of one shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    /// What it computes.
    pub operation: Operation,
    /// How it accesses the source.
    pub access: Access,
    /// What a thread writes.
    pub unit: Unit,
}

impl Program {
    /// The program for a dispatch with this access and unit.
    #[must_use]
    pub const fn new(operation: Operation, access: Access, unit: Unit) -> Self {
        // Counting has no target to share a buffer with.
        let access = if matches!(operation, Operation::Count) { Access::SeparateBuffer } else { access };
        Self { operation, access, unit }
    }

    /// The shader for an element type. A device may refuse all alternatives but the last: use the first that it takes.
    /// There is none for f64.
    pub fn wgsl<T: Element>(self) -> impl Iterator<Item = String> {
        T::SHADERS.iter().map(move |element| self.join(element))
    }

    /// Joins the shader from whole files, and only from what it needs: drivers spend longer removing unused code than
    /// compiling the rest.
    fn join(self, element: &str) -> String {
        let source = match self.access {
            Access::SeparateBuffer => include_str!("../../shaders/source/separate_buffer.wgsl"),
            Access::SameBuffer => include_str!("../../shaders/source/same_buffer.wgsl"),
            Access::SameBinding => include_str!("../../shaders/source/same_binding.wgsl"),
        };
        let operand = match self.operation {
            Operation::BackwardOfPair => include_str!("../../shaders/operand/gradient.wgsl"),
            _ => include_str!("../../shaders/operand/target.wgsl"),
        };
        let operation = match self.operation {
            Operation::Forward | Operation::Count | Operation::ForwardAndCount => {
                include_str!("../../shaders/op/forward.wgsl")
            }
            Operation::Copy => include_str!("../../shaders/op/copy.wgsl"),
            Operation::Backward | Operation::BackwardOfPair => {
                concat!(
                    include_str!("../../shaders/op/backward_words.wgsl"),
                    include_str!("../../shaders/op/backward.wgsl")
                )
            }
            Operation::BackwardOverSaved => {
                concat!(
                    include_str!("../../shaders/op/backward_words.wgsl"),
                    include_str!("../../shaders/op/backward_over_saved.wgsl")
                )
            }
        };
        let unit = match self.unit {
            Unit::Word => include_str!("../../shaders/entry/words.wgsl"),
            Unit::Vector { .. } | Unit::Mixed { .. } => include_str!("../../shaders/entry/vectors.wgsl"),
        };
        let count = match self.unit {
            _ if !self.counts() => "",
            Unit::Word => {
                concat!(include_str!("../../shaders/count/count.wgsl"), include_str!("../../shaders/count/words.wgsl"),)
            }
            Unit::Vector { .. } | Unit::Mixed { .. } => {
                concat!(
                    include_str!("../../shaders/count/count.wgsl"),
                    include_str!("../../shaders/count/vectors.wgsl"),
                )
            }
        };
        let range = include_str!("../../shaders/range.wgsl");
        [crate::WGSL, element, source, operand, operation, unit, range, count].concat()
    }

    const fn counts(self) -> bool {
        matches!(self.operation, Operation::Count | Operation::ForwardAndCount)
    }

    /// The entry point.
    #[must_use]
    pub const fn entry_point(self) -> &'static str {
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

    /// The values of the shader's overrides: pipeline constants.
    #[must_use]
    pub fn constants(self) -> Vec<(&'static str, f64)> {
        let workgroup = ("WORKGROUP", plan::WORKGROUP.into());
        match self.unit {
            Unit::Vector { rotation } | Unit::Mixed { rotation } => vec![workgroup, ("ROTATION", rotation.into())],
            Unit::Word => vec![workgroup],
        }
    }

    /// The storage bindings, and whether the shader only reads them.
    pub fn storage(self) -> impl Iterator<Item = (u32, bool)> {
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
#[cfg(feature = "wgpu")]
mod tests;
