//! The result of a check.

use crate::Element;

/// The most differences that a report holds.
pub(super) const MAX_DIFFERENCES: usize = 8;

/// An element whose result is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference<T> {
    /// The index of the element among the inputs.
    pub index: u64,
    /// The input: x, or the saved value for the backward pass.
    pub input: T,
    /// The gradient with respect to y. `None` for the forward pass.
    pub grad_y: Option<T>,
    /// The actual result.
    pub got: T,
    /// The expected result.
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

/// The result of a check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report<T> {
    /// Elements compared, bit for bit, with [`HardSigmoid::eval`](crate::HardSigmoid::eval) or
    /// [`Backward::eval`](crate::Backward::eval).
    pub checked: u64,
    /// Elements whose bits differ, except for flushed subnormals.
    pub mismatches: u64,
    /// Elements that differ only because the driver flushes subnormals to zero, as WGSL allows.
    pub flushed: u64,
    /// Elements that differ from the exact function by more than the contract allows, except for flushed subnormals.
    pub out_of_bound: u64,
    /// At least this many results were counted in the wrong field of [`Saturation`](crate::Saturation), by the forward
    /// pass.
    pub miscounted: u64,
    /// Elements whose input is NaN.
    pub nan_checked: u64,
    /// The largest distance in ULP between a result and the number nearest to the exact function, except for flushed
    /// subnormals. `u32::MAX` if a result is wrongly negative, -0 or NaN. The check is done in f64, so for f64 its own
    /// rounding errors are included.
    pub max_ulp: u32,
    /// The largest difference between a result and the exact function. Infinite if a result is wrongly NaN.
    pub max_abs_error: f64,
    /// The first differences (at most eight), except for flushed subnormals.
    pub first: Vec<Difference<T>>,
    /// The adapter. `None` for the CPU path.
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
    /// Adds the report for the next piece of the inputs. Its indexes count from the end of the elements here.
    #[must_use]
    pub fn merge(self, mut next: Self) -> Self {
        next.first.iter_mut().for_each(|difference| difference.index += self.checked);
        self.add(next)
    }

    /// Adds the report for other elements of the same inputs, in any order. Indexes stay as they are.
    pub(super) fn add(mut self, mut other: Self) -> Self {
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
