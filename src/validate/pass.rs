//! The pass to check.

use crate::job::Job;
use crate::{Backward, Element, HardSigmoid};

/// The pass to check. Converts from a [`HardSigmoid`] or a [`Backward`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pass {
    /// The function, and the counts of its saturated results.
    Forward(HardSigmoid),
    /// The backward pass. The inputs are the saved values. The gradients with respect to y are taken from a sequence in
    /// which every bit pattern occurs once before any repeats.
    Backward(Backward),
}

impl From<HardSigmoid> for Pass {
    fn from(f: HardSigmoid) -> Self {
        Self::Forward(f)
    }
}

impl From<Backward> for Pass {
    fn from(backward: Backward) -> Self {
        Self::Backward(backward)
    }
}

impl std::fmt::Display for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Forward(_) => "forward",
            Self::Backward(backward) if backward.is_from_output() => "backward from output",
            Self::Backward(_) => "backward",
        })
    }
}

impl Pass {
    pub(super) const fn function(self) -> HardSigmoid {
        match self {
            Self::Forward(f) => f,
            Self::Backward(backward) => backward.function(),
        }
    }

    /// The same pass of another function.
    pub(super) const fn with(self, f: HardSigmoid) -> Self {
        match self {
            Self::Forward(_) => Self::Forward(f),
            Self::Backward(backward) if backward.is_from_output() => Self::Backward(f.backward_from_output()),
            Self::Backward(_) => Self::Backward(f.backward()),
        }
    }

    /// The inputs at which the function reaches 0 and 1. NaN if it is constant.
    pub(super) fn edges(self) -> [f64; 2] {
        match (self, self.function()) {
            (Self::Backward(backward), _) if backward.is_from_output() => [0.0, 1.0],
            (_, f) if f.alpha() == 0.0 => [f64::NAN; 2],
            (_, f) => [0.0, 1.0].map(|y| (y - f.beta()) / f.alpha()),
        }
    }

    /// Whether each input comes with a gradient.
    pub(super) const fn has_gradient(self) -> bool {
        matches!(self, Self::Backward(_))
    }

    /// Whether the results are also counted.
    pub(super) const fn counts(self) -> bool {
        matches!(self, Self::Forward(_))
    }

    /// What computes `y`, and counts its results in the forward pass.
    pub(super) fn jobs<'a, T: Element>(
        self,
        x: &'a [T],
        grad_y: &'a [T],
        y: &'a mut [T],
    ) -> impl Iterator<Item = Job<'a, T>> {
        let (compute, count) = match self {
            Self::Forward(f) => (Job::apply(f, x, y), Some(Job::saturation(f, x))),
            Self::Backward(backward) => (Job::backward(backward, x, grad_y, y), None),
        };
        // The slices are equally long.
        compute.ok().into_iter().chain(count)
    }
}
