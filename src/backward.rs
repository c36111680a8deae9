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
        self.mask::<T>().eval(saved, grad_y)
    }

    /// The three numbers that the shader reads.
    #[must_use]
    pub fn params(self) -> BackwardParams {
        let Mask { slope, lower, upper } = self.mask::<f32>();
        // The shader compares as integers, where -0 is less than 0.
        let lower = lower + 0.0;
        BackwardParams { slope, lower, upper: if upper == 0.0 { -0.0 } else { upper } }
    }

    /// What evaluation of a type uses.
    pub(crate) fn mask<T: Element>(self) -> Mask<T> {
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
        Mask { slope, lower, upper }
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

/// The backward pass ready to be evaluated for an element type.
pub(crate) struct Mask<T: Element> {
    slope: T::Wide,
    lower: T::Wide,
    upper: T::Wide,
}

impl<T: Element> Clone for Mask<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element> Copy for Mask<T> {}

impl<T: Element> Mask<T> {
    #[inline]
    pub(crate) fn eval(self, saved: T, grad_y: T) -> T {
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
mod tests {
    use half::{bf16, f16};

    use super::*;

    #[test]
    fn presets_have_the_edges_of_their_rationals() {
        for (f, edge) in [(HardSigmoid::ONNX, 2.5_f32), (HardSigmoid::PYTORCH, 3.0)] {
            let slope = f.params().slope;
            assert_eq!(f.backward().params(), BackwardParams { slope, lower: -edge, upper: edge });
            assert_eq!(f.backward_from_output().params(), BackwardParams { slope, lower: 0.0, upper: 1.0 });
            for (x, grad) in [
                (edge, 0.0),
                (edge.next_down(), slope),
                (-edge, 0.0),
                (-edge.next_down(), slope),
                (f32::INFINITY, 0.0),
                (f32::NEG_INFINITY, 0.0),
                (f32::NAN, 0.0),
                (-f32::NAN, 0.0),
            ] {
                assert_eq!(f.backward().eval(x, 1.0).to_bits(), grad.to_bits(), "{edge} {x}");
            }
            assert_eq!(f.backward().eval(f64::from(edge).next_down(), 1.0), f.alpha());
        }
    }

    /// Against α·x + β in integers.
    #[test]
    fn thresholds_are_exact() {
        // α = a/2^s and β = b/2^t with few bits: the edges are rationals that integers can compare.
        for a in [-7_i128, -5, -3, -1, 1, 3, 5, 6, 7, 11] {
            for b in [-9_i128, -1, 0, 1, 2, 3, 4, 5, 8, 100] {
                let f = HardSigmoid::new(a as f64 / 8.0, b as f64 / 4.0).unwrap();
                // α·x + β beside y, for x = n/2^40, or so small that only its sign matters.
                let above = |x: f32, y: i128| {
                    let n = f64::from(x) * 2_f64.powi(40);
                    let n = if n.abs() < 1.0 { n.partial_cmp(&0.0).unwrap() as i128 } else { n as i128 };
                    (a * n).cmp(&((4 * y - b) << 41))
                };
                let BackwardParams { lower, upper, .. } = f.backward().params();
                let inside = |x: f32| above(x, 0).is_gt() && above(x, 1).is_lt();
                assert!(!inside(lower) && inside(lower.next_up()), "{a} {b} {lower:e}");
                assert!(!inside(upper) && inside(upper.next_down()), "{a} {b} {upper:e}");
            }
        }
    }

    #[test]
    fn an_edge_that_an_ulp_of_alpha_moves_past_a_number_is_noticed() {
        // 1/2 - 3·α is exactly -0 or a hair off it.
        for (alpha, lower, upper) in [
            ((1.0_f64 / 6.0).next_up(), -3.0, 3.0),
            ((1.0_f64 / 6.0).next_down(), (-3.0_f32).next_down(), 3.0_f32.next_up()),
            (0.2_f64.next_down(), (-2.5_f32).next_down(), 2.5_f32.next_up()),
            (0.25, -2.0, 2.0),
            (0.25_f64.next_down(), (-2.0_f32).next_down(), 2.0_f32.next_up()),
        ] {
            let BackwardParams { lower: low, upper: high, .. } =
                HardSigmoid::new(alpha, 0.5).unwrap().backward().params();
            assert_eq!((low, high), (lower, upper), "{alpha}");
            let BackwardParams { lower: low, upper: high, .. } =
                HardSigmoid::new(-alpha, 0.5).unwrap().backward().params();
            assert_eq!((low, high), (-upper, -lower), "-{alpha}");
        }
        // 1 - β is not a number.
        let f = HardSigmoid::new(1.0, 1e-30).unwrap();
        assert_eq!(f.backward().params().upper, 1.0);
        assert_eq!(f.backward().mask::<f64>().upper, 1.0);
        assert_eq!(HardSigmoid::new(1.0, -1e-30).unwrap().backward().mask::<f64>().upper, 1.0_f64.next_up());
    }

    /// β is the rounded product of -α and x, so that α·x + β is what the rounding has lost.
    #[test]
    fn what_a_product_rounds_off_decides() {
        let parts = |x: f64| (i128::from(x.to_bits() & ((1 << 52) - 1) | 1 << 52), (x.to_bits() >> 52) as i32 - 1075);
        let mut signs = [0; 2];
        for alpha in [0.1, 0.7, 1.1, 1.0 / 3.0, 0.9, 1.9, 0.012] {
            let x = 0.3_f32;
            let product = alpha * f64::from(x);
            let ((a, a_exponent), (b, b_exponent), (p, exponent)) = (parts(alpha), parts(x.into()), parts(product));
            let lost = (a * b).cmp(&(p << (exponent - a_exponent - b_exponent)));
            assert!(lost.is_ne(), "{alpha}");
            signs[usize::from(lost.is_gt())] += 1;
            let lower = HardSigmoid::new(alpha, -product).unwrap().backward().params().lower;
            assert_eq!(lower, if lost.is_gt() { x.next_down() } else { x }, "{alpha}");
        }
        assert!(!signs.contains(&0), "{signs:?}");
    }

    #[test]
    fn extremes_end() {
        for (alpha, beta) in
            [(1.2e-38, 1.0), (1.2e-38, -4.0), (-1.2e-38, 4.0), (3.4e38, 10.0), (1e30, 0.0), (-1.0, 1.0)]
        {
            let f = HardSigmoid::new(alpha, beta).unwrap();
            let BackwardParams { lower, upper, .. } = f.backward().params();
            assert!(lower <= upper, "{alpha} {beta} {lower} {upper}");
            let mask = f.backward().mask::<f64>();
            assert!(mask.lower < mask.upper, "{alpha} {beta}");
        }
        // The upper edge is beyond f32, so that all but ∞ lies inside.
        let f = HardSigmoid::new(1.2e-38, -3.5).unwrap();
        assert_eq!(f.backward().params().upper, f32::INFINITY);
        let zero = HardSigmoid::new(-2.0, 0.0).unwrap().backward().params();
        assert_eq!((zero.lower, zero.upper.to_bits()), (-0.5, (-0.0_f32).to_bits()));
    }

    #[test]
    fn gradients_of_every_kind() {
        let b = HardSigmoid::PYTORCH.backward();
        let quiet = |x: f32| x.to_bits() | 0x0040_0000;
        for bits in [0x7f80_0001_u32, 0xffc1_2345, 0x7fc0_0000] {
            let nan = f32::from_bits(bits);
            assert_eq!(b.eval(0.0, nan).to_bits(), quiet(nan));
            assert_eq!(b.eval(3.0, nan).to_bits(), 0);
        }
        assert_eq!(b.eval(0.0, f32::NEG_INFINITY), f32::NEG_INFINITY);
        assert_eq!(b.eval(9.0, f32::INFINITY).to_bits(), 0);
        assert_eq!(b.eval(0.0, -0.0_f32).to_bits(), (-0.0_f32).to_bits());
        assert_eq!(b.eval(bf16::ZERO, bf16::ONE), bf16::from_f64(1.0 / 6.0));
        assert_eq!(HardSigmoid::new(9.0, 0.5).unwrap().backward().eval(f16::ZERO, f16::MAX), f16::INFINITY);
        let constant = HardSigmoid::new(0.0, 0.5).unwrap();
        for b in [constant.backward(), constant.backward_from_output()] {
            assert_eq!(b.eval(0.5_f32, f32::INFINITY).to_bits(), 0);
        }
        // The forward pass rounds to 1 there.
        let x = 3.0_f32.next_down();
        assert_eq!(b.eval(x, 6.0), 1.0);
        assert_eq!(HardSigmoid::PYTORCH.backward_from_output().eval(HardSigmoid::PYTORCH.eval(x), 6.0), 0.0);
        assert_eq!(HardSigmoid::PYTORCH.backward_from_output().eval(0.5_f32, 6.0), 1.0);
    }
}
