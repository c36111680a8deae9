//! What can go wrong without a GPU. Each message names the remedy.

use thiserror::Error;

/// Why [`HardSigmoid::new`](crate::HardSigmoid::new) refused its parameters.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ParameterError {
    /// α or β is NaN or infinite.
    #[error("{name} is {value}: it must be a finite number")]
    NotFinite {
        /// `"alpha"` or `"beta"`.
        name: &'static str,
        /// The value given.
        value: f64,
    },
    /// α is not 0 and, rounded to f32, overflows or is subnormal.
    #[error("alpha = {alpha:e} is outside the normal 32-bit floats: use 0, or a magnitude from 1.2e-38 to 3.4e38")]
    Slope {
        /// The α given.
        alpha: f64,
    },
    /// β/α is not 0 and, rounded to f32, overflows or is subnormal.
    #[error(
        "beta/alpha = {beta:e}/{alpha:e} is outside the normal 32-bit floats (magnitudes from 1.2e-38 to 3.4e38): \
         use 0 for the one that is negligible"
    )]
    Shift {
        /// The α given.
        alpha: f64,
        /// The β given.
        beta: f64,
    },
}

/// Two slices that must have the same number of elements do not.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the {role} has {source_len} elements and the target {target_len}: make them equally long")]
#[non_exhaustive]
pub struct LengthMismatch {
    /// The slice that is not as long as the target. The backward pass calls `saved` the source.
    pub role: BufferRole,
    /// The number of elements in that slice.
    pub source_len: usize,
    /// The number of elements in the target.
    pub target_len: usize,
}

/// Two arrays that must have the same shape do not.
#[cfg(feature = "ndarray")]
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "the source has shape {source_shape:?} and the target {target_shape:?}: make them equal, or broadcast the source"
)]
#[non_exhaustive]
pub struct ShapeMismatch {
    /// The shape of the source. The backward pass calls `saved` the source.
    pub source_shape: Vec<usize>,
    /// The shape of the target. The backward pass calls `grad_y` or `grad` the target.
    pub target_shape: Vec<usize>,
}

/// What a slice or a buffer is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BufferRole {
    /// The input: x, or what the forward pass saved.
    Source,
    /// The output.
    Target,
    /// The input that the output replaces, in place.
    Data,
    /// The gradient with respect to y, an input of the backward pass.
    Gradient,
    /// The parameters of the function.
    Parameters,
    /// The counters of a [`Saturation`](crate::Saturation).
    Counters,
    /// A length that only the GPU knows.
    Length,
}

impl std::fmt::Display for BufferRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
            Self::Data => "data",
            Self::Gradient => "gradient",
            Self::Parameters => "parameter",
            Self::Counters => "counter",
            Self::Length => "length",
        })
    }
}

