"""Tensors of PyTorch, where it is installed (it takes gigabytes)."""

import hard_sigmoid as hs
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
ml_dtypes = pytest.importorskip("ml_dtypes")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_tensor_is_read_in_place_and_written_through_numpy(dtype):
    x = torch.linspace(-4, 4, 1000, dtype=dtype)
    y = hs.hard_sigmoid(x, preset="pytorch")
    assert isinstance(y, np.ndarray) and y.dtype == x.numpy().dtype
    within = 2 * torch.finfo(dtype).eps
    assert np.allclose(y, torch.nn.functional.hardsigmoid(x).numpy(), rtol=0, atol=within)
    hs.hard_sigmoid(x, out=x.numpy(), preset="pytorch")
    assert np.array_equal(x.numpy(), y)


def test_a_tensor_with_strides():
    x = torch.randn(30, 40).t()[::2]
    assert np.array_equal(hs.hard_sigmoid(x, preset="onnx"), hs.hard_sigmoid(x.numpy().copy(), preset="onnx"))


def test_bfloat16_needs_a_view():
    x = torch.randn(100, dtype=torch.bfloat16)
    with pytest.raises(TypeError, match="view"):
        hs.hard_sigmoid(x, preset="onnx")
    y = hs.hard_sigmoid(x.view(torch.int16).numpy().view(ml_dtypes.bfloat16), preset="pytorch")
    assert y.dtype == ml_dtypes.bfloat16
    expected = torch.nn.functional.hardsigmoid(x).view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    assert np.array_equal(y, expected)


def test_a_tensor_that_needs_a_gradient_says_so():
    with pytest.raises(RuntimeError, match="detach"):
        hs.hard_sigmoid(torch.zeros(3, requires_grad=True), preset="onnx")


def test_backward_is_the_gradient_of_autograd():
    x = torch.linspace(-4, 4, 1001, dtype=torch.float64, requires_grad=True)
    grad = torch.linspace(1, 2, 1001, dtype=torch.float64)
    torch.nn.functional.hardsigmoid(x).backward(grad)
    own = hs.backward(x.detach(), grad, preset="pytorch")
    # PyTorch multiplies by 1/6 rounded to float32, for float64 as well.
    assert np.allclose(own, x.grad.numpy(), rtol=2**-24, atol=0)
    assert np.array_equal(own == 0, x.grad.numpy() == 0)


class Activations(torch.utils.data.Dataset):
    """Items that a worker computes with threads."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        x = np.full(1 << 20, i / 2 - 1.5, np.float32)
        return torch.from_numpy(hs.hard_sigmoid(x, out=x, preset="pytorch"))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_of_a_data_loader(context):
    own = [item[0].item() for item in (Activations()[i] for i in range(6))]
    loader = torch.utils.data.DataLoader(Activations(), num_workers=2, multiprocessing_context=context)
    assert [batch[0, 0].item() for batch in loader] == own
