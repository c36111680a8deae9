//! How much of a batch is saturated.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use bytemuck::{Pod, Zeroable};

use crate::element::{Element, Float};

/// How many results of a batch are 0, 1, between them, and NaN.
///
/// Each result, rounded to its element type, is counted in exactly one field. Results that are 0 or 1 are *saturated*.
/// Unless α is 0, [`backward_from_output`](crate::HardSigmoid::backward_from_output) gives a gradient of 0 for exactly
/// these and for NaN. [`backward`](crate::HardSigmoid::backward) sees x instead of y, and may differ next to an edge.
///
/// A GPU leaves the counts in a buffer as 32 bytes, which [`from_bytes`](Self::from_bytes) reads. Counts of several
/// batches are added with `+` or `sum`.
///
/// ```
/// use hard_sigmoid::{HardSigmoid, Saturation, cpu};
///
/// let batches = [[-9.0_f32, 0.0], [9.0, 9.0]];
/// let counts: Saturation = batches.iter().map(|x| cpu::saturation(HardSigmoid::ONNX, x)).sum();
/// assert_eq!((counts.zero, counts.inside, counts.one, counts.fraction()), (1, 1, 2, 0.75));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Saturation {
    /// Results that are 0.
    pub zero: u64,
    /// Results that are 1.
    pub one: u64,
    /// Results between 0 and 1, both excluded.
    pub inside: u64,
    /// Results that are NaN, as their inputs are.
    pub nan: u64,
}

/// Bytes of the counters that a GPU adds to.
pub(crate) const COUNTER_BYTES: u64 = size_of::<Saturation>() as u64;

impl Saturation {
    /// The number of results that were counted.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.zero.saturating_add(self.one).saturating_add(self.inside).saturating_add(self.nan)
    }

    /// The saturated share of the batch, from 0 to 1: results that are 0 or 1, divided by all results, NaN included.
    /// 0 for an empty batch.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.zero.saturating_add(self.one) as f64 / self.total().max(1) as f64
    }

    /// How many results of one batch two counts have put into different fields, at least.
    pub(crate) const fn distance(self, other: Self) -> u64 {
        let saturated = self.zero.abs_diff(other.zero).saturating_add(self.one.abs_diff(other.one));
        let others = self.inside.abs_diff(other.inside).saturating_add(self.nan.abs_diff(other.nan));
        saturated.saturating_add(others).div_ceil(2)
    }

    /// The counts that a GPU left in a buffer: four little-endian u64 in the order of the fields.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let [zero, one, inside, nan] = bytemuck::cast::<_, [[u8; 8]; 4]>(bytes).map(u64::from_le_bytes);
        Self { zero, one, inside, nan }
    }
}

/// The counts of two batches together. A sum beyond `u64::MAX` stays there.
impl Add for Saturation {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            zero: self.zero.saturating_add(other.zero),
            one: self.one.saturating_add(other.one),
            inside: self.inside.saturating_add(other.inside),
            nan: self.nan.saturating_add(other.nan),
        }
    }
}

impl AddAssign for Saturation {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Saturation {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
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
