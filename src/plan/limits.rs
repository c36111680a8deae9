//! What a plan depends on.

/// The limits of a device that a recipe depends on. By default, those that every device of WebGPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// `max_storage_buffer_binding_size`, in bytes.
    pub binding_bytes: u64,
    /// `min_storage_buffer_offset_alignment`, in bytes; a power of two.
    pub alignment_bytes: u32,
    /// `max_storage_buffers_per_shader_stage`; every device allows two. With two, an operation over three buffers takes
    /// several steps.
    pub storage_buffers: u32,
    /// `max_compute_workgroups_per_dimension`.
    pub groups: u32,
    /// Whether a step may compute the vectors at the ends of a range, too, of which only some elements are in the
    /// range, so that it takes one step. That is faster on hardware, where dispatches wait for each other. Most
    /// software adapters run both sides of a branch, so that several steps are faster.
    pub mixed: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { binding_bytes: 128 << 20, alignment_bytes: 256, storage_buffers: 8, groups: 65_535, mixed: true }
    }
}

impl Limits {
    /// Whether a step may have three storage buffers.
    pub(super) const fn three_buffers(&self) -> bool {
        self.storage_buffers >= 3
    }
}
