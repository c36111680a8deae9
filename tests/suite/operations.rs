//! Operations on ranges of buffers, and what they leave in them.

use hard_sigmoid::{Binding, BufferRange, Kernel, Saturation};
use proptest::prelude::*;

use crate::numbers::{Number, assert_bits, expected};
use crate::rig::{Bench, F};
use crate::saturation::counted;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Apply,
    InPlace,
    /// From one range of x to another.
    Arena,
    Count,
    ApplyAndCount,
    Backward,
    BackwardInPlace,
    BackwardOverSaved,
}

use Operation as Op;

pub(crate) fn any() -> impl Strategy<Value = Operation> {
    prop_oneof![
        Just(Op::Apply),
        Just(Op::InPlace),
        Just(Op::Arena),
        Just(Op::Count),
        Just(Op::ApplyAndCount),
        Just(Op::Backward),
        Just(Op::BackwardInPlace),
        Just(Op::BackwardOverSaved),
    ]
}

/// x, y, the gradient, and counters.
pub(crate) struct Buffers<'a, T> {
    bench: &'a Bench,
    data: [Vec<T>; 3],
    buffers: [wgpu::Buffer; 3],
    counters: wgpu::Buffer,
}

impl<'a, T: Number> Buffers<'a, T> {
    pub(crate) fn new(bench: &'a Bench, data: [Vec<T>; 3]) -> Self {
        let buffers = data.each_ref().map(|data| bench.buffer(data));
        Self { bench, data, buffers, counters: bench.buffer(&[0.0_f32; 8]) }
    }

    /// Binds an operation on ranges of x, y and the gradient; of x twice for [`Op::Arena`].
    pub(crate) fn bind<R>(&self, kernel: &Kernel, op: Op, ranges: [R; 3]) -> Binding
    where
        for<'b> BufferRange<'b>: From<(&'b wgpu::Buffer, R)>,
    {
        let [x, y, g] = &self.buffers;
        let [from, to, grad] = ranges;
        let (from, grad) = (BufferRange::from((x, from)), BufferRange::from((g, grad)));
        let to = BufferRange::from((if matches!(op, Op::Arena) { x } else { y }, to));
        let backward = F.backward();
        let binding = match op {
            Op::Apply | Op::Arena => kernel.bind::<T>(F, from, to),
            Op::InPlace => kernel.bind_in_place::<T>(F, from),
            Op::Count => kernel.bind_saturation::<T>(F, from, &self.counters),
            Op::ApplyAndCount => kernel.bind_with_saturation::<T>(F, from, to, &self.counters),
            Op::Backward => kernel.bind_backward::<T>(backward, from, grad, to),
            Op::BackwardInPlace => kernel.bind_backward_in_place::<T>(backward, from, grad),
            Op::BackwardOverSaved => kernel.bind_backward::<T>(backward, from.clone(), grad, from),
        };
        binding.unwrap()
    }

    /// Writes all buffers anew, runs the binding, and compares all of them with what is expected of elements at these
    /// indices of x, y and the gradient.
    pub(crate) fn check(&self, binding: &Binding, op: Op, [from, to, grad]: [&[usize]; 3], case: &dyn std::fmt::Debug) {
        let (bench, [x, _, g]) = (self.bench, &self.data);
        for (buffer, data) in self.buffers.iter().zip(&self.data) {
            bench.queue.write_buffer(buffer, 0, bytemuck::cast_slice(data));
        }
        bench.queue.write_buffer(&self.counters, 0, &[0; 32]);
        bench.submit(|encoder| binding.record(encoder));

        let x: Vec<_> = from.iter().map(|&i| x[i]).collect();
        let y = expected(F, &x);
        let products: Vec<T> = x.iter().zip(grad).map(|(&x, &i)| F.backward().eval(x, g[i])).collect();
        let (buffer, at, values) = match op {
            Op::Apply | Op::ApplyAndCount => (1, to, &y),
            Op::InPlace => (0, from, &y),
            Op::Arena => (0, to, &y),
            Op::Backward => (1, to, &products),
            Op::BackwardInPlace => (2, grad, &products),
            Op::BackwardOverSaved => (0, from, &products),
            Op::Count => (0, from, &x),
        };
        let mut right = self.data.clone();
        for (&i, &value) in at.iter().zip(values) {
            right[buffer][i] = value;
        }
        for (buffer, right) in self.buffers.iter().zip(&right) {
            assert_bits(&bench.read::<T>(buffer), right, case);
        }
        let counts = matches!(op, Op::Count | Op::ApplyAndCount);
        let right = if counts { counted(&y) } else { Saturation::default() };
        let got = bytemuck::cast_slice(&bench.read::<f32>(&self.counters)).try_into().unwrap();
        assert_eq!(Saturation::from_bytes(got), right, "{case:?}");
    }
}
