//! Prints what the crate's shaders cost on AMD GPUs that are not there.
//!
//! Mesa's radv compiles for any GPU that `RADV_FORCE_FAMILY` names, and `RADV_DEBUG` makes it print the code and its
//! figures to stderr. So this program runs itself once for each GPU, and reads what that prints.

#![allow(clippy::print_stdout, reason = "it prints a table")]

mod figures;
mod radv;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::plan::{Limits, Operand, Place, Program, Recipe, Resource};
use hard_sigmoid::{Element, plan::PlanError};

/// By the names that `RADV_FORCE_FAMILY` knows: GCN 5, RDNA 2 and RDNA 3.
const GPUS: [&str; 3] = ["vega10", "navi21", "gfx1100"];

/// The operations, and how many elements each reads and writes for an element.
const OPERATIONS: [(&str, u64); 6] = [
    ("forward", 2),
    ("count", 1),
    ("forward and count", 2),
    ("backward", 3),
    ("backward over saved", 3),
    ("backward of pair", 3),
];

/// Where the source lies: the number of its buffer and the byte at which it begins, if the target begins at byte 0 of
/// buffer 0. Ranges of one buffer share a binding if they are close together.
const ACCESSES: [(&str, u32, u64); 3] =
    [("separate buffer", 1, 0), ("same buffer", 0, 1 << 30), ("same binding", 0, 8 << 20)];

/// How many elements further on the source begins, whether steps are mixed, and the first element of both.
///
/// Mixed code has the words besides, which the workgroups with vectors pass over.
const UNITS: [(&str, u64, bool, u64); 3] = [("vectors", 0, false, 0), ("rotated", 1, false, 0), ("mixed", 0, true, 1)];

/// Vectors of 16 bytes that a thread computes.
const VECTORS_PER_THREAD: u64 = 4;

/// A program that is measured.
struct Kernel {
    element: &'static str,
    operation: &'static str,
    access: &'static str,
    unit: &'static str,
    program: Program,
    bindings: Vec<(u32, Resource<u32>)>,
    /// Elements that a thread computes.
    elements: u64,
    /// Bytes that it moves.
    bytes: u64,
}

fn kernels() -> Result<Vec<Kernel>, PlanError> {
    let mut kernels = kernels_of::<f32>()?;
    kernels.extend(kernels_of::<f16>()?);
    kernels.extend(kernels_of::<bf16>()?);
    Ok(kernels)
}

fn kernels_of<T: Element>() -> Result<Vec<Kernel>, PlanError> {
    let size = size_of::<T>() as u64;
    let mut kernels = Vec::new();
    for (operation, arrays) in OPERATIONS {
        for (access, buffer, byte) in ACCESSES {
            for (unit, further, mixed, first) in UNITS {
                let alone = matches!(operation, "count" | "backward of pair") && access != "separate buffer";
                // Counting has no target that its source could be rotated against.
                if alone || (operation, unit) == ("count", "rotated") {
                    continue;
                }
                let mut limits = Limits::default();
                limits.mixed = mixed;
                let operand = |buffer, first| Operand {
                    buffer,
                    buffer_bytes: 2 << 30,
                    elements: (first..first + (1 << 20)).into(),
                };
                let source = operand(buffer, byte / size + first + further);
                let recipe = recipe::<T>(operation, &source, &operand(0, first), limits)?;
                // The step with the most workgroups computes vectors.
                let Some(step) = recipe.steps().max_by_key(|step| step.workgroups()) else { continue };
                let elements = VECTORS_PER_THREAD * 16 / size;
                let (program, bindings, bytes) = (step.program(), step.bindings().collect(), elements * arrays * size);
                kernels.push(Kernel { element: T::NAME, operation, access, unit, program, bindings, elements, bytes });
            }
        }
    }
    Ok(kernels)
}

fn recipe<T: Element>(
    operation: &str,
    source: &Operand<u32>,
    target: &Operand<u32>,
    limits: Limits,
) -> Result<Recipe<u32>, PlanError> {
    let counters = &Place { buffer: 2, buffer_bytes: 32, offset_bytes: 0 };
    match operation {
        "forward" => Recipe::forward::<T>(source, target, limits),
        "count" => Recipe::count::<T>(source, counters, limits),
        "forward and count" => Recipe::forward_and_count::<T>(source, target, counters, limits),
        "backward" => Recipe::backward::<T>(source, target, target, limits),
        "backward over saved" => Recipe::backward::<T>(target, source, target, limits),
        "backward of pair" => Recipe::backward::<T>(source, source, target, limits),
        other => unreachable!("no recipe for {other}"),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::var_os(figures::CHILD).is_some() {
        return radv::compile(&kernels()?);
    }
    print!("{}", figures::table(&kernels()?)?);
    Ok(())
}
