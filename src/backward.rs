//! The definition of the backward pass. Its counterpart in `shaders/hard_sigmoid.wgsl` is
//! `hard_sigmoid_backward_vec4_bits`.

use std::cmp::Ordering;

use bytemuck::{Pod, Zeroable};

use crate::element::{Element, Float};
use crate::hard_sigmoid::HardSigmoid;
#[cfg(feature = "wgpu")]
use crate::hard_sigmoid::{PARAMETER_BYTES, ParamBlock};

/// The backward pass of a [`HardSigmoid`], from the gradient with respect to y to the gradient with respect to x:
/// `grad_x` = α·`grad_y` where α·x + β lies strictly between 0 and 1, and 0 elsewhere, including where x is NaN.
///
/// PyTorch's `hardsigmoid_backward` has the same definition. [`HardSigmoid::backward`] returns the variant for saved x,
/// and [`HardSigmoid::backward_from_output`] the variant for saved y.
///
/// # The contract
///
/// The edges are the x at which α·x + β is 0 or 1, with α and β of *the exact function* of [`HardSigmoid`]. x is
/// compared with two thresholds: the largest f32 (f64 for `f64`) not above the lower edge, and the smallest not below
/// the upper edge. They are computed exactly, so the gradient is right even where the forward pass rounds to 0 or 1.
///
/// The product is one multiplication in f32 (in f64 for `f64`) by α rounded to that type. A 16-bit type adds one
/// rounding. The result is the number nearest to the exact product, or one of its two neighbours.
///
/// Between the edges, a NaN in `grad_y` gives a quiet NaN with the same sign and payload. Elsewhere the result is 0,
/// even if `grad_y` is NaN or infinite. If α = 0, every result is 0. A GPU may flush subnormals.
///
/// ```
/// use hard_sigmoid::HardSigmoid;
///
/// let backward = HardSigmoid::ONNX.backward();
/// assert_eq!([-2.5_f32, -2.4, 2.4, 2.5].map(|x| backward.eval(x, 10.0)), [0.0, 2.0, 2.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backward {
    f: HardSigmoid,
    saved: Saved,
}

/// What was saved of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Saved {
    Input,
    Output,
}

impl HardSigmoid {
    /// The backward pass for saved inputs x of the forward pass.
    #[must_use]
    pub const fn backward(self) -> Backward {
        Backward { f: self, saved: Saved::Input }
    }

    /// The backward pass for saved outputs y of the forward pass. The result is 0 where y is 0, 1 or NaN.
    ///
    /// It differs from [`backward`](Self::backward) for some x next to an edge. If x is between the edges but y was
    /// rounded to 0 or 1, the result is 0. An example is x = 2.9999998 with `PYTORCH` in f32. If x is beyond the edge
    /// but rounding errors leave y less than 1, the result is α·`grad_y`. The latter never happens with the presets.
    #[must_use]
    pub const fn backward_from_output(self) -> Backward {
        Backward { f: self, saved: Saved::Output }
    }
}

impl Backward {
    /// The function of the forward pass.
    #[must_use]
    pub const fn function(self) -> HardSigmoid {
        self.f
    }

    /// Whether the saved values are outputs y of the forward pass, not inputs x.
    #[must_use]
    pub const fn is_from_output(self) -> bool {
        matches!(self.saved, Saved::Output)
    }

    /// The gradient with respect to x of one element, from its saved x or y and its gradient with respect to y.
    ///
    /// Each call computes the thresholds. For many elements, [`cpu::backward`](crate::cpu::backward) is faster.
    #[must_use]
    pub fn eval<T: Element>(self, saved: T, grad_y: T) -> T {
        self.coefficients::<T>().eval(saved, grad_y)
    }

    /// The parameters that the shader reads.
    #[must_use]
    pub fn params(self) -> BackwardParams {
        let BackwardCoefficients { slope, lower, upper } = self.coefficients::<f32>();
        // The shader compares integers, for which -0 is less than +0. Neither may lie between the thresholds.
        let lower = lower + 0.0;
        BackwardParams { slope, lower, upper: if upper == 0.0 { -0.0 } else { upper } }
    }

