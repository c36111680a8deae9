"""Times one library on the CPU and prints JSON lines. Each library runs in a process of its own, since the threads of
one spin and disturb the next.

    python cpu.py WHO LIBPEERS ELEMENTS...

WHO is hard-sigmoid, oneDNN, PyTorch, onnxruntime, NumPy, or a copy of as many bytes as the others read and write:
memcpy, or streamed, which writes past the caches. OMP_NUM_THREADS and RAYON_NUM_THREADS say how many threads they use.
Results are checked before they are timed.
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
threads = int(os.environ.get("OMP_NUM_THREADS", len(os.sched_getaffinity(0))))
# Results are repetitions of those for so many elements.
PERIOD = 1 << 20


def copy(element, is_backward, x, g, y):
    library = ctypes.CDLL(os.path.abspath(path))
    # The backward pass reads twice as much as it writes.
    size = x.nbytes * 3 // 2 if is_backward else x.nbytes
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    arguments = [*(ctypes.c_void_p(a.ctypes.data) for a in (source, target)), ctypes.c_size_t(size), who == "streamed"]
    library.copy(*arguments)
    assert target.all()
    # The arrays must outlive the pointers to them.
    return lambda _=(source, target): library.copy(*arguments)


def ours(element, is_backward, x, g, y):
    library = ctypes.CDLL(os.path.abspath(path))
    library.hard_sigmoid_function.restype = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
    )
    run = library.hard_sigmoid_function(list(TYPES).index(element), is_backward)
    arguments = [*(ctypes.c_void_p(a.ctypes.data) for a in (x, g, y)), ctypes.c_size_t(x.size)]
    return lambda: run(*arguments)


def onednn(element, is_backward, x, g, y):
    kinds = {"f16": 1, "bf16": 2, "f32": 3}
    if element not in kinds:
        raise NotImplementedError
    library = ctypes.CDLL(os.path.join(sys.prefix, "lib", "libdnnl.so.3"))
    cpu, in_order, inference, training, hardsigmoid = 1, 1, 96, 64, 0x28
    alpha, beta = ctypes.c_float(1 / 6), ctypes.c_float(0.5)

    def make(function, *arguments):
        made = ctypes.c_void_p()
        arguments = [ctypes.c_void_p(None) if argument is None else argument for argument in arguments]
        status = getattr(library, f"dnnl_{function}")(ctypes.byref(made), *arguments)
        if status == 3:
            # Such as f16 on a processor without instructions for it.
            raise NotImplementedError
        assert status == 0, (function, status)
        return made

    engine = make("engine_create", cpu, ctypes.c_size_t(0))
    stream = make("stream_create", engine, in_order)
    lengths, strides = (ctypes.c_int64 * 12)(x.size), (ctypes.c_int64 * 12)(1)
    layout = make("memory_desc_create_with_strides", 1, lengths, kinds[element], strides)
    of_forward = [layout, layout, alpha, beta, None]
    kind = training if is_backward else inference
    forward = make("eltwise_forward_primitive_desc_create", engine, kind, hardsigmoid, *of_forward)
    description = forward
    if is_backward:
        arguments = [hardsigmoid, layout, layout, layout, alpha, beta, forward, None]
        description = make("eltwise_backward_primitive_desc_create", engine, *arguments)
    primitive = make("primitive_create", description)

    class Argument(ctypes.Structure):
        _fields_ = [("place", ctypes.c_int), ("memory", ctypes.c_void_p)]

    # The source, and the target; or the source, the gradient, and the target.
    places = {1: x, 145: g, 129: y} if is_backward else {1: x, 17: y}
    memory = [
        Argument(place, make("memory_create", layout, engine, ctypes.c_void_p(array.ctypes.data)).value)
        for place, array in places.items()
    ]
    arguments = (Argument * len(memory))(*memory)

    def run():
        library.dnnl_primitive_execute(primitive, stream, len(memory), arguments)
        library.dnnl_stream_wait(stream)

    return run


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
        raise NotImplementedError
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
        raise NotImplementedError
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


def check(element, is_backward, x, g, y):
    exact = x[:PERIOD].astype(np.float64)
    right = np.where(abs(exact) < 3, g[:PERIOD].astype(np.float64) / 6, 0) if is_backward else exact / 6 + 0.5
    # At the edges, rounding decides whether there is a gradient.
    certain = abs(abs(exact) - 3) > 1e-5
    error = abs(y[:PERIOD].astype(np.float64) - np.clip(right, 0, 1))[certain].max()
    assert error < ERRORS[element], (who, element, is_backward, error)
    for start in range(PERIOD, y.size, PERIOD):
        assert np.array_equal(y[start:][:PERIOD].view(np.uint8), y[:PERIOD].view(np.uint8)), (who, start)


libraries = {"hard-sigmoid": ours, "oneDNN": onednn, "PyTorch": pytorch, "onnxruntime": onnxruntime, "NumPy": numpy}
libraries |= {"memcpy": copy, "streamed": copy}
for n in lengths:
    for element, dtype in TYPES.items():
        for is_backward in (False, True):
            x, g = (np.resize(np.linspace(*ends, min(n, PERIOD)).astype(dtype), n) for ends in ((-4, 4), (1, 2)))
            y = np.empty_like(x)
            try:
                run = libraries[who](element, is_backward, x, g, y)
            except NotImplementedError:
                continue
            run()
            if libraries[who] != copy:
                check(element, is_backward, x, g, y)
            repeats = max(1, int(LEAST / max(seconds(run, 3), 1e-9)))
            median = float(np.median([seconds(run, repeats) for _ in range(ROUNDS)]))
            case = f"{'backward' if is_backward else 'forward'} {element}"
            adapter = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
            print(json.dumps({"case": case, "who": who, "elements": n, "seconds": median, "adapter": adapter}))
