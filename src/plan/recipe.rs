//! The operations, and which dispatches each takes.

use std::ops::Range;

use super::dispatch::{Buffers, Extent, Span, Start};
use super::dispatches::{VECTOR_BYTES, dispatches};
use super::limits::Limits;
use super::program::{Operation, Program};
use super::rows::{Grid, Rows};
use super::step::{LengthWord, Step};
use crate::error::{BufferRole, PlanError};
use crate::saturation::COUNTER_BYTES;
use crate::{Dtype, Element};

/// A range of elements in a storage buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand<B> {
    /// The buffer. The same for two operands that share a buffer, and only then.
    pub buffer: B,
    /// The size of the buffer.
    pub buffer_bytes: u64,
    /// The elements. They may begin anywhere in the buffer.
    pub elements: Elements,
}

/// Elements of a buffer: a range, or [`Rows`]. Both become this by `into`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elements {
    /// Those from the first to before the last.
    Range(Range<u64>),
    /// Those of several rows.
    Rows(Rows),
}

impl From<Range<u64>> for Elements {
    fn from(range: Range<u64>) -> Self {
        Self::Range(range)
    }
}

impl From<Rows> for Elements {
    fn from(rows: Rows) -> Self {
        Self::Rows(rows)
    }
}

/// A place in a storage buffer, which is none of those with elements: for the 32 bytes of a
/// [`Saturation`](crate::Saturation), or for a [length](Recipe::with_length).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<B> {
    /// The buffer.
    pub buffer: B,
    /// The size of the buffer, or of the part of it that may be bound.
    pub buffer_bytes: u64,
    /// Where the counters begin, at a multiple of the alignment; or the length, at a multiple of 4.
    pub offset_bytes: u64,
}

/// What to dispatch for an operation: a list of steps.
///
/// `B` is whatever stands for a buffer, such as a reference to one, or its number. Buffers need usage `STORAGE`.
/// Operands in one buffer say the same of its size.
///
/// # Errors of every operation
///
/// * [`PlanError::NotOnGpu`] for f64.
/// * [`PlanError`] if a range ends before it begins, leaves its buffer, or ends with half a word there; if ranges
///   differ in length, or overlap without being the same range; if counters are where they must not be; or if the
///   limits do not allow any dispatch.
#[derive(Clone, Debug)]
pub struct Recipe<B> {
    passes: Vec<Pass<B>>,
}

/// One pass over the operands.
#[derive(Clone, Debug)]
struct Pass<B> {
    dtype: Dtype,
    operation: Operation,
    grid: Grid,
    /// What the source is to the caller.
    role: BufferRole,
    source: B,
    target: B,
    /// The gradient, and by how many bytes its bindings begin after those of the source, modulo 2^64.
    gradient: Option<(B, u64)>,
    /// The counters, and at which byte they begin.
    counters: Option<(B, u64)>,
    length: Option<LengthWord<B>>,
}

impl<B: Clone + PartialEq> Recipe<B> {
    /// Writes the function of `source` to `target`, which may be the same range. Errors call that the data.
    pub fn forward<T: Element>(source: &Operand<B>, target: &Operand<B>, limits: Limits) -> Result<Self, PlanError> {
        Ok(pass::<T, B>(Operation::Forward, (source.role(target), source), target, limits)?.into())
    }

    /// Adds how many results for `source` are 0, 1, between them, and NaN to `counters`. Clear them before, unless
    /// several recipes are to add up.
    pub fn count<T: Element>(source: &Operand<B>, counters: &Place<B>, limits: Limits) -> Result<Self, PlanError> {
        let counters = counters.place(&[(BufferRole::Source, source)], limits)?;
        let pass = pass::<T, B>(Operation::Count, (BufferRole::Source, source), source, limits)?;
        Ok(Pass { counters: Some(counters), ..pass }.into())
    }

