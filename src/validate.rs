//! Checking results by another path: a GPU's against the CPU path, bit for bit, and the CPU path's against an f64
//! evaluation of the exact function, within the bound that [`HardSigmoid`] states.

use rayon::prelude::*;

use crate::HardSigmoid;

/// An element that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// Where.
    pub index: usize,
    /// The input.
    pub input: f32,
    /// The result that was checked.
    pub got: f32,
    /// What it is checked against.
    pub expected: f32,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, input, got, expected } = self;
        write!(f, "element {index}: input {input:e} ({:#010x}) gave {got:e} ", input.to_bits())?;
        write!(f, "({:#010x}), expected {expected:e} ({:#010x})", got.to_bits(), expected.to_bits())
    }
}

/// The first element of `target` whose bits are not those that [`HardSigmoid::eval`] gives for `source`.
///
/// Compares as many elements as the shorter slice has.
#[must_use]
pub fn first_unlike_eval(f: HardSigmoid, source: &[f32], target: &[f32]) -> Option<Difference> {
    let params = f.params();
    first(source, target, |x| params.eval(x), |x, y| params.eval(x).to_bits() == y.to_bits())
}

/// The first element of `target` that is further from the exact function of `source` than [`HardSigmoid`] allows, or
/// that does not keep a NaN.
///
/// Compares as many elements as the shorter slice has.
#[must_use]
pub fn first_out_of_bound(f: HardSigmoid, source: &[f32], target: &[f32]) -> Option<Difference> {
    let reference = Reference::new(f);
    first(source, target, |x| reference.exact(x) as f32, |x, y| reference.allows(x, y))
}

fn first(
    source: &[f32],
    target: &[f32],
    expected: impl Fn(f32) -> f32,
    agrees: impl Fn(f32, f32) -> bool + Sync,
) -> Option<Difference> {
    let index = source.par_iter().zip(target).position_first(|(&x, &y)| !agrees(x, y))?;
    let (&input, &got) = (source.get(index)?, target.get(index)?);
    Some(Difference { index, input, got, expected: expected(input) })
}

/// The exact function, evaluated in f64 as its definition spells it: another algebra than [`crate::Params::eval`]'s.
#[derive(Clone, Copy, Debug)]
struct Reference {
    f: HardSigmoid,
    preset: bool,
    /// How far off the zero of the function is rounded, times the slope: what the sum carries over.
    shift_error: f64,
}

impl Reference {
    fn new(f: HardSigmoid) -> Self {
        let preset = f == HardSigmoid::ONNX || f == HardSigmoid::PYTORCH;
        // f32 rounds β/α by at most a half ULP: |β|·2⁻²⁴.
        Self { f, preset, shift_error: if f.alpha() == 0.0 { 0.0 } else { f.beta().abs() * 2_f64.powi(-24) } }
    }

    fn exact(&self, x: f32) -> f64 {
        let x = f64::from(x);
        let line = match self.f {
            HardSigmoid::ONNX => x / 5.0 + 0.5,
            HardSigmoid::PYTORCH => x / 6.0 + 0.5,
            f if f.alpha() == 0.0 && !x.is_nan() => f.beta(),
            f => f.alpha().mul_add(x, f.beta()),
        };
        line.clamp(0.0, 1.0)
    }

    fn allows(&self, x: f32, y: f32) -> bool {
        if x.is_nan() {
            return y.to_bits() == x.to_bits() | 0x0040_0000;
        }
        let exact = self.exact(x);
        if y.to_bits() == 0x8000_0000 {
            return false;
        }
        if self.preset {
            let nearest = exact as f32;
            return nearest.next_down() <= y && y <= nearest.next_up();
        }
        // To first order; the factor covers the others, and the last term a subnormal product.
        let bound = (self.shift_error + 3.0 * 2_f64.powi(-24) * exact) * (1.0 + 1e-6) + 2_f64.powi(-149);
        (f64::from(y) - exact).abs() <= bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_eval_and_nothing_a_little_off() {
        let source: Vec<f32> = (0..1 << 16).map(|i| (i - (1 << 15)) as f32 * 2e-4).collect();
        for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH, HardSigmoid::new(-0.3, 0.7).unwrap()] {
            let mut target: Vec<f32> = source.iter().map(|&x| f.eval(x)).collect();
            assert_eq!(first_unlike_eval(f, &source, &target), None);
            assert_eq!(first_out_of_bound(f, &source, &target), None);
            let (index, right) = (34_567, target[34_567]);
            target[index] = right.next_up();
            let difference = first_unlike_eval(f, &source, &target).unwrap();
            assert_eq!((difference.index, difference.got, difference.expected), (index, right.next_up(), right));
            target[index] = right + 3e-7;
            assert_eq!(first_out_of_bound(f, &source, &target).unwrap().index, index);
        }
    }

    #[test]
    fn notices_a_lost_nan_and_a_minus_zero() {
        let f = HardSigmoid::PYTORCH;
        let nan = f32::from_bits(0xff81_2345);
        assert_eq!(first_out_of_bound(f, &[nan], &[f.eval(nan)]), None);
        assert!(first_out_of_bound(f, &[nan], &[f32::NAN]).is_some());
        assert!(first_out_of_bound(f, &[nan], &[1.0]).is_some());
        assert!(first_out_of_bound(f, &[-7.0], &[-0.0]).is_some());
        assert!(first_unlike_eval(f, &[-7.0], &[-0.0]).is_some());
    }
}
