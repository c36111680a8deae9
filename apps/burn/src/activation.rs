//! Hard sigmoid as an operation of burn, computed by the kernel of hard-sigmoid in burn's buffers.

use std::error::Error;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::{DType, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::wgpu::{AutoCompiler, WgpuResource, WgpuServer};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use hard_sigmoid::plan::Rows;
use hard_sigmoid::{Binding, HardSigmoid, Kernel, wgpu};

/// The function, on the device that burn was given.
#[derive(Clone, Debug)]
pub struct Activation {
    pub f: HardSigmoid,
    pub kernel: Kernel,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
}

impl Activation {
    /// The function of each element of a tensor of f32.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        Tensor::from_dispatch(Dispatch::hard_sigmoid_kernel(x.into_dispatch(), self.clone()))
    }

    /// Records a binding of tensors, the last of which is written, and submits it.
    fn run(
        &self,
        tensors: &[&CubeTensor],
        bind: impl FnOnce(&[Part]) -> Result<Binding, hard_sigmoid::Error>,
    ) -> Result<(), Box<dyn Error>> {
        // A resource keeps its memory from being reused until it is dropped.
        let resources: Vec<_> = tensors
            .iter()
            .map(|tensor| tensor.client.get_resource::<WgpuServer<AutoCompiler>>(tensor.handle.clone()))
            .collect::<Result<_, _>>()?;
        let parts: Vec<Part> =
            tensors.iter().zip(&resources).map(|(tensor, resource)| part(tensor, resource.resource())).collect();
        let mut encoder = self.device.create_command_encoder(&Default::default());
        bind(&parts)?.record(&mut encoder);
        // burn records each thread's work apart, and submits it lazily. What made the tensors has to be submitted
        // first:
        // `get_resource` does that, though only `flush` promises it, and for this thread alone. All of it goes to one
        // queue of wgpu.
        tensors[0].client.flush()?;
        self.queue.submit([encoder.finish()]);
        Ok(())
    }
}

/// The elements of a tensor: rows in a buffer that burn shares among tensors.
type Part<'a> = (&'a wgpu::Buffer, Rows);

fn part<'a>(tensor: &CubeTensor, resource: &'a WgpuResource) -> Part<'a> {
    let rows = rows(tensor).expect("a tensor was made contiguous if it has no rows");
    (&resource.buffer, Rows { first: resource.offset / size_of::<f32>() as u64, ..rows })
}

/// The rows of a tensor along its last dimension, if these are equally far apart.
fn rows(tensor: &CubeTensor) -> Option<Rows> {
    let dims =
        tensor.meta.shape().iter().zip(tensor.meta.strides().iter()).map(|(&n, &stride)| (n as u64, stride as u64));
    // The strides of a dimension of one element say nothing.
    let mut dims = dims.rev();
    let (width, _) = dims.next().filter(|&(width, stride)| stride == 1 || width == 1)?;
    let mut rows = Rows { first: 0, width, pitch: width, number: 1 };
    for (n, stride) in dims.filter(|&(n, _)| n != 1) {
        if rows.number == 1 {
            rows.pitch = stride;
        }
        if stride != rows.pitch * rows.number || stride < width {
            return None;
        }
        rows.number *= n;
    }
    Some(rows)
}

/// The tensor, or a copy if it has no rows, as a transposed one has none.
fn with_rows(tensor: CubeTensor) -> CubeTensor {
    if rows(&tensor).is_some() { tensor } else { into_contiguous(tensor) }
}

/// The operation for backends that compute.
pub trait Compute: Backend {
    fn forward(x: FloatTensor<Self>, activation: &Activation) -> FloatTensor<Self>;
    fn backward(x: FloatTensor<Self>, grad_y: FloatTensor<Self>, activation: &Activation) -> FloatTensor<Self>;
}

impl Compute for CubeBackend {
    fn forward(x: CubeTensor, activation: &Activation) -> CubeTensor {
        let x = with_rows(x);
        let y = like(&x);
        activation
            .run(&[&x, &y], |parts| activation.kernel.bind::<f32>(activation.f, parts[0], parts[1]))
            .expect("burn and hard-sigmoid share a device");
        y
    }

    fn backward(x: CubeTensor, grad_y: CubeTensor, activation: &Activation) -> CubeTensor {
        let (x, grad_y) = (with_rows(x), with_rows(grad_y));
        let grad_x = like(&x);
        let bind = |parts: &[Part]| {
            let [x, grad_y, grad_x] = [0, 1, 2].map(|i| parts[i]);
            activation.kernel.bind_backward::<f32>(activation.f.backward(), x, grad_y, grad_x)
        };
        activation.run(&[&x, &grad_y, &grad_x], bind).expect("burn and hard-sigmoid share a device");
        grad_x
    }
}

/// A new tensor of the same shape, whose elements are not set.
fn like(tensor: &CubeTensor) -> CubeTensor {
    assert_eq!(tensor.dtype, DType::F32, "this example is for f32");
    let shape = tensor.meta.shape().clone();
    let handle = tensor.client.empty(shape.num_elements() * size_of::<f32>());
    CubeTensor::new_contiguous(tensor.client.clone(), tensor.device.clone(), shape, handle, tensor.dtype)
}

/// The operation for tensors of a backend that is only known at run time, with or without gradients.
#[backend_extension(Cube, Autodiff)]
pub trait Extension: Backend {
    fn hard_sigmoid_kernel(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;
}

impl Extension for CubeBackend {
    fn hard_sigmoid_kernel(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        Self::forward(x, &activation)
    }
}

impl<B: Compute, C: CheckpointStrategy> Extension for Autodiff<B, C> {
    fn hard_sigmoid_kernel(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        // The results are kept under checkpointing, too: `memory_bound` would compute them anew, by a `RetroForward`.
        match activation.clone().prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let saved = prep.checkpoint(&x);
                prep.finish(saved, B::forward(x.into_primitive(), &activation))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::forward(x.into_primitive(), &activation)),
        }
    }
}

impl<B: Compute> Backward<B, 1> for Activation {
    type State = burn::backend::autodiff::NodeId;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let x = checkpointer.retrieve_node_output(ops.state);
        unary::<B, _>(ops.parents, ops.node, grads, |grad_y| B::backward(x, grad_y, &self));
    }
}
