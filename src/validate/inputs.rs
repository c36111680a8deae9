//! The inputs of a check.

use std::ops::RangeInclusive;

use super::pass::Pass;
use super::reference::signed_ulps;
use crate::element::has_16_bits;
use crate::{Element, HardSigmoid};

/// Elements computed and compared at a time.
pub(super) const PIECE: u64 = 1 << 22;

/// Elements that a thread compares at a time.
pub(super) const CHUNK: usize = 1 << 14;

/// How many bytes the CPU path would read and write in the time that comparing takes, roughly.
pub(super) const fn weight<T>(elements: &[T]) -> usize {
    size_of_val(elements).saturating_mul(16)
}

/// The inputs of a check.
#[derive(Clone, Debug)]
pub enum Inputs<'a, T> {
    /// These numbers.
    Data(&'a [T]),
    /// The numbers with these bit patterns. `0..=u32::MAX` is every f32, and `0..=0xffff` is every number of a 16-bit
    /// type. In f64 these patterns are only zero and subnormal numbers, so use [`samples`] for f64.
    Bits(RangeInclusive<u32>),
}

impl<T: Element> Inputs<'_, T> {
    /// The number of elements.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Bits(bits) => (u64::from(*bits.end()) + 1).saturating_sub(u64::from(*bits.start())),
        }
    }

    /// Fills `x` with up to `PIECE` elements, starting with the one at index `done`.
    pub(super) fn piece(&self, done: u64, x: &mut Vec<T>) {
        let len = PIECE.min(self.count().saturating_sub(done)) as usize;
        x.clear();
        match self {
            Self::Data(data) => x.extend(data.iter().skip(done as usize).take(len)),
            Self::Bits(bits) => {
                let first = bits.start().wrapping_add(done as u32);
                x.extend((0..len as u32).map(|i| T::from_low_bits(first.wrapping_add(i).into())));
            }
        }
    }
}

/// The `i`-th gradient to check with. No pattern of 32 bits (16 for 16-bit types) repeats before all have occurred.
pub(super) fn gradient<T: Element>(i: u64) -> T {
    let bits = (i as u32).wrapping_add(1).wrapping_mul(0x9e37_79b1);
    if size_of::<T>() > size_of::<f32>() {
        T::from_f64(f32::from_bits(bits).into())
    } else {
        T::from_low_bits(bits.into())
    }
}

/// Inputs for a quick check of `f`. For a 16-bit type, these are all its numbers. For f32 and f64, they are millions of
/// numbers: those next to zero, the edges, powers of two and the limits of f32, NaNs of all kinds, and an even
/// selection of all f32 bit patterns. For f64, low bits that f32 does not have are added.
#[must_use]
pub fn samples<T: Element>(f: HardSigmoid) -> Vec<T> {
    /// The number of neighbours on each side.
    const NEAR: u32 = 1 << 14;
    /// Odd, so that the low bits vary too.
    const STRIDE: usize = 251;
    if has_16_bits::<T>() {
        return (0..=0xffff).map(T::from_low_bits).collect();
    }
    let edges = [-f.beta() / f.alpha(), (1.0 - f.beta()) / f.alpha(), 0.0, f64::MIN_POSITIVE, f64::MAX];
    let mut bits = Vec::new();
    for edge in edges.into_iter().flat_map(|edge| [edge as f32, -edge as f32]) {
        bits.extend((0..=2 * NEAR).map(|i| edge.to_bits().wrapping_sub(NEAR).wrapping_add(i)));
    }
    for sign in [0, 1 << 31] {
        for exponent in 0..=0xff_u32 {
            let power = sign | exponent << 23;
            bits.extend((0..64).map(|i| power.wrapping_sub(32).wrapping_add(i)));
            bits.extend((0..23).map(|i| power | 1 << i));
        }
    }
    bits.extend((0..=u32::MAX).step_by(STRIDE));
    if size_of::<T>() == size_of::<f32>() {
        return bits.into_iter().map(|bits| T::from_low_bits(bits.into())).collect();
    }
    // The low bits that f64 has and f32 does not have.
    let low = |bits: u32| u64::from(bits.wrapping_mul(0x9e37_79b1) >> 3);
    let widened = |bits: u32| f64::from_bits(f64::from(f32::from_bits(bits)).to_bits() | low(bits));
    let near =
        |edge: f64| (0..=2 * u64::from(NEAR)).map(move |i| edge.to_bits().wrapping_add(i).wrapping_sub(NEAR.into()));
    let neighbours = edges.into_iter().flat_map(|edge| [edge, -edge]).flat_map(near).map(f64::from_bits);
    bits.into_iter().map(widened).chain(neighbours).map(T::from_f64).collect()
}

/// Inputs for a [judge](super::judge()): x, each number once and in ascending order, and the gradients with respect to
/// y, which are none in the forward pass.
///
/// x are those of [`samples`]. In the backward pass they are followed by some of them once more, with the gradient 1:
/// those at and beside the edges, and one in 64.
#[must_use]
pub fn judge_inputs<T: Element>(pass: impl Into<Pass>) -> (Vec<T>, Vec<T>) {
    let pass = pass.into();
    let mut x = samples::<T>(pass.function());
    // The samples are runs that ascend or descend, which a stable sort merges.
    x.sort_by(|a, b| a.to_exact().total_cmp(&b.to_exact()).then(a.bits().cmp(&b.bits())));
    x.dedup_by_key(|x| x.bits());
    if !pass.has_gradient() {
        return (x, Vec::new());
    }
    let mut grad_y: Vec<_> = (0..x.len() as u64).map(gradient).collect();
    let again: Vec<_> = (0..).zip(&x).filter(|&(i, &x)| i % 64 == 0 || is_beside(pass, x)).map(|(_, &x)| x).collect();
    x.extend(again);
    grad_y.resize(x.len(), T::from_f64(1.0));
    (x, grad_y)
}

/// Whether `x` is an edge or within 2 ULP of it.
pub(super) fn is_beside<T: Element>(pass: Pass, x: T) -> bool {
    pass.edges().into_iter().any(|edge| signed_ulps(x, edge) <= 2)
}
