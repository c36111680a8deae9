//! A function, a source and a target, bound once and recorded into an app's encoders and passes.

use std::num::NonZero;
use std::ops::Range;

use super::kernel::{Kernel, bind_group_layout, layout_entry};
use super::scope::scoped;
use crate::error::{BindError, Error, Side, root};
use crate::plan::{self, Access, Buffers, Start, Window};
use crate::{Element, HardSigmoid, Params};

/// Bytes of a window as the shader reads it: the struct `Window` in `map.wgsl`, in the size of a uniform block.
pub(super) const WINDOW_BYTES: usize = 16;

/// A range of elements in a storage buffer.
///
/// From a `&Buffer`, which means all that it holds, or from a `(&Buffer, Range<u64>)` of element indices. What an element
/// is, [`Kernel::bind`] says.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    buffer: &'a wgpu::Buffer,
    /// None: all.
    range: Option<Range<u64>>,
}

impl<'a> From<&'a wgpu::Buffer> for Elements<'a> {
    fn from(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, range: None }
    }
}

impl<'a> From<(&'a wgpu::Buffer, Range<u64>)> for Elements<'a> {
    fn from((buffer, range): (&'a wgpu::Buffer, Range<u64>)) -> Self {
        Self { buffer, range: Some(range) }
    }
}

impl Elements<'_> {
    /// Where the range begins and how many elements it has, in a buffer that can be bound.
    fn resolve<T: Element>(&self, side: Side) -> Result<(Start, u64), BindError> {
        if !self.buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
            return Err(BindError::NotStorage { side, usage: self.buffer.usage() });
        }
        let buffer_bytes = self.buffer.size();
        let Range { start, end } = self.range.clone().unwrap_or(0..buffer_bytes / size_of::<T>() as u64);
        let len = end.checked_sub(start).ok_or(BindError::Reversed { side, start, end })?;
        Ok((Start { element: start, buffer_bytes }, len))
    }
}

/// Where a binding has its function from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Function<'a> {
    /// Fixed when the binding is made. From a [`HardSigmoid`].
    Fixed(HardSigmoid),
    /// Read from a uniform buffer of the app's whenever the binding runs, for parameters that change from frame to
    /// frame: the 16 bytes of [`Params::to_bytes`]. From a [`wgpu::BufferBinding`], such as
    /// `buffer.as_entire_buffer_binding()`.
    Uniform {
        /// The buffer, with `UNIFORM` usage.
        buffer: &'a wgpu::Buffer,
        /// Where in it the 16 bytes begin: a multiple of `min_uniform_buffer_offset_alignment`.
        offset: u64,
    },
}

impl From<HardSigmoid> for Function<'_> {
    fn from(f: HardSigmoid) -> Self {
        Self::Fixed(f)
    }
}

impl<'a> From<wgpu::BufferBinding<'a>> for Function<'a> {
    fn from(wgpu::BufferBinding { buffer, offset, .. }: wgpu::BufferBinding<'a>) -> Self {
        Self::Uniform { buffer, offset }
    }
}

impl Function<'_> {
    fn check(&self, target: &wgpu::Buffer, alignment: u32) -> Result<(), BindError> {
        let Self::Uniform { buffer, offset } = *self else { return Ok(()) };
        if buffer == target {
            return Err(BindError::UniformIsTarget);
        }
        if !buffer.usage().contains(wgpu::BufferUsages::UNIFORM) {
            return Err(BindError::NotUniform { usage: buffer.usage() });
        }
        if !offset.is_multiple_of(u64::from(alignment)) {
            return Err(BindError::UniformAlignment { offset, alignment });
        }
        if offset.checked_add(size_of::<Params>() as u64).is_none_or(|end| end > buffer.size()) {
            return Err(BindError::UniformRange { offset, size: buffer.size() });
        }
        Ok(())
    }
}

/// A function, a source and a target, ready to be recorded any number of times.
///
/// Keeps its buffers alive. Made by [`Kernel::bind`].
#[derive(Clone, Debug)]
#[must_use = "a binding does nothing until it is recorded"]
pub struct Binding {
    dispatches: Vec<Dispatch>,
}

#[derive(Clone, Debug)]
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    groups: u32,
}

impl Binding {
    /// Records the binding into `encoder`, as a compute pass of its own.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        self.record_pass(
            &mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("hard_sigmoid"),
                timestamp_writes: None,
            }),
        );
    }

    /// Records the binding into an open compute pass, which may hold any number of bindings. Leaves its own pipeline and
    /// bind group 0 set.
    pub fn record_pass(&self, pass: &mut wgpu::ComputePass<'_>) {
        for dispatch in &self.dispatches {
            pass.set_pipeline(&dispatch.pipeline);
            pass.set_bind_group(0, &dispatch.group, &[]);
            pass.dispatch_workgroups(dispatch.groups, 1, 1);
        }
    }
}

