//! A dispatch with all that an implementation of WebGPU has to be given.

use bytemuck::{Pod, Zeroable};

use super::dispatch::{Access, Dispatch, Span};
use super::program::{BLOCK, COUNTERS, GRADIENT, LENGTH, PARAMETERS, Program, SOURCE, TARGET};
use crate::saturation::COUNTER_BYTES;

/// One dispatch of a [`Recipe`](super::Recipe).
#[derive(Clone, Debug)]
pub struct Step<B> {
    pub(super) program: Program,
    pub(super) dispatch: Dispatch,
    pub(super) source: B,
    pub(super) target: B,
    /// The gradient, and by how many bytes its binding begins after that of the source, modulo 2^64.
    pub(super) gradient: Option<(B, u64)>,
    /// The counters, and at which byte they begin.
    pub(super) counters: Option<(B, u64)>,
    pub(super) length: Option<LengthWord<B>>,
}

/// The word of a buffer that says how many elements there are.
#[derive(Clone, Debug)]
pub(super) struct LengthWord<B> {
    pub(super) buffer: B,
    /// The part of the buffer that is bound, and the word in it.
    pub(super) span: Span,
    pub(super) at: u32,
}

/// What is at a binding of a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<B> {
    /// A uniform buffer with the 16 bytes of the function's parameters: those of [`Params`](crate::Params), or of
    /// [`BackwardParams`](crate::BackwardParams) for the backward pass.
    Parameters,
    /// A uniform buffer with the bytes of [`Step::block`].
    Block,
    /// A part of a storage buffer.
    #[non_exhaustive]
    Storage {
        /// The buffer.
        buffer: B,
        /// The offset of the part.
        offset_bytes: u64,
        /// The size of the part.
        size_bytes: u64,
        /// Whether the shader declares it as `read`, and not as `read_write`.
        read_only: bool,
    },
}

/// Bytes of [`Step::block`].
#[cfg(feature = "wgpu")]
pub(crate) const BLOCK_BYTES: usize = size_of::<Block>();

/// The shader's struct `Dispatch`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Block {
    pub(super) source_first: u32,
    pub(super) target_first: u32,
    pub(super) len: u32,
    pub(super) head: u32,
    pub(super) vector_groups: u32,
    pub(super) before: u32,
    pub(super) behind: u32,
    pub(super) length_at: u32,
    pub(super) source_pitch: u32,
    pub(super) target_pitch: u32,
    padding: [u32; 2],
}

impl<B: Clone> Step<B> {
    /// The program that runs.
    pub const fn program(&self) -> Program {
        self.program
    }

    /// The numbers of workgroups: x and y.
    pub const fn workgroups(&self) -> [u32; 2] {
        [self.dispatch.groups, self.dispatch.rows]
    }

    /// What the shader has to know of the dispatch: the bytes of a uniform buffer.
    pub fn block(&self) -> [u8; 48] {
        let Dispatch { source_first, target_first, len, head, vector_groups, before, behind, .. } = self.dispatch;
        let [source_pitch, target_pitch] = self.dispatch.pitches;
        bytemuck::cast(Block {
            source_first,
            target_first,
            len,
            head,
            vector_groups,
            before,
            behind,
            length_at: self.length.as_ref().map_or(0, |length| length.at),
            source_pitch,
            target_pitch,
            padding: [0; 2],
        })
    }

    /// How many storage buffers it binds.
    pub(super) fn storage_buffers(&self) -> u32 {
        self.bindings().filter(|(_, resource)| matches!(resource, Resource::Storage { .. })).count() as u32
    }

    /// The bindings of bind group 0: their numbers, and what is there.
    pub fn bindings(&self) -> impl Iterator<Item = (u32, Resource<B>)> {
        let Self { program, dispatch, source, target, gradient, counters, length } = self;
        let part = |buffer: &B, Span { offset_bytes, size_bytes }: Span, read_only| Resource::Storage {
            buffer: buffer.clone(),
            offset_bytes,
            size_bytes,
            read_only,
        };
        let reads = program.access == Access::SeparateBuffer;
        let parameters = program.has_parameters().then_some((PARAMETERS, Resource::Parameters));
        let source = (program.access != Access::SameBinding).then(|| (SOURCE, part(source, dispatch.source, reads)));
        let target = program.operation.has_target().then(|| (TARGET, part(target, dispatch.target, false)));
        let gradient = gradient.as_ref().map(|(buffer, further)| {
            let offset_bytes = dispatch.source.offset_bytes.wrapping_add(*further);
            (GRADIENT, part(buffer, Span { offset_bytes, ..dispatch.source }, true))
        });
        let counters = counters.as_ref().map(|(buffer, offset)| {
            (COUNTERS, part(buffer, Span { offset_bytes: *offset, size_bytes: COUNTER_BYTES }, false))
        });
        let length = length.as_ref().map(|length| (LENGTH, part(&length.buffer, length.span, true)));
        let block = Some((BLOCK, Resource::Block));
        [parameters, block, source, target, gradient, counters, length].into_iter().flatten()
    }
}
