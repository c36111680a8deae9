//! The backward pass: what a gradient with respect to y is with respect to x. The twin of `hard_sigmoid_backward_vec4_bits` in
//! `shaders/hard_sigmoid.wgsl`.

use std::cmp::Ordering;

use bytemuck::{Pod, Zeroable};

use crate::element::{Element, Float};
use crate::hard_sigmoid::HardSigmoid;

/// The derivative of a [`HardSigmoid`], applied to a gradient: `grad_x` = `grad_y`·α where α·x + β lies strictly between 0 and
/// 1, and 0 at both edges, beyond them, and where x is NaN.
///
/// That is what PyTorch's `hardsigmoid_backward` computes. Comes from [`HardSigmoid::backward`], which decides by x, and
/// [`HardSigmoid::backward_from_output`], which decides by y.
///
/// # The contract
///
/// x is compared with two thresholds that are computed exactly, with the values of α and β that [`HardSigmoid`] means by
/// *the exact function*: the largest number that is not above the lower edge, and the smallest that is not below the
/// upper one. So the gradient is right where the forward pass already rounds to 0 or 1. The product is one multiplication
/// in f32 by α rounded to f32 (in f64 for `f64`), rounded once more to a 16-bit type: the number
/// nearest to the exact product, or one next to it.
///
/// A NaN in `grad_y` gives the quiet NaN with its sign and payload where x lies inside, and 0 elsewhere, as does an infinity
/// there. With α = 0 every result is 0. Subnormals are as in the forward pass: a GPU may flush them.
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

/// What of the forward pass the gradient is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Saved {
    Input,
    Output,
}

impl HardSigmoid {
    /// The backward pass, from the inputs x of the forward pass.
    #[must_use]
    pub const fn backward(self) -> Backward {
        Backward { f: self, saved: Saved::Input }
    }

    /// The backward pass, from the outputs y of the forward pass, for those who keep them and not x.
    ///
    /// It differs from [`backward`](Self::backward) next to the edges. Where the forward pass rounds to 0 or to 1 inside of
    /// them it gives 0, with `PYTORCH` in f32 for x = 2.9999998. For some α, β that are no preset, it is α times the
    /// gradient where the forward pass, within its error, does not quite reach 1 beyond the edge.
    #[must_use]
    pub const fn backward_from_output(self) -> Backward {
        Backward { f: self, saved: Saved::Output }
    }
}

impl Backward {
    /// The function that it is the backward pass of.
    #[must_use]
    pub const fn function(self) -> HardSigmoid {
        self.f
    }

    /// Whether it is computed from the outputs y of the forward pass.
    #[must_use]
    pub const fn is_from_output(self) -> bool {
        matches!(self.saved, Saved::Output)
    }

    /// The gradient with respect to x of one element, from what was saved of it (x or y) and its gradient with respect to
    /// y.
    ///
    /// Computes the thresholds each time: for many elements, [`cpu::backward`](crate::cpu::backward) is faster.
    #[must_use]
    pub fn eval<T: Element>(self, saved: T, grad_y: T) -> T {
        self.coefficients::<T>().eval(saved, grad_y)
    }

    /// The three numbers that the shader reads.
    #[must_use]
    pub fn params(self) -> BackwardParams {
        let BackwardCoefficients { slope, lower, upper } = self.coefficients::<f32>();
        // The shader compares as integers, where -0 is less than 0.
        let lower = lower + 0.0;
        BackwardParams { slope, lower, upper: if upper == 0.0 { -0.0 } else { upper } }
    }

    /// What evaluation of a type uses.
    pub(crate) fn coefficients<T: Element>(self) -> BackwardCoefficients<T::Wide> {
        let of = T::Wide::of;
        let slope = of(self.f.alpha());
        let (lower, upper) = match (self.f, self.saved) {
            // None is above 0 and below it.
            (f, _) if f.alpha() == 0.0 => (of(0.0), of(0.0)),
            (_, Saved::Output) => (of(0.0), of(1.0)),
            // Their α is not quite 1/5 and 1/6.
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

/// The parameters of the backward pass as the shader has them: `grad_y`·slope where the saved value lies strictly between
/// lower and upper, and 0 elsewhere.
///
/// The fields of the struct `HardSigmoidBackward` in [`WGSL`](crate::WGSL), in their order. Comes from
/// [`Backward::params`].
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct BackwardParams {
    /// α.
    pub slope: f32,
    /// The largest f32 that is not inside, at the lower edge. A zero is +0.
    pub lower: f32,
    /// The smallest f32 that is not inside, at the upper edge. A zero is -0.
    pub upper: f32,
}

impl BackwardParams {
    /// The bytes of a uniform block, as [`Params::to_bytes`](crate::Params::to_bytes).
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        bytemuck::cast([self.slope, self.lower, self.upper, 0.0])
    }
}

/// What evaluation uses, in the type that the arithmetic is done in.
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
        if x > self.lower && x < self.upper { grad_x } else { T::zeroed() }
    }
}

/// The largest number of a type that is not right of the x at which α·x + β = `y`.
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

/// The smallest number of a type that is not left of the x at which α·x + β = `y`.
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

/// Where `x` lies beside the one at which α·x + β = `y`, exactly.
fn side(f: HardSigmoid, x: f64, y: f64) -> Ordering {
    let (alpha, beta) = (f.alpha(), f.beta());
    let side = if x.is_infinite() || beta == y {
        // The edge is finite; in the second case 0, and α·x may underflow.
        (x * alpha.signum()).partial_cmp(&0.0)
    } else {
        let product = alpha * x;
        // The four sum up to α·x + β - y without any rounding.
        sign([product, alpha.mul_add(x, -product), beta, -y]).partial_cmp(&0.0)
    };
    let side = side.unwrap_or(Ordering::Equal);
    if alpha > 0.0 { side } else { side.reverse() }
}

/// A number of the sign of the exact sum: Shewchuk's expansion, which keeps what each addition rounds off.
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
    // The parts ascend in magnitude and do not overlap.
    parts.into_iter().rev().find(|&part| part != 0.0).unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
