//! What the tests of the suite run on here: the CPU path.

use hard_sigmoid::{Backward, HardSigmoid, cpu};

use crate::numbers::Number;

pub(crate) type Test = (&'static str, fn(&Subject));

pub(crate) enum Subject {
    Cpu,
}

impl Subject {
    pub(crate) fn apply<T: Number>(&self, f: HardSigmoid, source: &[T]) -> Vec<T> {
        let mut target = vec![T::WRONG; source.len()];
        cpu::apply(f, source, &mut target).unwrap();
        target
    }

    pub(crate) fn backward<T: Number>(&self, backward: Backward, saved: &[T], grad_y: &[T]) -> Vec<T> {
        let mut grad_x = vec![T::WRONG; saved.len()];
        cpu::backward(backward, saved, grad_y, &mut grad_x).unwrap();
        grad_x
    }
}
