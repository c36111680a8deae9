//! Prints what the crate's shaders cost on AMD GPUs that are not there.
//!
//! Mesa's radv compiles for any GPU that `RADV_FORCE_FAMILY` names, and `RADV_DEBUG` makes it print the code and its
//! figures to stderr. So this program runs itself once for each GPU, and reads what that prints.

mod figures;
mod radv;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::plan::program::{Operation, Program};
use hard_sigmoid::plan::{self, Access, Unit};

/// By the names that `RADV_FORCE_FAMILY` knows: GCN 5, RDNA 2 and RDNA 3.
const GPUS: [&str; 3] = ["vega10", "navi21", "gfx1100"];

/// The shaders of an element type.
type Wgsl = fn(Program) -> Option<String>;

/// The element types, and bytes of an element.
const ELEMENTS: [(&str, Wgsl, u64); 3] = [
    ("f32", |program| program.wgsl::<f32>().next(), 4),
    ("f16", |program| program.wgsl::<f16>().next(), 2),
    ("bf16", |program| program.wgsl::<bf16>().next(), 2),
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
    for (element, wgsl_of, size) in ELEMENTS {
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
                    let Some(wgsl) = wgsl_of(program) else { continue };
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
