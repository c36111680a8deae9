//! Rows of elements, and cutting them into dispatches that compute several rows.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::dispatch::{Buffers, Dispatch};
use super::dispatches::Dispatches;
use crate::error::{BufferRole, PlanError};

/// Rows of elements in a buffer or a slice, such as those of an image with padding, or of a part of a matrix.
///
/// In one buffer, source and target may be the same rows (in place), lie beside each other with one pitch, or lie apart
/// as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The first element of the first row.
    pub first: u64,
    /// The number of elements in a row.
    pub width: u64,
    /// How many elements further on than a row the next one begins: `width` or more. Of a copied texture, the
    /// `bytes_per_row` divided by the size of an element. Of one row it says nothing.
    pub pitch: u64,
    /// The number of rows.
    pub number: u64,
}

impl Rows {
    /// The rows of a slice.
    ///
    /// ```
    /// use hard_sigmoid::{HardSigmoid, cpu, plan::Rows};
    ///
    /// // Two rows of three elements, with padding.
    /// let x = [0.0_f32, 1.25, 9.0, -1.0, 2.5, -2.5, -9.0, -1.0];
    /// let mut y = [0.0; 6];
    /// let padded = Rows { first: 0, width: 3, pitch: 4, number: 2 };
    /// let tight = Rows { pitch: 3, ..padded };
    /// for (x, y) in padded.of(&x)?.zip(tight.of_mut(&mut y)?) {
    ///     cpu::apply(HardSigmoid::ONNX, x, y)?;
    /// }
    /// assert_eq!(y, [0.5, 0.75, 1.0, 1.0, 0.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PlanError`] if the pitch is less than the width, or if the last row leaves the slice.
    pub fn of<T>(self, slice: &[T]) -> Result<impl Iterator<Item = &[T]>, PlanError> {
        let [first, width, pitch, number] = self.indices(slice.len())?;
        let rows = slice.get(first..).unwrap_or_default().chunks(pitch).take(number);
        Ok(rows.map(move |row| row.get(..width).unwrap_or_default()))
    }

    /// The rows of a mutable slice, as [`of`](Self::of).
    ///
    /// # Errors
    ///
    /// As `of`.
    pub fn of_mut<T>(self, slice: &mut [T]) -> Result<impl Iterator<Item = &mut [T]>, PlanError> {
        let [first, width, pitch, number] = self.indices(slice.len())?;
        let rows = slice.get_mut(first..).unwrap_or_default().chunks_mut(pitch).take(number);
        Ok(rows.map(move |row| row.get_mut(..width).unwrap_or_default()))
    }

    /// Checks that the rows fit a slice. The pitch is at least 1, and there are no rows without elements.
    fn indices(self, len: usize) -> Result<[usize; 4], PlanError> {
        self.check(BufferRole::Data, len as u64)?;
        let number = if self.width == 0 { 0 } else { self.number };
        let pitch = if number <= 1 { self.width } else { self.pitch };
        Ok([self.first, self.width, pitch.max(1), number].map(|index| index as usize))
    }

    /// Checks that a row begins after the one before, and that the last one ends with `available` elements at the
    /// latest.
    pub(super) fn check(self, role: BufferRole, available: u64) -> Result<(), PlanError> {
        let Self { first, width, pitch, number } = self;
        if number == 0 {
            return Ok(());
        }
        if number > 1 && pitch < width {
            return Err(PlanError::Pitch { role, width, pitch });
        }
        let last = number.saturating_sub(1).checked_mul(pitch).and_then(|further| first.checked_add(further));
        match last {
            Some(last) if last.checked_add(width).is_some_and(|end| end <= available) => Ok(()),
            last => Err(PlanError::OutOfRange { role, first: last.unwrap_or(u64::MAX), len: width, available }
                .of_row(number.saturating_sub(1))),
        }
    }

    /// As one row, if there is nothing between the rows.
    pub(super) const fn joined(self) -> Option<Self> {
        match self.width.checked_mul(self.number) {
            Some(width) if self.number <= 1 || self.pitch == self.width => {
                Some(Self { width, pitch: width, number: 1, ..self })
            }
            _ => None,
        }
    }
}

/// Rows of a source and of a target, or one row of each.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// The first row.
    pub(super) row: Dispatches,
    pub(super) number: u64,
    /// The pitches of the source and of the target.
    pub(super) pitches: [u64; 2],
}

#[allow(clippy::arithmetic_side_effects, reason = "the last row, which was checked, ends at 2^63 elements at most")]
impl Grid {
    /// Checks that rows of one buffer do not overlap, unless source and target are the same.
    pub(super) fn check_overlap(&self, role: BufferRole) -> Result<(), PlanError> {
        let [source, target] = [self.row.source.element, self.row.target.element];
        let (apart, width, [pitch, other]) = (source.abs_diff(target), self.row.len, self.pitches);
        if self.row.buffers == Buffers::Two || self.number < 2 || width == 0 || (apart == 0 && pitch == other) {
            return Ok(());
        }
        let overlap = if pitch == other {
            // They may lie between each other.
            let meet = |rows: u64, gap: u64| rows < self.number && gap < width;
            meet(apart / pitch, apart % pitch) || meet(apart / pitch + 1, pitch - apart % pitch)
        } else {
            let end = |start: u64, pitch: u64| start + (self.number - 1) * pitch + width;
            source < end(target, other) && target < end(source, pitch)
        };
        if overlap { Err(PlanError::RowsOverlap { role }) } else { Ok(()) }
    }

    /// The dispatches, which compute several rows each.
    pub(super) fn dispatches(&self) -> impl Iterator<Item = Dispatch> {
        let (step, most) = self.block();
        let (number, [source, target]) = (if self.row.len == 0 { 0 } else { self.number }, self.pitches);
        let firsts = (0..step.min(number)).flat_map(move |first| (first..number).step_by((step * most) as usize));
        firsts.flat_map(move |first| {
            let rows = (number - first).div_ceil(step).min(most);
            self.row.clone().moved([first * source, first * target]).repeated(rows, [step * source, step * target])
        })
    }

    /// Every which row is computed alike, and how many of these fit a dispatch.
    ///
    /// Rows are aligned alike if they are whole vectors apart, as every 8th row is. And no two may have parts of one
    /// word or vector of the target, since a thread writes it as a whole.
    fn block(&self) -> (u64, u64) {
        let (width, [source, target]) = (self.row.len, self.pitches);
        let (unit, vector) = (self.row.unit_len(), self.row.vector());
        let into_unit = self.row.target.element % unit;
        let is_alike = |&step: &u64| {
            let [source, target] = [source, target].map(|pitch| pitch.saturating_mul(step));
            let are_whole = unit < vector || (source.is_multiple_of(unit) && target.is_multiple_of(unit));
            let are_apart = target >= width + unit - 1 || (target.is_multiple_of(unit) && into_unit + width <= target);
            are_whole && are_apart
        };
        let step = [1, 2, 4, 8, 16].into_iter().find(is_alike).unwrap_or(1);
        let most = self.row.most_rows(source.max(target).saturating_mul(step));
        // With two pitches in one buffer, rows come to lie closer together or further apart.
        let is_even = self.row.buffers == Buffers::Two || source == target;
        if self.number > 1 && most > 1 && is_even { (step, most) } else { (1, 1) }
    }
}

#[cfg(test)]
mod tests;
