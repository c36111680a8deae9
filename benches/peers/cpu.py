"""Compares the CPU path with PyTorch, onnxruntime and NumPy, on the same arrays, in the same process, and with the same
number of threads. Prints JSON lines.

    python cpu.py LIBPEERS ELEMENTS...
"""

import ctypes
import json
import os
import sys
import time

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper

ROUNDS = 15
LEAST = 4e-3

library = ctypes.CDLL(os.path.abspath(sys.argv[1]))
threads = len(os.sched_getaffinity(0))
torch.set_num_threads(threads)


def session():
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    node = helper.make_node("HardSigmoid", ["x"], ["y"], alpha=1 / 6, beta=0.5)
    graph = helper.make_graph([node], "hard_sigmoid", sides[:1], sides[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


onnx = session()


def cases(n):
    x = np.linspace(-4, 4, n, dtype=np.float32)
    ours, copied, theirs, bound, clipped = (np.empty_like(x) for _ in range(5))
    pointer = lambda a: ctypes.c_void_p(a.ctypes.data)
    source, length = pointer(x), ctypes.c_size_t(n)
    to_ours, to_copied = pointer(ours), pointer(copied)
    tx, ty = torch.from_numpy(x), torch.from_numpy(theirs)
    binding = onnx.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, np.float32, bound.shape, bound.ctypes.data)

    def numpy():
        np.multiply(x, np.float32(1 / 6), out=clipped)
        np.add(clipped, np.float32(0.5), out=clipped)
        np.clip(clipped, 0, 1, out=clipped)

    every = {
        "hard-sigmoid": lambda: library.hard_sigmoid_f32(source, to_ours, length),
        "memcpy": lambda: library.memcpy_f32(source, to_copied, length),
        "PyTorch out=": lambda: torch._C._nn.hardsigmoid(tx, out=ty),
        "PyTorch": lambda: torch.nn.functional.hardsigmoid(tx),
        "onnxruntime": lambda: onnx.run_with_iobinding(binding),
        "NumPy": numpy,
    }
    for run in every.values():
        run()
    right = np.clip(x.astype(np.float64) / 6 + 0.5, 0, 1)
    for who, y in (("hard-sigmoid", ours), ("PyTorch", theirs), ("onnxruntime", bound), ("NumPy", clipped)):
        assert np.abs(y - right).max() < 1e-6, who
    assert (copied == x).all()
    # Returns the arrays too, because the pointers do not keep them alive.
    return every, (x, ours, copied, theirs, bound, clipped)


def seconds(run, repeats):
    started = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - started) / repeats


for n in map(int, sys.argv[2:]):
    every, _arrays = cases(n)
    repeats = {who: max(1, int(LEAST / max(seconds(run, 3), 1e-9))) for who, run in every.items()}
    times = {who: [] for who in every}
    for _ in range(ROUNDS):
        # Taking turns, so that other load on the machine affects all of them alike.
        for who, run in every.items():
            times[who].append(seconds(run, repeats[who]))
    for who in every:
        median, adapter = float(np.median(times[who])), f"CPU, {threads} threads"
        print(json.dumps({"case": "cpu", "who": who, "elements": n, "seconds": median, "adapter": adapter}))
