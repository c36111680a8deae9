//! What a check finds.

use crate::Element;

/// How many differences a report holds.
pub(super) const MAX_DIFFERENCES: usize = 8;

/// An element whose result is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference<T> {
    /// The index of the element among those checked.
    pub index: u64,
    /// The input: x, or what the backward pass has saved.
    pub input: T,
    /// In the backward pass, the gradient with respect to y.
    pub grad_y: Option<T>,
    /// The result that was checked.
    pub got: T,
    /// What it was checked against.
    pub expected: T,
}

impl<T: Element> std::fmt::Display for Difference<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, input, grad_y, got, expected } = self;
        write!(f, "element {index}: input {input:e} ({:#x}) ", input.bits())?;
        if let Some(grad) = grad_y {
            write!(f, "and gradient {grad:e} ({:#x}) ", grad.bits())?;
        }
        write!(f, "gave {got:e} ")?;
        write!(f, "({:#x}), expected {expected:e} ({:#x})", got.bits(), expected.bits())
    }
}

/// What a check found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report<T> {
    /// Elements compared, bit for bit, with [`HardSigmoid::eval`](crate::HardSigmoid::eval) or
    /// [`Backward::eval`](crate::Backward::eval).
    pub checked: u64,
    /// Elements whose bits differ, other than by a flushed subnormal.
    pub mismatches: u64,
    /// Elements that differ only because the driver flushes subnormals to zero, as WGSL allows.
    pub flushed: u64,
    /// Elements further from the exact function than the contract allows, without flushed subnormals.
    pub out_of_bound: u64,
    /// Results that were counted in another field of [`Saturation`](crate::Saturation) than they belong to. Forward pass
    /// only.
    pub miscounted: u64,
    /// Elements whose input is NaN, which must keep its sign and payload.
    pub nan_checked: u64,
    /// The largest distance between a result and the number nearest to the exact function, in numbers of the type. Flushed
    /// subnormals are left out. `u32::MAX` for a result that is negative, -0 or NaN where it must not be. For f64, which has
    /// no wider type to check it by, this includes the error of the check.
    pub max_ulp: u32,
    /// The largest distance between a result and the exact function. Infinite for a NaN where there must be none.
    pub max_abs_error: f64,
    /// The first differences, without flushed subnormals: eight at most.
    pub first: Vec<Difference<T>>,
    /// The adapter; none for the CPU path.
    #[cfg(feature = "wgpu")]
    pub adapter: Option<Box<wgpu::AdapterInfo>>,
}

impl<T> Default for Report<T> {
    fn default() -> Self {
        Self {
            checked: 0,
            mismatches: 0,
            flushed: 0,
            out_of_bound: 0,
            miscounted: 0,
            nan_checked: 0,
            max_ulp: 0,
            max_abs_error: 0.0,
            first: Vec::new(),
            #[cfg(feature = "wgpu")]
            adapter: None,
        }
    }
}

impl<T> Report<T> {
    /// Adds what was found in other elements.
    pub(super) fn merge(mut self, mut other: Self) -> Self {
        self.checked += other.checked;
        self.mismatches += other.mismatches;
        self.flushed += other.flushed;
        self.out_of_bound += other.out_of_bound;
        self.miscounted += other.miscounted;
        self.nan_checked += other.nan_checked;
        self.max_ulp = self.max_ulp.max(other.max_ulp);
        self.max_abs_error = self.max_abs_error.max(other.max_abs_error);
        self.first.append(&mut other.first);
        self.first.sort_by_key(|difference| difference.index);
        self.first.truncate(MAX_DIFFERENCES);
        self
    }
}
