"""Has `hard_sigmoid.validate` judge the hard sigmoids of other libraries, and prints the table of docs/judging.md.

    python judge.py            judges all that are installed, each in a process of its own
    python judge.py PEER...    judges these

Needs the Python package of this repository. A cell is what was measured, and "-" where the peer has no such thing.
"""

import importlib.metadata
import os
import subprocess
import sys

import hard_sigmoid as hs
import numpy as np

FORWARD = "peer | function | type | error, ULP | error | NaN | −∞, ∞ | −0 | edges | monotone | integers | what is wrong"
BACKWARD = "peer | function | type | error, ULP | at the edges | at NaN | what is wrong"


def numpy_onnx():
    return "NumPy, `clip(x * 0.2 + 0.5, 0, 1)`", "numpy", "onnx", lambda x: np.clip(x * 0.2 + 0.5, 0, 1), None


def numpy_pytorch():
    return "NumPy, `clip(x / 6 + 0.5, 0, 1)`", "numpy", "pytorch", lambda x: np.clip(x / 6 + 0.5, 0, 1), None


def pytorch():
    import torch

    f = torch.nn.functional.hardsigmoid

    def backward(x, grad):
        x = torch.from_numpy(x).requires_grad_()
        return torch.autograd.grad(f(x), x, torch.from_numpy(grad))[0]

    return "PyTorch", "torch", "pytorch", lambda x: f(torch.from_numpy(x)), backward


