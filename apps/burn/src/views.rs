//! Checks of tensors that do not simply lie at the beginning of a buffer, or that burn has yet to compute.

use burn::tensor::{Device, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use hard_sigmoid::cpu;

use crate::activation::{Activation, Compute};
use crate::{Result, host, same_bits, tensor};

/// An error if a result is not that of the CPU path.
pub fn check(activation: &Activation, device: &Device, x: &[f32]) -> Result<()> {
    let f = activation.f;
    let forward = |x: &[f32]| {
        let mut y = vec![0.0; x.len()];
        cpu::apply(f, x, &mut y).map(|_| y)
    };
    let backward = |x: &[f32], grad_y: &[f32]| {
        let mut grad_x = vec![0.0; x.len()];
        cpu::backward(f.backward(), x, grad_y, &mut grad_x).map(|_| grad_x)
    };
    // Some near the lower edge, then some on both sides of both edges.
    let (x, grad_y) = x[9_000..13_096].split_at(2048);
    let [all, all_grad_y] = [x, grad_y].map(|numbers| tensor(numbers, [2048], device));

    // burn makes a view of a slice that is aligned, and copies others.
    for start in [64, 7] {
        let slice = all.clone().narrow(0, start, 2048 - start);
        same_bits("a slice", &host(activation.forward(slice))?, &forward(&x[start..])?)?;
    }

    // A view that begins at an odd element, which burn itself never makes.
    let y = CubeBackend::forward(part(&all, 7, 1001)?, activation);
    same_bits("a part", &host(Tensor::<1>::from_primitive::<CubeBackend>(y))?, &forward(&x[7..1008])?)?;
    let grad_x = CubeBackend::backward(part(&all, 7, 1001)?, part(&all_grad_y, 5, 1001)?, activation);
    let expected = backward(&x[7..1008], &grad_y[5..1006])?;
    same_bits("gradients of a part", &host(Tensor::<1>::from_primitive::<CubeBackend>(grad_x))?, &expected)?;

    // Some columns, which burn makes a view of, as both begin at multiples of 256 bytes: rows with a pitch.
    let columns = |all: &Tensor<1>| all.clone().reshape([16, 128]).narrow(1, 64, 64);
    let [x_columns, grad_columns] =
        [x, grad_y].map(|all| all.chunks(128).flat_map(|row| row[64..].iter().copied()).collect::<Vec<_>>());
    let rows = primitive(columns(&all))?;
    assert!(!rows.is_contiguous(), "burn has copied the columns");
    let y = CubeBackend::forward(rows.clone(), activation);
    same_bits("columns", &host(Tensor::<2>::from_primitive::<CubeBackend>(y))?, &forward(&x_columns)?)?;
    let grad_x = CubeBackend::backward(rows, primitive(columns(&all_grad_y))?, activation);
    let expected = backward(&x_columns, &grad_columns)?;
    same_bits("gradients of columns", &host(Tensor::<2>::from_primitive::<CubeBackend>(grad_x))?, &expected)?;

    let autodiff = device.clone().autodiff();
    let tracked = tensor(&x[7..1008], [13, 77], &autodiff).require_grad();
    let y = activation.forward(tracked.clone().transpose()).transpose();
    let grads = (y.clone() * tensor(&grad_y[..1001], [13, 77], &autodiff)).sum().backward();
    same_bits("a transposed tensor", &host(y)?, &forward(&x[7..1008])?)?;
    let grad = tracked.grad(&grads).ok_or("no gradient")?;
    same_bits("gradients of a transposed tensor", &host(grad)?, &backward(&x[7..1008], &grad_y[..1001])?)?;

    let halves = forward(&x.iter().map(|x| x * 0.5).collect::<Vec<_>>())?;
    same_bits("after an operation", &host(activation.forward(all.clone() * 0.5))?, &halves)?;
    let of_thread = std::thread::scope(|scope| scope.spawn(|| all.clone() * 0.5).join());
    let y = activation.forward(of_thread.map_err(|_| "the thread has panicked")?);
    same_bits("after an operation of another thread", &host(y)?, &halves)
}

/// A view of some elements of a contiguous tensor.
fn part(tensor: &Tensor<1>, from: usize, len: usize) -> Result<CubeTensor> {
    let all = primitive(tensor.clone())?;
    let bytes = |elements: usize| (elements * size_of::<f32>()) as u64;
    let after = tensor.dims()[0] - from - len;
    let handle = all.handle.offset_start(bytes(from)).offset_end(bytes(after));
    Ok(CubeTensor::new_contiguous(all.client, all.device, [len].into(), handle, all.dtype))
}

fn primitive<const D: usize>(tensor: Tensor<D>) -> Result<CubeTensor> {
    tensor.try_into_primitive::<CubeBackend>().map_err(|error| format!("{error:?}").into())
}
