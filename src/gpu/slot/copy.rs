//! What both kinds of memory record.

/// Unmaps the upload buffer, and records that what it holds is copied. What was saved begins at half of the buffers.
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
        let half = data.size() / 2;
        encoder.copy_buffer_to_buffer(upload, half, data, half, bytes);
    }
}