def onnx_model(dtype):
    import onnx
    from onnx import helper

    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    x, y = (helper.make_tensor_value_info(name, element, [None]) for name in "xy")
    graph = helper.make_graph([helper.make_node("HardSigmoid", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def onnxruntime():
    import onnxruntime as ort

    sessions = {}

    def f(x):
        if x.dtype not in sessions:
            model = onnx_model(x.dtype).SerializeToString()
            sessions[x.dtype] = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        return sessions[x.dtype].run(None, {"x": x})[0]

    return "ONNX Runtime, CPU", "onnxruntime", "onnx", f, None


def onnx_reference():
    from onnx.reference import ReferenceEvaluator

    def f(x):
        return ReferenceEvaluator(onnx_model(x.dtype)).run(None, {"x": x})[0]

    return "ONNX, reference evaluator", "onnx", "onnx", f, None


def jax():
    import jax

    jax.config.update("jax_enable_x64", True)
    f = jax.jit(jax.nn.hard_sigmoid)

    def backward(x, grad):
        return jax.vjp(f, x)[1](jax.numpy.asarray(grad))[0]

    return "JAX, jitted, CPU", "jax", "pytorch", f, backward


def keras(backend):
    os.environ["KERAS_BACKEND"] = backend
    import keras as k

    backward = None
    if backend == "torch":
        import torch

        def backward(x, grad):
            x = torch.from_numpy(x).requires_grad_()
            return torch.autograd.grad(k.activations.hard_sigmoid(x), x, torch.from_numpy(grad))[0]

    elif backend == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)

        def backward(x, grad):
            return jax.vjp(k.activations.hard_sigmoid, jax.numpy.asarray(x))[1](jax.numpy.asarray(grad))[0]

    def f(x):
        return k.ops.convert_to_numpy(k.activations.hard_sigmoid(k.ops.convert_to_tensor(x)))

    return f"Keras on {backend}", "keras", "pytorch", f, backward


def openvino():
    import openvino as ov
    from openvino import opset13

    models = {}

    def f(x):
        if x.dtype not in models:
            # As its readers of ONNX give alpha and beta.
            parameter = opset13.parameter([-1], x.dtype)
            y = opset13.hard_sigmoid(parameter, x.dtype.type(0.2), x.dtype.type(0.5))
            # Otherwise it computes float32 in bfloat16 where the processor is faster at that.
            config = {"INFERENCE_PRECISION_HINT": "f16" if x.dtype == np.float16 else "f32"}
            models[x.dtype] = ov.compile_model(ov.Model([y], [parameter]), "CPU", config)
        return models[x.dtype](x)[0]

    return "OpenVINO, CPU", "openvino", "onnx", f, None


def tinygrad():
    # On the CPU it needs clang on the path.
    os.environ.setdefault("DEV", "CPU")
    from tinygrad import Tensor

    def backward(x, grad):
        x = Tensor(x)
        return x.hardsigmoid().gradient(x, gradient=Tensor(grad))[0].numpy()

    return "tinygrad, CPU", "tinygrad", "pytorch", lambda x: Tensor(x).hardsigmoid().numpy(), backward


PEERS = {
    "numpy-onnx": numpy_onnx,
    "numpy-pytorch": numpy_pytorch,
    "pytorch": pytorch,
    "onnxruntime": onnxruntime,
    "onnx-reference": onnx_reference,
    "jax": jax,
    "keras-numpy": lambda: keras("numpy"),
    "keras-torch": lambda: keras("torch"),
    "keras-jax": lambda: keras("jax"),
    "openvino": openvino,
    "tinygrad": tinygrad,
}


def numbers(values):
    return ", ".join(f"{float(value):.4g}" for value in np.asarray(values))


def what(judgement):
    """Return the causes, and the kinds that are not explained by them."""
    kinds = [finding.kind for finding in judgement.findings if finding.fails and finding.kind != "integers"]
    return "; ".join([*(cause.partition(":")[0] for cause in judgement.causes), *kinds]) or "nothing"


def found(judgement, kind):
    return [finding for finding in judgement.findings if finding.kind == kind]


def integers(judgement):
    for finding in found(judgement, "integers"):
        return f"{finding.number} wrong" if finding.fails else "refused"
    return "right"


def rows(peer, dtype):
    """Yield the rows of a peer for both tables."""
    name, package, preset, f, backward = PEERS[peer]()
    edge = 2.5 if preset == "onnx" else 3.0

    def at(*values):
        return numbers(f(np.array(values, dtype)))

    judgement = hs.validate(f, preset=preset, dtype=dtype)
    print(f"{peer} {dtype}\n{judgement}", file=sys.stderr)
    head = [f"{name} {importlib.metadata.version(package)}", preset, dtype]
    cells = [f"{judgement.max_ulp:,}", f"{judgement.max_abs_error:.1e}", at(np.nan), at(-np.inf, np.inf)]
    cells += [str(sum(finding.number for finding in found(judgement, "-0"))), at(-edge, edge)]
    cells += ["no" if found(judgement, "monotony") else "yes", integers(judgement), what(judgement)]
    yield "forward", head + cells
    if backward is not None:
        judgement = hs.validate(backward, preset=preset, dtype=dtype, backward=True)
        print(f"{peer} {dtype}, backward\n{judgement}", file=sys.stderr)
        low, high, nan = np.asarray(backward(np.array([-edge, edge, np.nan], dtype), np.ones(3, dtype)))
        yield "backward", [*head, f"{judgement.max_ulp:,}", numbers([low, high]), numbers([nan]), what(judgement)]


def judge(peer):
    for dtype in ["float32", "float16", "float64"]:
        try:
            for table, cells in rows(peer, dtype):
                print(table, "|", " | ".join(cells), "|", flush=True)
        except Exception as error:  # Some have not all types.
            print(f"{peer} {dtype}: {type(error).__name__}: {error}", file=sys.stderr)


def main(peers):
    lines = []
    for peer in peers or PEERS:
        command = [sys.executable, __file__, "--one", peer]
        lines += subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for table, head in [("forward", FORWARD), ("backward", BACKWARD)]:
        print(f"| {head} |\n{'|---' * (head.count('|') + 1)}|")
        print(*(line.removeprefix(table).strip() for line in lines if line.startswith(table)), sep="\n", end="\n\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        judge(sys.argv[2])
    else:
        main(sys.argv[1:])