    /// The coefficients for elements of type `T`.
    pub(crate) fn coefficients<T: Element>(self) -> BackwardCoefficients<T::Wide> {
        let of = T::Wide::of;
        let slope = of(self.f.alpha());
        let (lower, upper) = match (self.f, self.saved) {
            // No number lies strictly between equal thresholds.
            (f, _) if f.alpha() == 0.0 => (of(0.0), of(0.0)),
            (_, Saved::Output) => (of(0.0), of(1.0)),
            // The f64 values of α are not exactly 1/5 and 1/6.
            (HardSigmoid::ONNX, Saved::Input) => (of(-2.5), of(2.5)),
            (HardSigmoid::PYTORCH, Saved::Input) => (of(-3.0), of(3.0)),
            (f, Saved::Input) => {
                let (left, right) = if f.alpha() > 0.0 { (0.0, 1.0) } else { (1.0, 0.0) };
                (last_up_to(f, left), first_from(f, right))
            }
        };
        BackwardCoefficients { slope, lower, upper }
    }
}

/// The parameters of the backward pass in the shader: `grad_y`·slope where the saved value lies strictly between
/// `lower` and `upper`, and 0 elsewhere.
///
/// Has the fields of the struct `HardSigmoidBackward` of [`WGSL`](crate::WGSL), in the same order. Returned by
/// [`Backward::params`].
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct BackwardParams {
    /// α.
    pub slope: f32,
    /// The lower threshold: the largest f32 not above the lower edge. A zero is +0.
    pub lower: f32,
    /// The upper threshold: the smallest f32 not below the upper edge. A zero is -0.
    pub upper: f32,
}

impl BackwardParams {
    /// The contents of a uniform buffer: the three fields and 4 zero bytes, all of which a binding needs.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        bytemuck::cast([self.slope, self.lower, self.upper, 0.0])
    }
}

/// The coefficients in the type in which the arithmetic is done.
#[derive(Clone, Copy)]
pub(crate) struct BackwardCoefficients<W> {
    slope: W,
    lower: W,
    upper: W,
}

impl<W: Float> BackwardCoefficients<W> {
    #[inline]
    pub(crate) fn eval<T: Element<Wide = W>>(self, saved: T, grad_y: T) -> T {
        let x = saved.widen();
        let grad_x = grad_y.quieted().unwrap_or(T::round(grad_y.widen() * self.slope));
        // Without a branch, which would keep loops over separate slices from becoming vector code on aarch64.
        if (x > self.lower) & (x < self.upper) { grad_x } else { T::zeroed() }
    }
}

/// The largest number not above the x at which α·x + β = `y`.
fn last_up_to<W: Float>(f: HardSigmoid, y: f64) -> W {
    let mut x = W::of((y - f.beta()) / f.alpha());
    while side(f, x.exact(), y) == Ordering::Greater {
        x = x.below();
    }
    while side(f, x.above().exact(), y) != Ordering::Greater {
        x = x.above();
    }
    x
}

/// The smallest number not below the x at which α·x + β = `y`.
fn first_from<W: Float>(f: HardSigmoid, y: f64) -> W {
    let mut x = W::of((y - f.beta()) / f.alpha());
    while side(f, x.exact(), y) == Ordering::Less {
        x = x.above();
    }
    while side(f, x.below().exact(), y) != Ordering::Less {
        x = x.below();
    }
    x
}

/// Compares `x` with the solution of α·x + β = `y`, without rounding error.
fn side(f: HardSigmoid, x: f64, y: f64) -> Ordering {
    let (alpha, beta) = (f.alpha(), f.beta());
    let side = if x.is_infinite() || beta == y {
        // x is infinite, or the solution is 0: the sign of x decides. α·x could underflow.
        (x * alpha.signum()).partial_cmp(&0.0)
    } else {
        let product = alpha * x;
        // The exact sum of these four terms is α·x + β - y.
        sign([product, alpha.mul_add(x, -product), beta, -y]).partial_cmp(&0.0)
    };
    let side = side.unwrap_or(Ordering::Equal);
    if alpha > 0.0 { side } else { side.reverse() }
}

/// Returns a number with the sign of the exact sum. Uses Shewchuk's expansions, which keep each rounding error.
fn sign(terms: [f64; 4]) -> f64 {
    let mut parts = [0.0; 4];
    for (n, term) in terms.into_iter().enumerate() {
        let mut sum = term;
        for part in parts.iter_mut().take(n) {
            let (a, b) = (sum, *part);
            sum = a + b;
            let of_b = sum - a;
            *part = (a - (sum - of_b)) + (b - of_b);
        }
        if let Some(last) = parts.get_mut(n) {
            *last = sum;
        }
    }
    // The parts do not overlap, and are in ascending order of magnitude.
    parts.into_iter().rev().find(|&part| part != 0.0).unwrap_or(0.0)
}

#[cfg(feature = "wgpu")]
impl ParamBlock for Backward {
    fn into_block(self) -> [u8; PARAMETER_BYTES] {
        self.params().to_bytes()
    }
}

#[cfg(test)]
mod tests;