    /// Does what [`forward`](Self::forward) and [`count`](Self::count) do, in one pass over the source unless the
    /// limits allow only two storage buffers.
    pub fn forward_and_count<T: Element>(
        source: &Operand<B>,
        target: &Operand<B>,
        counters: &Place<B>,
        limits: Limits,
    ) -> Result<Self, PlanError> {
        let role = source.role(target);
        let place = counters.place(&[(role, source), (BufferRole::Target, target)], limits)?;
        if !limits.three_buffers() {
            // Counting comes first, since the target may replace the source.
            let mut both = Self::count::<T>(source, counters, limits)?;
            both.passes.extend(Self::forward::<T>(source, target, limits)?.passes);
            return Ok(both);
        }
        let pass = pass::<T, B>(Operation::ForwardAndCount, (role, source), target, limits)?;
        Ok(Pass { counters: Some(place), ..pass }.into())
    }

    /// Writes the gradient with respect to x to `grad_x`, from what the forward pass saved and the gradient with
    /// respect to y.
    ///
    /// `grad_x` may be the same range as one of the others, which may overlap each other. Errors call `saved` the
    /// source, `grad_y` the gradient, and `grad_x` the target.
    pub fn backward<T: Element>(
        saved: &Operand<B>,
        grad_y: &Operand<B>,
        grad_x: &Operand<B>,
        limits: Limits,
    ) -> Result<Self, PlanError> {
        let (source, gradient) = ((BufferRole::Source, saved), (BufferRole::Gradient, grad_y));
        // Both are planned in any case, since both ranges have to be checked.
        let copy = pass::<T, B>(Operation::Copy, gradient, grad_x, limits)?;
        let in_place = pass::<T, B>(Operation::Backward, source, grad_x, limits)?;
        if grad_y.is(grad_x) {
            return Ok(in_place.into());
        }
        if saved.is(grad_x) {
            return Ok(pass::<T, B>(Operation::BackwardOverSaved, gradient, grad_x, limits)?.into());
        }
        // One pass over three buffers finds the gradient where it finds what was saved, some bytes further on.
        let (saved_rows, grad_rows) = (rows((BufferRole::Source, saved))?, rows((BufferRole::Gradient, grad_y))?);
        let first_byte = |rows: Rows| rows.first.wrapping_mul(size_of::<T>() as u64);
        let apart = first_byte(grad_rows).wrapping_sub(first_byte(saved_rows));
        let are_apart = saved.buffer != grad_x.buffer
            && grad_y.buffer != grad_x.buffer
            && (saved_rows.pitch == grad_rows.pitch || saved_rows.number <= 1);
        let are_aligned_alike = apart.is_multiple_of(u64::from(limits.alignment_bytes).max(VECTOR_BYTES));
        if !(are_apart && are_aligned_alike && limits.three_buffers()) {
            return Ok(Self { passes: vec![copy, in_place] });
        }
        // The bindings of both sources are of the same size, so that the shorter rest of a buffer counts.
        let behind = grad_y.buffer_bytes.saturating_sub(first_byte(grad_rows));
        let buffer_bytes = saved.buffer_bytes.min(first_byte(saved_rows).saturating_add(behind));
        let shorter = Operand { buffer_bytes, ..saved.clone() };
        let pass = pass::<T, B>(Operation::BackwardOfPair, (BufferRole::Source, &shorter), grad_x, limits)?;
        Ok(Pass { gradient: Some((grad_y.buffer.clone(), apart)), ..pass }.into())
    }