impl Kernel {
    /// Binds a function to a source and a target of equally many elements of type `T`, of the same buffer or of two.
    ///
    /// The same range of one buffer means in place. Ranges may begin at any element and have any length: beyond the
    /// device's limits a binding records several dispatches. Nothing outside of the target range changes, and nothing
    /// outside of the source range matters. Where a word holds two elements, one at the end of a range is read and written
    /// back together with its neighbour.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] for f64, and if a buffer lacks its usage, the ranges differ in length, leave their buffer, or overlap without
    /// being the same, or if the device refuses one, as it does if that is another device's or destroyed;
    /// [`Error::Device`] if the device refuses anything else, and [`Error::Map`] if it is lost.
    pub fn bind<'a, T: Element>(
        &self,
        f: impl Into<Function<'a>>,
        source: impl Into<Elements<'a>>,
        target: impl Into<Elements<'a>>,
    ) -> Result<Binding, Error> {
        self.bind_elements::<T>(f.into(), &source.into(), &target.into())
    }

    /// Binds a function to a range that it is applied to in place.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_in_place<'a, T: Element>(
        &self,
        f: impl Into<Function<'a>>,
        data: impl Into<Elements<'a>>,
    ) -> Result<Binding, Error> {
        let data = data.into();
        self.bind_elements::<T>(f.into(), &data, &data)
    }

    fn bind_elements<T: Element>(
        &self,
        f: Function<'_>,
        source: &Elements<'_>,
        target: &Elements<'_>,
    ) -> Result<Binding, Error> {
        let alignment = self.uniform_alignment();
        f.check(target.buffer, alignment)?;
        let element = Self::element::<T>()?;
        let (source_start, len) = source.resolve::<T>(Side::Source)?;
        let (target_start, target_len) = target.resolve::<T>(Side::Target)?;
        if len != target_len {
            return Err(BindError::Lengths { source_len: len, target_len }.into());
        }
        let buffers = if source.buffer == target.buffer { Buffers::One } else { Buffers::Two };
        let windows: Vec<_> =
            plan::windows(source_start, target_start, len, size_of::<T>() as u64, buffers, self.limits())
                .map_err(BindError::from)?
                .collect();
        if windows.is_empty() {
            return Ok(Binding { dispatches: Vec::new() });
        }
        let pipelines =
            windows.iter().map(|w| self.pipeline(element, w.access, w.unit)).collect::<Result<Vec<_>, _>>()?;
        let bound = scoped(self.device(), "binding buffers", || {
            let stride = u64::from(alignment);
            let block = self.block(f, &windows, stride)?;
            let (params, params_offset) = match f {
                Function::Fixed(_) => (&block, 0),
                Function::Uniform { buffer, offset } => (buffer, offset),
            };
            let mut offset = 0;
            let dispatches = windows.iter().zip(pipelines).map(|(window, pipeline)| {
                offset += stride;
                let group = self.bind_group(
                    window,
                    source.buffer,
                    target.buffer,
                    [
                        entry(0, params, params_offset, size_of::<Params>() as u64),
                        entry(1, &block, offset, WINDOW_BYTES as u64),
                    ],
                );
                Dispatch { pipeline, group, groups: window.groups }
            });
            Ok(Binding { dispatches: dispatches.collect() })
        });
        match bound {
            Ok(bound) => bound.map_err(Error::Map),
            Err(error) => Err(self.refused(f, source, target).map_or(error, Error::Bind)),
        }
    }

    /// Which buffer it is that the device refuses.
    fn refused(&self, f: Function<'_>, source: &Elements<'_>, target: &Elements<'_>) -> Option<BindError> {
        let storage = wgpu::BufferBindingType::Storage { read_only: false };
        let parameters = match f {
            Function::Fixed(_) => None,
            Function::Uniform { buffer, .. } => Some((Side::Parameters, buffer, wgpu::BufferBindingType::Uniform)),
        };
        let buffers = [(Side::Source, source.buffer, storage), (Side::Target, target.buffer, storage)];
        buffers.into_iter().chain(parameters).find_map(|(side, buffer, ty)| {
            let refusal = scoped(self.device(), "binding a buffer", || {
                let layout = bind_group_layout(self.device(), &[layout_entry(0, ty, 0)]);
                let entries = &[entry(0, buffer, 0, 16.min(buffer.size()))];
                self.device().create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries })
            });
            let Err(Error::Device { source, .. }) = refusal else { return None };
            Some(BindError::Refused { side, reason: root(&source) })
        })
    }

    /// An immutable uniform buffer with the function (where it is fixed) and the windows, `stride` bytes apart. Written
    /// at creation, so that it needs no queue, and what one binding reads is not overwritten for another before the
    /// submit that both are in.
    fn block(&self, f: Function<'_>, windows: &[Window], stride: u64) -> Result<wgpu::Buffer, wgpu::MapRangeError> {
        let buffer = self.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("hard_sigmoid parameters"),
            size: stride * (windows.len() as u64 + 1),
            usage: wgpu::BufferUsages::UNIFORM,
            mapped_at_creation: true,
        });
        let mut offset = 0;
        let mut put = |block: [u8; WINDOW_BYTES]| {
            buffer.get_mapped_range_mut(offset..offset + WINDOW_BYTES as u64)?.copy_from_slice(&block);
            offset += stride;
            Ok(())
        };
        put(match f {
            Function::Fixed(f) => bytemuck::cast(f.params()),
            Function::Uniform { .. } => [0; WINDOW_BYTES],
        })?;
        for window in windows {
            // The fields of the struct, and padding.
            put(bytemuck::cast([window.source_first, window.target_first, window.len, 0]))?;
        }
        buffer.unmap();
        Ok(buffer)
    }

    fn bind_group(
        &self,
        window: &Window,
        source: &wgpu::Buffer,
        target: &wgpu::Buffer,
        [params, block]: [wgpu::BindGroupEntry<'_>; 2],
    ) -> wgpu::BindGroup {
        let entries = [
            params,
            block,
            entry(3, target, window.target.offset_bytes, window.target.size_bytes),
            entry(2, source, window.source.offset_bytes, window.source.size_bytes),
        ];
        let entries = if window.access == Access::Within { &entries[..3] } else { &entries[..] };
        self.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("hard_sigmoid"),
            layout: self.layout(window.access),
            entries,
        })
    }
}

fn entry(binding: u32, buffer: &wgpu::Buffer, offset: u64, size: u64) -> wgpu::BindGroupEntry<'_> {
    let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: NonZero::new(size) });
    wgpu::BindGroupEntry { binding, resource }
}
