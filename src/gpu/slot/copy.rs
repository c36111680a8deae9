//! What both kinds of memory have in common.

/// Where the second input of a backward pass, what the forward pass saved, begins in a staging buffer of so many bytes.
pub(super) const fn saved_offset(buffer_bytes: u64) -> u64 {
    buffer_bytes / 2
}

/// Unmaps the upload buffer, and records that what it holds is copied.
pub(super) fn copy_upload(
    encoder: &mut wgpu::CommandEncoder,
    upload: &wgpu::Buffer,
    data: &wgpu::Buffer,
    bytes: u64,
    has_saved: bool,
) {
    upload.unmap();
    encoder.copy_buffer_to_buffer(upload, 0, data, 0, bytes);
    if has_saved {
        let saved = saved_offset(data.size());
        encoder.copy_buffer_to_buffer(upload, saved, data, saved, bytes);
    }
}
