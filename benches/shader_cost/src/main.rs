//! Prints what the crate's shaders cost on AMD GPUs that are not there.
//!
//! Mesa's radv compiles for any GPU that `RADV_FORCE_FAMILY` names, and `RADV_DEBUG` makes it print the code and its
//! figures to stderr. So this program runs itself once for each GPU, and reads what that prints.

#[path = "../../../src/gpu/kernel/shader.rs"]
#[allow(dead_code, reason = "what dispatches need is not used here")]
mod shader;
mod figures;
mod radv;

use hard_sigmoid::plan::{self, Access, Unit};
use hard_sigmoid::{Saturation, WGSL};
use shader::{Operation, Program};

/// By the names that `RADV_FORCE_FAMILY` knows: GCN 5, RDNA 2 and RDNA 3.
const GPUS: [&str; 3] = ["vega10", "navi21", "gfx1100"];

/// The files of the element types, and bytes of an element.
const ELEMENTS: [(&str, &str, u64); 3] = [
    ("f32", include_str!("../../../shaders/element/f32.wgsl"), 4),
    (
        "f16",
        concat!(
            include_str!("../../../shaders/element/f16.wgsl"),
            include_str!("../../../shaders/element/f16_unpack.wgsl"),
            include_str!("../../../shaders/element/two_per_word.wgsl")
        ),
        2,
    ),
    (
        "bf16",
        concat!(
            include_str!("../../../shaders/element/bf16.wgsl"),
            include_str!("../../../shaders/element/two_per_word.wgsl")
        ),
        2,
    ),
];

/// The operations, and how many elements each reads and writes for an element.
const OPERATIONS: [(&str, Operation, u64); 6] = [
    ("forward", Operation::Forward, 2),
    ("count", Operation::Count, 1),
    ("forward and count", Operation::ForwardAndCount, 2),
    ("backward", Operation::Backward, 3),
    ("backward over saved", Operation::BackwardOverSaved, 3),
    ("backward of pair", Operation::BackwardOfPair, 3),
];

const ACCESSES: [(&str, Access); 3] = [
    ("separate buffer", Access::SeparateBuffer),
    ("same buffer", Access::SameBuffer),
    ("same binding", Access::SameBinding),
];

/// Mixed code has the words besides, which the workgroups with vectors pass over.
const UNITS: [(&str, Unit); 3] = [
    ("vectors", Unit::Vector { rotation: 0 }),
    ("rotated", Unit::Vector { rotation: 1 }),
    ("mixed", Unit::Mixed { rotation: 0 }),
];

/// A program that is measured.
struct Kernel {
    element: &'static str,
    operation: &'static str,
    access: &'static str,
    unit: &'static str,
    program: Program,
    wgsl: String,
    /// Elements that a thread computes.
    elements: u64,
    /// Bytes that it moves.
    bytes: u64,
}

fn kernels() -> Vec<Kernel> {
    let mut kernels = Vec::new();
    for (element, file, size) in ELEMENTS {
        for (operation, code, arrays) in OPERATIONS {
            for (access, source) in ACCESSES {
                for (unit, of) in UNITS {
                    let program = Program::new(code, source, of);
                    if program.access != source || code == Operation::BackwardOfPair && source != Access::SeparateBuffer
                    {
                        continue;
                    }
                    let elements = plan::VECTORS_PER_GROUP / u64::from(plan::WORKGROUP) * 16 / size;
                    let bytes = elements * arrays * size;
                    let wgsl = program.wgsl(file);
                    kernels.push(Kernel { element, operation, access, unit, program, wgsl, elements, bytes });
                }
            }
        }
    }
    kernels
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::var_os(figures::CHILD).is_some() {
        return radv::compile(&kernels());
    }
    print!("{}", figures::table(&kernels())?);
    Ok(())
}