/// Why a [`Recipe`](crate::plan::Recipe) refused its ranges, its counters or its limits.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// A range begins or ends past the end of its buffer.
    #[error("{}", out_of_range(*role, *first, *len, *available))]
    OutOfRange {
        /// The buffer.
        role: BufferRole,
        /// The first element of the range.
        first: u64,
        /// The number of elements in the range.
        len: u64,
        /// The number of elements in the buffer.
        available: u64,
    },
    /// One of several rows ends past the end of its buffer.
    #[error(
        "row {row} of the {role} does not fit its buffer, which holds {available}: {len} elements from element {first} \
         on; a pitch is in elements, not in bytes"
    )]
    RowOutOfRange {
        /// The buffer.
        role: BufferRole,
        /// The row, counted from 0: the last one.
        row: u64,
        /// The first element of the row.
        first: u64,
        /// The number of elements in the row.
        len: u64,
        /// The number of elements in the buffer.
        available: u64,
    },
    /// A source and the target overlap in one buffer without being the same range.
    #[error(
        "{role} ({len} elements from {source_first} on) and target (from {target_first} on) overlap in one buffer: \
         use the same range for in place, or ranges that do not overlap"
    )]
    Overlap {
        /// The source.
        role: BufferRole,
        /// The first element of the source.
        source_first: u64,
        /// The first element of the target.
        target_first: u64,
        /// The number of elements in each.
        len: u64,
    },
    /// Rows of a source and of the target overlap in one buffer without being the same rows, or lie between each other
    /// with two pitches.
    #[error(
        "rows of the {role} and of the target overlap in one buffer, or lie between each other with two pitches: use \
         the same rows for in place, one pitch for both, or rows that lie apart as a whole"
    )]
    RowsOverlap {
        /// The source.
        role: BufferRole,
    },
    /// A range ends with half a word, at the end of a buffer whose size is no multiple of 4 bytes.
    #[error(
        "the last element of a {role} buffer of {buffer_bytes} bytes fills no whole word, so that it cannot be bound: \
         make the buffer's size a multiple of 4 bytes"
    )]
    PartOfWord {
        /// The buffer.
        role: BufferRole,
        /// The size of the buffer.
        buffer_bytes: u64,
    },
    /// A GPU does not compute elements of this type.
    #[error("a GPU does not compute {element}: convert to f32, f16 or bf16, or use the CPU path")]
    NotOnGpu {
        /// The type.
        element: &'static str,
    },
    /// A range ends before it begins.
    #[error("the {role} range {start}..{end} ends before it begins: give the lower element first")]
    Reversed {
        /// The range.
        role: BufferRole,
        /// Its first element.
        start: u64,
        /// The element after its last.
        end: u64,
    },
    /// Rows are longer than the distance from one to the next.
    #[error("the {role} rows of {width} elements begin {pitch} elements apart: make the pitch the width or more")]
    Pitch {
        /// The rows.
        role: BufferRole,
        /// Their width.
        width: u64,
        /// Their pitch.
        pitch: u64,
    },
    /// The rows of two operands differ in number or in length.
    #[error("the {role} has {0} rows of {1} elements and the target {2} of {3}: make them alike, \
        with the width as the pitch where there is no padding",
        source_rows[0], source_rows[1], target_rows[0], target_rows[1])]
    Rows {
        /// The operand whose rows are not like those of the target.
        role: BufferRole,
        /// The number of its rows, and their length.
        source_rows: [u64; 2],
        /// The same of the target.
        target_rows: [u64; 2],
    },
    /// A length that only the GPU knows was given for rows.
    #[error("rows have no length that only the GPU knows: bind one range, or rows without it")]
    LengthOfRows,
    /// Two ranges differ in length.
    #[error("the {role} range has {source_len} elements and the target range {target_len}: make them equally long")]
    Lengths {
        /// The range that is not as long as the target.
        role: BufferRole,
        /// The number of elements in that range.
        source_len: u64,
        /// The number of elements in the target range.
        target_len: u64,
    },
    /// Parameters, counters or a length begin at an offset that is not allowed.
    #[error("the {role} block begins at byte {offset} of its buffer: use a multiple of {alignment}")]
    Alignment {
        /// The block.
        role: BufferRole,
        /// Where it begins.
        offset: u64,
        /// The device's `min_uniform_buffer_offset_alignment` or `min_storage_buffer_offset_alignment`; 4 for a length.
        alignment: u32,
    },
    /// Parameters, counters or a length do not fit their buffer or its binding.
    #[error(
        "the {role} block needs {bytes} bytes from byte {offset} on, and its buffer of {size} bytes, or the part that \
         is bound, ends before: enlarge it"
    )]
    TooShort {
        /// The block.
        role: BufferRole,
        /// Where it begins.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
        /// Where the buffer ends, or its binding if that is earlier.
        size: u64,
    },
    /// A buffer has two roles that exclude each other.
    #[error("the {role} block is in the {other} buffer: put it in a buffer of its own")]
    Shared {
        /// The block.
        role: BufferRole,
        /// The buffer's other role.
        other: BufferRole,
    },
    /// The limits allow too few storage buffers for a length that only the GPU knows.
    #[error(
        "the limits allow {available} storage buffers in a shader, and this takes {needed}: request a device with \
         max_storage_buffers_per_shader_stage of at least {needed}"
    )]
    StorageBuffers {
        /// How many it takes.
        needed: u32,
        /// `max_storage_buffers_per_shader_stage`.
        available: u32,
    },
    /// The limits of the device, or those that it was given, allow no binding of a few elements, or no dispatch.
    #[error(
        "the limits allow bindings of {binding_bytes} bytes and {groups} workgroups: request a device with \
         max_storage_buffer_binding_size of at least two offset alignments and max_compute_workgroups_per_dimension \
         of at least 1"
    )]
    Limits {
        /// `max_storage_buffer_binding_size`.
        binding_bytes: u64,
        /// `max_compute_workgroups_per_dimension`.
        groups: u32,
    },
}

impl PlanError {
    /// What does not fit is this row.
    pub(crate) const fn of_row(self, row: u64) -> Self {
        match self {
            Self::OutOfRange { role, first, len, available } if row > 0 => {
                Self::RowOutOfRange { role, row, first, len, available }
            }
            other => other,
        }
    }
}

fn out_of_range(role: BufferRole, first: u64, len: u64, available: u64) -> String {
    if first > available {
        return format!(
            "the {role} range begins at element {first}, past the end of its buffer, which holds {available}: \
             begin it earlier or enlarge the buffer"
        );
    }
    format!(
        "{len} elements from element {first} on do not fit the {role} buffer, which holds {available}: \
         shorten the range or enlarge the buffer"
    )
}

/// Arrays that a call cannot read or write.
#[cfg(all(feature = "wgpu", target_arch = "wasm32"))]
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArrayError {
    /// An array ends within an element. Nothing was written.
    #[error("an array of {bytes} bytes does not hold whole elements of {element}: pass whole elements")]
    PartOfElement {
        /// The bytes of the array.
        bytes: u32,
        /// The element type.
        element: &'static str,
    },
    /// The arrays share a part of their bytes, but not all. Nothing was written.
    #[error("the arrays overlap: pass the same bytes twice, or arrays apart from each other")]
    Overlap,
    /// An array has 2^32 bytes or more. Nothing was written.
    #[error("an array has 2^32 bytes or more: pass it in parts")]
    TooLong,
    /// An array has another length than when the call began.
    #[error("an array was transferred or resized during the call: wait for the call to finish")]
    Changed,
}
