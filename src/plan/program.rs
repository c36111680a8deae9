//! What Rust and WGSL share: the shaders, their bindings and their constants. The tests compare it with the WGSL.

use super::dispatch::{Access, Extent, Unit, WORKGROUP};
use crate::Dtype;

/// The binding of a function's parameters, a uniform block.
pub(super) const PARAMETERS: u32 = 0;
/// The binding of what a dispatch has to know, a uniform block.
pub(super) const BLOCK: u32 = 1;
/// The binding of the source.
pub(super) const SOURCE: u32 = 2;
/// The binding of the target.
pub(super) const TARGET: u32 = 3;
/// The binding of the gradient for [`Operation::BackwardOfPair`].
pub(super) const GRADIENT: u32 = 4;
/// The binding of the counters, to which a dispatch adds.
pub(super) const COUNTERS: u32 = 5;

/// The binding of the word that says how many elements there are.
pub(super) const LENGTH: u32 = 6;

/// How many numbers of bindings there are.
#[cfg(feature = "wgpu")]
pub(crate) const MOST_BINDINGS: u32 = LENGTH + 1;

/// Bytes of workgroup memory that counting uses.
#[cfg(feature = "wgpu")]
pub(crate) const COUNTING_BYTES: u32 = 16;

/// What a dispatch computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
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

impl Operation {
    /// Whether results are written. A dispatch that only counts has no target.
    pub(super) const fn has_target(self) -> bool {
        !matches!(self, Self::Count)
    }
}

/// One entry point of one shader: what a pipeline is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    pub(super) element: Dtype,
    pub(super) operation: Operation,
    pub(super) access: Access,
    pub(super) unit: Unit,
    pub(super) extent: Extent,
}

impl Program {
    /// The program for a dispatch with this access, unit and extent.
    pub(super) const fn new(element: Dtype, operation: Operation, access: Access, unit: Unit, extent: Extent) -> Self {
        Self { element, operation, access, unit, extent }
    }

    /// The type of the elements.
    #[cfg(feature = "wgpu")]
    pub(crate) const fn element(self) -> Dtype {
        self.element
    }

    /// The shader. A device may refuse all alternatives but the last: use the first that it takes. A browser, which
    /// refuses only later, takes the first.
    pub fn wgsl(self) -> impl Iterator<Item = String> {
        elements(self.element).iter().map(move |element| self.join(element))
    }

    /// Joins the shader from whole files: the function's own, and those that the program needs. Drivers spend longer
    /// removing unused code than compiling the rest.
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
        let rows = match self.extent {
            Extent::Fixed | Extent::Length => include_str!("../../shaders/extent/one_row.wgsl"),
            Extent::Rows => include_str!("../../shaders/extent/rows.wgsl"),
        };
        let length = match self.extent {
            Extent::Fixed | Extent::Rows => include_str!("../../shaders/extent/fixed.wgsl"),
            Extent::Length => include_str!("../../shaders/extent/length.wgsl"),
        };
        let range = include_str!("../../shaders/range.wgsl");
        [crate::WGSL, element, source, operand, operation, unit, rows, length, range, count].concat()
    }

    const fn counts(self) -> bool {
        matches!(self.operation, Operation::Count | Operation::ForwardAndCount)
    }

    pub(super) const fn has_parameters(self) -> bool {
        !matches!(self.operation, Operation::Copy)
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
        let workgroup = ("WORKGROUP", WORKGROUP.into());
        match self.unit {
            Unit::Vector { .. } | Unit::Mixed { .. } => vec![workgroup, ("ROTATION", self.unit.rotation().into())],
            Unit::Word => vec![workgroup],
        }
    }
}

/// For logs.
impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { element, operation, access, unit, extent } = self;
        write!(f, "{operation:?} of {} ({access:?}, {unit:?}, {extent:?})", element.name())
    }
}

/// How elements lie in words. A device that refuses the first alternative is given the next. None for f64.
const fn elements(dtype: Dtype) -> &'static [&'static str] {
    match dtype {
        Dtype::F32 => &[include_str!("../../shaders/element/f32.wgsl")],
        Dtype::F16 => &[
            concat!(
                include_str!("../../shaders/element/f16.wgsl"),
                include_str!("../../shaders/element/f16_unpack.wgsl"),
                include_str!("../../shaders/element/two_per_word.wgsl"),
            ),
            concat!(
                include_str!("../../shaders/element/f16.wgsl"),
                include_str!("../../shaders/element/f16_integers.wgsl"),
                include_str!("../../shaders/element/two_per_word.wgsl"),
            ),
        ],
        Dtype::Bf16 => &[concat!(
            include_str!("../../shaders/element/bf16.wgsl"),
            include_str!("../../shaders/element/two_per_word.wgsl"),
        )],
        Dtype::F64 => &[],
    }
}

#[cfg(test)]
#[cfg(feature = "wgpu")]
mod floats;
#[cfg(test)]
#[cfg(feature = "wgpu")]
mod tests;
#[cfg(test)]
#[cfg(feature = "wgpu")]
mod translations;
