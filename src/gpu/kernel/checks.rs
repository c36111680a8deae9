//! What a binding requires of its buffers.

use super::arguments::BufferBlock;
#[cfg(not(target_arch = "wasm32"))]
use super::arguments::ParamSource;
use crate::error::{BufferRole, PlanError};
use crate::gpu::error::BindError;
#[cfg(not(target_arch = "wasm32"))]
use crate::gpu::error::{Error, root};
#[cfg(not(target_arch = "wasm32"))]
use crate::gpu::objects;
#[cfg(not(target_arch = "wasm32"))]
use crate::gpu::scope::scoped;
use crate::hard_sigmoid::PARAMETER_BYTES;
use crate::plan::check_block;

/// A storage buffer of a binding, for errors to name.
#[derive(Clone, Copy)]
pub(super) struct BoundBuffer<'a> {
    pub(super) role: BufferRole,
    pub(super) buffer: &'a wgpu::Buffer,
    pub(super) written: bool,
}

pub(super) fn check_usage(buffers: &[BoundBuffer<'_>]) -> Result<(), BindError> {
    match buffers.iter().find(|bound| !bound.buffer.usage().contains(wgpu::BufferUsages::STORAGE)) {
        None => Ok(()),
        Some(&BoundBuffer { role, buffer, .. }) => Err(BindError::NotStorage { role, usage: buffer.usage() }),
    }
}

/// Checks parameters that are read from a buffer of the app's.
pub(super) fn check_params(
    block: BufferBlock<'_>,
    alignment: u32,
    buffers: &[BoundBuffer<'_>],
) -> Result<(), BindError> {
    let role = BufferRole::Parameters;
    if let Some(other) = buffers.iter().find(|other| other.written && other.buffer == block.buffer) {
        return Err(PlanError::Shared { role, other: other.role }.into());
    }
    if !block.buffer.usage().contains(wgpu::BufferUsages::UNIFORM) {
        return Err(BindError::NotUniform { usage: block.buffer.usage() });
    }
    Ok(check_block(role, PARAMETER_BYTES as u64, block.offset, block.end, alignment)?)
}

/// Checks that buffers are of this device and not destroyed.
///
/// wgpu knows a buffer by a number that is unique only within an instance, so that it may take a buffer of another
/// instance for one of this device. Only their sizes can tell them apart. The device knows its own buffer's size: it
/// must allow to bind up to the end of `buffer`, and refuse to bind more. A browser knows whose a buffer is.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn check_device(
    device: &wgpu::Device,
    params: ParamSource<'_, [u8; PARAMETER_BYTES]>,
    buffers: &[BoundBuffer<'_>],
) -> Result<(), Error> {
    use wgpu::BufferBindingType as Type;
    let layout = |ty| scoped(device, "binding a buffer", || objects::bind_group_layout(device, ty));
    let storage = layout(Type::Storage { read_only: false })?;
    // In place, one buffer has two roles. One of another instance may have its number, but then another size.
    let is_same = |a: &wgpu::Buffer, b: &wgpu::Buffer| a == b && a.size() == b.size();
    let is_first = |i: usize, buffer| !buffers.iter().take(i).any(|before| is_same(before.buffer, buffer));
    let distinct = buffers.iter().enumerate().filter(|(i, bound)| is_first(*i, bound.buffer));
    let mut bound: Vec<_> = distinct.map(|(_, bound)| (bound.role, bound.buffer, storage.clone())).collect();
    if let ParamSource::Uniform(block) = params {
        bound.push((BufferRole::Parameters, block.buffer, layout(Type::Uniform)?));
    }
    for (role, buffer, layout) in bound {
        let end = buffer.size() / 4 * 4;
        // Every device allows this alignment.
        let start = end.saturating_sub(4) / 256 * 256;
        let bind = |size| {
            scoped(device, "binding a buffer", || {
                objects::bind_group(device, "hard_sigmoid", &layout, [(0, buffer, start, size)])
            })
        };
        let allowed = bind(end - start);
        let is_own = allowed.is_ok();
        // A buffer that is not allowed is not tried again: the panic hook would print another panic of wgpu.
        let reason = match allowed.and_then(|_| bind(end - start + 4)) {
            Err(Error::Device { source: wgpu::Error::Validation { .. }, .. }) if is_own => continue,
            Ok(_) => "it seems to be of another wgpu::Instance".to_owned(),
            Err(Error::Device { source, .. }) if matches!(source, wgpu::Error::Validation { .. }) => root(&source),
            Err(Error::Panicked { message, .. }) => message,
            Err(error) => return Err(error),
        };
        return Err(BindError::Refused { role, reason }.into());
    }
    Ok(())
}
