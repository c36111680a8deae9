//! What a device and an adapter need to have.

use super::error::Error;
use crate::plan::{COUNTING_BYTES, MOST_BINDINGS, WORKGROUP};

/// Checks that the limits of a device or an adapter are enough for the shader.
pub(super) fn check(limits: &wgpu::Limits) -> Result<(), Error> {
    for (name, needed, available) in [
        ("max_compute_invocations_per_workgroup", WORKGROUP, limits.max_compute_invocations_per_workgroup),
        ("max_compute_workgroup_size_x", WORKGROUP, limits.max_compute_workgroup_size_x),
        ("max_compute_workgroups_per_dimension", 1, limits.max_compute_workgroups_per_dimension),
        ("max_storage_buffers_per_shader_stage", 2, limits.max_storage_buffers_per_shader_stage),
        ("max_uniform_buffers_per_shader_stage", 2, limits.max_uniform_buffers_per_shader_stage),
        ("max_bindings_per_bind_group", MOST_BINDINGS, limits.max_bindings_per_bind_group),
        ("max_compute_workgroup_storage_size", COUNTING_BYTES, limits.max_compute_workgroup_storage_size),
        ("max_bind_groups", 1, limits.max_bind_groups),
    ] {
        if available < needed {
            return Err(Error::MissingLimit { name, needed, available });
        }
    }
    Ok(())
}
