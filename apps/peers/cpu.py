"""Times one library on the CPU and prints JSON lines. Each library runs in a process of its own, since the threads of
one spin and disturb the next.

    python cpu.py WHO LIBPEERS ELEMENTS...

WHO is hard-sigmoid, PyTorch, onnxruntime or NumPy. Results are checked before they are timed.
"""

import ctypes
import json
import os
import sys
import time

import ml_dtypes
import numpy as np

ROUNDS = 9
LEAST = 4e-3
TYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64}
# Of results between 0 and 1. PyTorch takes 1/6 in f32 for its backward pass in f64.
ERRORS = {"f32": 1e-6, "f16": 2e-3, "bf16": 1e-2, "f64": 1e-7}

who, path, lengths = sys.argv[1], sys.argv[2], [int(n) for n in sys.argv[3:]]
threads = len(os.sched_getaffinity(0))


def ours(element, is_backward, x, g, y):
    library = ctypes.CDLL(os.path.abspath(path))
    library.hard_sigmoid_function.restype = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
    )
    run = library.hard_sigmoid_function(list(TYPES).index(element), is_backward)
    arguments = [*(ctypes.c_void_p(a.ctypes.data) for a in (x, g, y)), ctypes.c_size_t(x.size)]
    return lambda: run(*arguments)


def pytorch(element, is_backward, x, g, y):
    import torch

    torch.set_num_threads(threads)
    types = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}
    x, g, y = (torch.from_numpy(a.view(np.uint8)).view(types[element]) for a in (x, g, y))
    if is_backward:
        return lambda: torch.ops.aten.hardsigmoid_backward.grad_input(g, x, grad_input=y)
    return lambda: torch._C._nn.hardsigmoid(x, out=y)


def onnxruntime(element, is_backward, x, g, y):
    import onnxruntime
    from onnx import TensorProto, helper

    if is_backward or element in ("bf16", "f64"):
        return None
    kind = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16}[element]
    sides = [helper.make_tensor_value_info(name, kind, [None]) for name in "xy"]
    node = helper.make_node("HardSigmoid", ["x"], ["y"], alpha=1 / 6, beta=0.5)
    graph = helper.make_graph([node], "hard_sigmoid", sides[:1], sides[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, TYPES[element], x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, TYPES[element], y.shape, y.ctypes.data)
    return lambda: session.run_with_iobinding(binding)


def numpy(element, is_backward, x, g, y):
    if is_backward or element == "bf16":
        return None
    sixth, half = TYPES[element](1 / 6), TYPES[element](0.5)

    def run():
        np.multiply(x, sixth, out=y)
        np.add(y, half, out=y)
        np.clip(y, 0, 1, out=y)

    return run


def seconds(run, repeats):
    started = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - started) / repeats


libraries = {"hard-sigmoid": ours, "PyTorch": pytorch, "onnxruntime": onnxruntime, "NumPy": numpy}
for n in lengths:
    for element, dtype in TYPES.items():
        for is_backward in (False, True):
            x = np.linspace(-4, 4, n).astype(dtype)
            g, y = np.linspace(1, 2, n).astype(dtype), np.empty_like(x)
            run = libraries[who](element, is_backward, x, g, y)
            if run is None:
                continue
            run()
            exact = x.astype(np.float64)
            right = np.where(abs(exact) < 3, g.astype(np.float64) / 6, 0) if is_backward else exact / 6 + 0.5
            error = abs(y.astype(np.float64) - np.clip(right, 0, 1)).max()
            assert error < ERRORS[element], (who, element, is_backward, error)
            repeats = max(1, int(LEAST / max(seconds(run, 3), 1e-9)))
            median = float(np.median([seconds(run, repeats) for _ in range(ROUNDS)]))
            case = f"{'backward' if is_backward else 'forward'} {element}"
            adapter = f"CPU, {threads} threads"
            print(json.dumps({"case": case, "who": who, "elements": n, "seconds": median, "adapter": adapter}))