    /// The same for a length that only the GPU knows: the first elements of the ranges, as many as the u32 at `length`
    /// says when the steps run, and at most as many as there are. The others are neither changed nor counted.
    ///
    /// A step has another storage buffer then. So make the recipe with limits of one `storage_buffers` less than the
    /// device allows, which `limits` here are.
    pub fn with_length(mut self, length: &Place<B>, limits: Limits) -> Result<Self, PlanError> {
        let (role, bytes) = (BufferRole::Length, 4);
        let &Place { buffer_bytes, offset_bytes: offset, ref buffer } = length;
        // A word, in the binding that begins before it.
        check_block(role, bytes, offset, buffer_bytes, 4)?;
        let before = offset % u64::from(limits.alignment_bytes).max(bytes);
        let span = Span { offset_bytes: offset.wrapping_sub(before), size_bytes: before.saturating_add(bytes) };
        let word = LengthWord { buffer: buffer.clone(), span, at: (before / bytes) as u32 };
        if let Some((other, ..)) = self.buffers().find(|(_, other, _)| *other == buffer) {
            return Err(PlanError::Shared { role, other });
        }
        if self.passes.iter().any(|pass| pass.grid.number > 1) {
            return Err(PlanError::LengthOfRows);
        }
        for pass in &mut self.passes {
            pass.grid.row.extent = Extent::Length;
            pass.length = Some(word.clone());
        }
        // No later dispatch of a pass has more than its first one.
        let firsts = self.passes.iter().filter_map(|pass| pass.steps().next());
        match firsts.map(|step| step.storage_buffers()).max() {
            Some(needed) if needed > limits.storage_buffers => {
                Err(PlanError::StorageBuffers { needed, available: limits.storage_buffers })
            }
            _ => Ok(self),
        }
    }

    /// The buffers, what they are to the caller, and whether they are written. One may occur several times.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = (BufferRole, &B, bool)> {
        self.passes.iter().flat_map(|pass| {
            let target_role = if pass.role == BufferRole::Data { pass.role } else { BufferRole::Target };
            let target = pass.operation.has_target().then_some((target_role, &pass.target, true));
            let gradient = pass.gradient.as_ref().map(|(buffer, _)| (BufferRole::Gradient, buffer, false));
            let counters = pass.counters.as_ref().map(|(buffer, _)| (BufferRole::Counters, buffer, true));
            let length = pass.length.as_ref().map(|length| (BufferRole::Length, &length.buffer, false));
            [Some((pass.role, &pass.source, false)), gradient, target, counters, length].into_iter().flatten()
        })
    }

    /// The steps, in the order in which they run. A later one may read what an earlier one has written.
    pub fn steps(&self) -> impl Iterator<Item = Step<B>> {
        self.passes.iter().flat_map(Pass::steps)
    }
}

impl<B: Clone> Pass<B> {
    fn steps(&self) -> impl Iterator<Item = Step<B>> {
        self.grid.dispatches().map(|dispatch| Step {
            program: Program::new(self.dtype, self.operation, dispatch.access, dispatch.unit, dispatch.extent),
            dispatch,
            source: self.source.clone(),
            target: self.target.clone(),
            gradient: self.gradient.clone(),
            counters: self.counters.clone(),
            length: self.length.clone(),
        })
    }
}

impl<B: PartialEq> Operand<B> {
    /// What the source of an operation on `target` is to the caller.
    fn role(&self, target: &Self) -> BufferRole {
        if self.is(target) { BufferRole::Data } else { BufferRole::Source }
    }

    /// Whether these are the same elements of the same buffer, however they are given.
    fn is(&self, other: &Self) -> bool {
        let [own, others] = [self, other].map(|operand| rows((BufferRole::Source, operand)));
        self.buffer == other.buffer && self.buffer_bytes == other.buffer_bytes && own == others
    }
}

impl<B> From<Pass<B>> for Recipe<B> {
    fn from(pass: Pass<B>) -> Self {
        Self { passes: vec![pass] }
    }
}

impl<B: Clone + PartialEq> Place<B> {
    /// The buffer and the offset, if the counters may be there beside these operands.
    fn place(&self, operands: &[(BufferRole, &Operand<B>)], limits: Limits) -> Result<(B, u64), PlanError> {
        let Self { buffer, buffer_bytes, offset_bytes } = self;
        let role = BufferRole::Counters;
        if let Some(&(other, _)) = operands.iter().find(|(_, operand)| operand.buffer == *buffer) {
            return Err(PlanError::Shared { role, other });
        }
        check_block(role, COUNTER_BYTES, *offset_bytes, *buffer_bytes, limits.alignment_bytes)?;
        Ok((buffer.clone(), *offset_bytes))
    }
}

