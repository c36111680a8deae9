//! What both kinds of memory record.

use crate::job::saved_offset;

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
