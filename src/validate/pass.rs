//! Which pass to check.

use crate::{Backward, HardSigmoid};

/// What is checked. Made from a [`HardSigmoid`] or a [`Backward`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pass {
    /// The function, and counting its results.
    Forward(HardSigmoid),
    /// The backward pass. The inputs are what it saves, and each comes with a gradient from a sequence that has every bit
    /// pattern once before one repeats.
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