/// Checks that an element type is supported on a GPU.
pub(crate) const fn check_on_gpu<T: Element>() -> Result<(), PlanError> {
    if T::ON_GPU { Ok(()) } else { Err(PlanError::NotOnGpu { element: T::NAME }) }
}

/// Checks that a block of `bytes` bytes fits a buffer from an offset on, which is a multiple of `alignment`.
pub(crate) fn check_block(
    role: BufferRole,
    bytes: u64,
    offset: u64,
    buffer_bytes: u64,
    alignment: u32,
) -> Result<(), PlanError> {
    if !offset.is_multiple_of(u64::from(alignment)) {
        return Err(PlanError::Alignment { role, offset, alignment });
    }
    if offset.checked_add(bytes).is_none_or(|end| end > buffer_bytes) {
        return Err(PlanError::TooShort { role, offset, bytes, size: buffer_bytes });
    }
    Ok(())
}

/// Plans an operation from a range to another of the same length.
fn pass<T: Element, B: Clone + PartialEq>(
    operation: Operation,
    (role, source): (BufferRole, &Operand<B>),
    target: &Operand<B>,
    limits: Limits,
) -> Result<Pass<B>, PlanError> {
    check_on_gpu::<T>()?;
    let (mut from, mut to) = (rows((role, source))?, rows((BufferRole::Target, target))?);
    if (from.width, from.number) != (to.width, to.number) {
        // Elements that are not there may be why.
        for (role, rows, operand) in [(role, from, source), (BufferRole::Target, to, target)] {
            rows.check(role, operand.buffer_bytes / size_of::<T>() as u64)?;
        }
        return Err(match (from.number, to.number) {
            (1, 1) => PlanError::Lengths { role, source_len: from.width, target_len: to.width },
            _ => PlanError::Rows { role, source_rows: [from.number, from.width], target_rows: [to.number, to.width] },
        });
    }
    if let (Some(source), Some(target)) = (from.joined(), to.joined()) {
        (from, to) = (source, target);
    }
    let is_shared = operation.has_target() && source.buffer == target.buffer;
    let buffers = if is_shared { Buffers::One } else { Buffers::Two };
    let row = |i: u64| {
        let start = |rows: Rows, of: &Operand<B>| Start {
            element: rows.first.saturating_add(rows.pitch.saturating_mul(i)),
            buffer_bytes: of.buffer_bytes,
        };
        let (source, target) = (start(from, source), start(to, target));
        dispatches(role, source, target, from.width, size_of::<T>() as u64, buffers, limits)
    };
    let grid = Grid { row: row(0)?, number: from.number, pitches: [from.pitch, to.pitch] };
    // The last row has to fit, too.
    let last = from.number.saturating_sub(1);
    row(last).map_err(|error| error.of_row(last))?;
    grid.check_overlap(role)?;
    let (source, target) = (source.buffer.clone(), target.buffer.clone());
    Ok(Pass { dtype: T::DTYPE, operation, grid, role, source, target, gradient: None, counters: None, length: None })
}

/// The rows of an operand, or its one row.
const fn rows<B>((role, operand): (BufferRole, &Operand<B>)) -> Result<Rows, PlanError> {
    match operand.elements {
        Elements::Range(Range { start, end }) => match end.checked_sub(start) {
            Some(width) => Ok(Rows { first: start, width, pitch: width, number: 1 }),
            None => Err(PlanError::Reversed { role, start, end }),
        },
        Elements::Rows(Rows { width, pitch, number, .. }) if number > 1 && pitch < width => {
            Err(PlanError::Pitch { role, width, pitch })
        }
        // The pitch of one row says nothing.
        Elements::Rows(rows) if rows.number <= 1 => Ok(Rows { pitch: rows.width, ..rows }),
        Elements::Rows(rows) => Ok(rows),
    }
}

#[cfg(test)]
mod tests;
