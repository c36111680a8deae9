//! How much of a batch is saturated.

use bytemuck::{Pod, Zeroable};

use crate::element::{Element, Float};

/// How many results of a batch are 0, 1, between, and NaN.
///
/// Counted are the results in their element type, each of which is in exactly one field. Unless α is 0, those that are not
/// `inside` are what [`backward_from_output`](crate::HardSigmoid::backward_from_output) gives no gradient, and what
/// [`backward`](crate::HardSigmoid::backward) gives none but for inputs next to an edge whose results round to 0 or 1.
///
/// A GPU leaves it in a buffer as these 32 bytes: four little-endian u64 in the order of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Saturation {
    /// Results that are 0.
    pub zero: u64,
    /// Results that are 1.
    pub one: u64,
    /// Results between 0 and 1.
    pub inside: u64,
    /// Results that are NaN, as their inputs are.
    pub nan: u64,
}

impl Saturation {
    /// How many results were counted.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.zero.saturating_add(self.one).saturating_add(self.inside).saturating_add(self.nan)
    }

    /// The part of the batch at 0 or 1, where the gradient vanishes: from 0 to 1, and 0 for an empty batch. NaN are in the
    /// batch, but not in that part.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.zero.saturating_add(self.one) as f64 / self.total().max(1) as f64
    }

    /// How many results two counts of one batch count as different kinds.
    pub(crate) const fn unlike(self, other: Self) -> u64 {
        let saturated = self.zero.abs_diff(other.zero).saturating_add(self.one.abs_diff(other.one));
        let others = self.inside.abs_diff(other.inside).saturating_add(self.nan.abs_diff(other.nan));
        saturated.saturating_add(others).div_ceil(2)
    }

    /// The sum of two batches.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            zero: self.zero.saturating_add(other.zero),
            one: self.one.saturating_add(other.one),
            inside: self.inside.saturating_add(other.inside),
            nan: self.nan.saturating_add(other.nan),
        }
    }
}

/// Counts results as they are computed: fewer than 2^32.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    all: u32,
    zero: u32,
    one: u32,
    nan: u32,
}

impl Tally {
    #[inline]
    pub(crate) fn add<T: Element>(&mut self, y: T) {
        let wide = y.widen();
        self.all += 1;
        self.zero += u32::from(wide == T::Wide::of(0.0));
        self.one += u32::from(wide == T::Wide::of(1.0));
        self.nan += u32::from(wide.partial_cmp(&wide).is_none());
    }
}

impl From<Tally> for Saturation {
    fn from(Tally { all, zero, one, nan }: Tally) -> Self {
        let inside = all.saturating_sub(zero).saturating_sub(one).saturating_sub(nan);
        Self { zero: zero.into(), one: one.into(), inside: inside.into(), nan: nan.into() }
    }
}
