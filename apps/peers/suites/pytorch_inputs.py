"""PyTorch's own sample inputs of its hardsigmoid, and all kinds of numbers."""

import numpy as np
import torch
from judge import BFLOAT16, DTYPES, Function, numbers
from torch.nn.functional import hardsigmoid

FUNCTION = Function(1 / 6, 0.5)


def array(tensor):
    """Return the tensor's memory as an array of the same strides."""
    tensor = tensor.detach()
    return tensor.view(torch.int16).numpy().view(BFLOAT16) if tensor.dtype == torch.bfloat16 else tensor.numpy()


def tensor(x):
    return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if x.dtype == BFLOAT16 else torch.from_numpy(x)


def gradients(tally, name, x, grad):
    """Compare the backward passes."""
    leaf = x.detach().clone().requires_grad_()
    hardsigmoid(leaf).backward(grad)
    x, grad = array(x), array(grad)
    own = FUNCTION.own.backward(x, grad)
    # PyTorch takes 1/6 in float32 for gradients in float64, so that each is decided exactly: of many, some are.
    step = max(1, x.size >> 16) if x.dtype == np.float64 else 1
    parts = [part.ravel()[::step] for part in (x, array(leaf.grad), own, grad)]
    assert own.shape == x.shape
    tally.compare(f"{name}, gradient", FUNCTION, *parts)


def samples(tally):
    # Needs expecttest, and takes a minute to import.
    from torch.testing._internal.common_methods_invocations import op_db

    tally.version = torch.__version__
    torch.manual_seed(0)
    infos = [info for info in op_db if info.name == "nn.functional.hardsigmoid"]
    assert len(infos) == 1, infos
    for dtype in sorted(infos[0].dtypes, key=str):
        before = tally.cases
        for requires_grad in (False, True):
            for kind in (infos[0].sample_inputs, infos[0].reference_inputs):
                for number, sample in enumerate(kind("cpu", dtype, requires_grad=requires_grad)):
                    assert not sample.args and not sample.kwargs, sample
                    x = sample.input
                    name = f"{dtype}, {kind.__name__} {number}, {tuple(x.shape)}"
                    tally.compare(name, FUNCTION, array(x), array(infos[0](x)), FUNCTION.own(array(x)))
                    in_place = x.detach().clone()
                    FUNCTION.own(array(in_place), out=array(in_place))
                    theirs = infos[0].inplace_variant(x.detach().clone())
                    tally.compare(f"{name}, in place", FUNCTION, array(x), array(theirs), array(in_place))
                    if requires_grad:
                        gradients(tally, name, x, torch.randn_like(x.detach()))
        assert tally.cases > before, dtype


def values(tally):
    tally.version = torch.__version__
    for dtype in DTYPES:
        x = numbers(dtype)
        tally.compare(f"{dtype}", FUNCTION, x, array(hardsigmoid(tensor(x))), FUNCTION.own(x))
        gradients(tally, f"{dtype}", tensor(x), tensor(np.roll(x, len(x) // 3)))
