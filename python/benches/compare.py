"""Times hard_sigmoid beside NumPy's expression, PyTorch and onnxruntime, and prints the tables of README.

    python compare.py [--rounds 5] [--sizes 10,14,18,22,26] [--types float32,...] >tables.md
    python compare.py --rounds 0 >errors.md

Needs numpy, ml_dtypes, torch, onnx and onnxruntime. Each peer runs in a process of its own, because the threads of some
spin after a call. In each round all peers run one after the other. A time is the median over the rounds of the median
of the calls of a process, which write to an array that was written before. The errors are the same in each round and
are computed once, among ERRORS_OF numbers, from the exact function, evaluated in extended precision.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

PEERS = ["hard_sigmoid", "numpy", "torch", "onnxruntime"]
TYPES = ["float16", "bfloat16", "float32", "float64"]
PRESETS = {"torch": "pytorch"}  # torch has no alpha; the others compute onnx's function, of the same cost
SECONDS = 0.4
ERRORS_OF = 1 << 20


def call_of(peer, x):
    """Return a function that computes the whole array, and the array that it writes."""
    import numpy as np

    y = np.zeros_like(x)
    if peer == "hard_sigmoid":
        import hard_sigmoid as hs

        return (lambda: hs.hard_sigmoid(x, y, preset="onnx")), y
    if peer == "numpy":
        alpha, beta, zero, one = (np.asarray(v, x.dtype) for v in (0.2, 0.5, 0, 1))

        def expression():
            np.multiply(x, alpha, out=y)
            np.add(y, beta, out=y)
            np.clip(y, zero, one, out=y)

        return expression, y
    if peer == "torch":
        import torch

        # torch does not know the bfloat16 of NumPy.
        same = {"bfloat16": torch.bfloat16}.get(x.dtype.name)
        tensor = (lambda a: torch.from_numpy(a.view(np.uint16)).view(same)) if same else torch.from_numpy
        source, target = tensor(x), tensor(y)
        # hardsigmoid has no out=, its operator has.
        return (lambda: torch.ops.aten.hardsigmoid.out(source, out=target)), y
    import onnx
    import onnxruntime

    of = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    info = [onnx.helper.make_tensor_value_info(name, of, list(x.shape)) for name in "xy"]
    node = onnx.helper.make_node("HardSigmoid", ["x"], ["y"], alpha=0.2, beta=0.5)
    graph = onnx.helper.make_graph([node], "graph", info[:1], info[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for bind, name, array in [(binding.bind_input, "x", x), (binding.bind_output, "y", y)]:
        bind(name, "cpu", 0, x.dtype, x.shape, array.ctypes.data)
    return (lambda: session.run_with_iobinding(binding)), y


def numbers(count, name):
    import ml_dtypes  # noqa: F401, registers bfloat16
    import numpy as np

    return np.random.default_rng(0).normal(0, 3, count).astype(np.dtype(name))


def largest_error(peer, name):
    """Return the largest distance from the exact results, in units in their last place."""
    import numpy as np

    x = numbers(ERRORS_OF, name)
    call, y = call_of(peer, x)
    call()
    # The sums are exact in the 64 bits of a long double where they are close to 0.
    wide = x.astype(np.longdouble)
    exact = np.clip((wide + 3) / 6 if PRESETS.get(peer) else (2 * wide + 5) / 10, 0, 1)
    return float(np.max(np.abs(exact - y.astype(np.longdouble)) / ulp(exact, name)))


def worker(peer, name, exponents):
    """Print the median time of a call for each size, in seconds, or without sizes the largest error."""
    if not exponents:
        try:
            print(json.dumps({"error_of": largest_error(peer, name)}))
        except Exception as error:  # a type that the peer does not have, or no such peer
            print(json.dumps({"error": f"{type(error).__name__}: {error}"[:200]}))
    for exponent in exponents:
        x = numbers(1 << exponent, name)
        try:
            call, _ = call_of(peer, x)
            call()
        except Exception as error:  # a type that the peer does not have
            print(json.dumps({"exponent": exponent, "error": f"{type(error).__name__}: {error}"[:200]}))
            continue
        times, started = [], time.perf_counter()
        # Short calls are timed together, so that the clock does not count.
        single = time.perf_counter()
        call()
        many = max(1, int(1e-4 / (time.perf_counter() - single)))
        while len(times) < 5 or time.perf_counter() - started < SECONDS:
            begin = time.perf_counter()
            for _ in range(many):
                call()
            times.append((time.perf_counter() - begin) / many)
        print(json.dumps({"exponent": exponent, "seconds": statistics.median(times)}))


def ulp(exact, name):
    """Return the distance of the numbers of a type around each of `exact`."""
    import numpy as np

    bits, smallest = {"float16": (11, -13), "bfloat16": (8, -125), "float32": (24, -125), "float64": (53, -1021)}[name]
    return np.ldexp(np.longdouble(1), np.maximum(np.frexp(exact)[1], smallest) - bits)


def cell(error):
    """Return an error as README has it."""
    return f"{float(f'{error:.2g}'):,g}"


def run(peer, name, sizes):
    """Return what a worker prints."""
    command = [sys.executable, __file__, "--sizes", sizes, "--worker", peer, name]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=os.environ).stdout
    lines = [json.loads(line) for line in output.splitlines()]
    for line in lines:
        if "error" in line:
            print(name, peer, line.get("exponent", ""), line["error"], file=sys.stderr)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="10,14,18,22,26")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    exponents = [int(size) for size in args.sizes.split(",") if size]
    if args.worker:
        worker(*args.worker, exponents)
        return
    names, results = args.types.split(","), {}
    for _ in range(args.rounds):
        for name in names:
            for peer in PEERS:
                for line in run(peer, name, args.sizes):
                    if "seconds" in line:
                        results.setdefault((name, line["exponent"], peer), []).append(line["seconds"])
    if results:
        print("| type | elements | hard_sigmoid | NumPy | PyTorch | onnxruntime |")
        print("|---|---|---|---|---|---|")
    for name in names if results else []:
        for exponent in exponents:
            own = statistics.median(results[name, exponent, "hard_sigmoid"])
            cells = [f"{own * 1e6:.3g} us"]
            for peer in PEERS[1:]:
                times = results.get((name, exponent, peer))
                cells.append(f"{statistics.median(times) / own:.2g}" if times else "–")
            print(f"| {name} | 2^{exponent} | {' | '.join(cells)} |")
    print("\n| type | hard_sigmoid | NumPy | PyTorch | onnxruntime |")
    print("|---|---|---|---|---|")
    for name in names:
        errors = [run(peer, name, "")[0].get("error_of") for peer in PEERS]
        cells = ["–" if error is None else cell(error) for error in errors]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
