"""Runs suites, each in a process of its own, since the peers' threads and memory disturb each other.

    python main.py [--wrong] [SUITE...]

Prints a line for each suite: its name, the version of the peer, how many cases it had, and whether the package passed.
--wrong exchanges the presets, to see the suites fail. Exits with 1 if a suite fails, has no cases or cannot run.
"""

import importlib
import os
import subprocess
import sys

# The name of each suite, its module and function, and what it needs in its environment.
SUITES = {
    "PyTorch, sample inputs": ("pytorch_inputs", "samples", {}),
    "PyTorch, values": ("pytorch_inputs", "values", {}),
    "ONNX, node tests": ("onnx_nodes", "nodes", {}),
    "ONNX's reference evaluator, values": ("onnx_nodes", "evaluator_values", {}),
    "onnxruntime, values": ("onnx_nodes", "onnxruntime_values", {}),
    "onnxruntime, a network": ("network", "network", {}),
    "JAX, values": ("jax_values", "values", {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}),
    "Keras on JAX": ("keras_tests", "tests", {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}),
    "Keras on PyTorch": ("keras_tests", "tests", {"KERAS_BACKEND": "torch"}),
    "Keras on TensorFlow": ("keras_tests", "tests", {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}),
    "NumPy, calls as of tanh": ("numpy_calls", "calls", {}),
}


def compute(name):
    from judge import Tally

    module, function, _ = SUITES[name]
    tally = Tally()
    getattr(importlib.import_module(module), function)(tally)
    if tally.cases == 0:
        tally.fail("no cases")
    outcome = f"{len(tally.failures)} FAILED" if tally.failures else "passed"
    print(f"{name} ({tally.version}): {tally.cases} cases, {tally.numbers} numbers: {outcome}{tally.differences()}")
    for failure in tally.failures[:10]:
        print(f"    {failure}")
    return not tally.failures


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--compute"]:
        sys.exit(not compute(arguments[1]))
    wrong = "--wrong" in arguments
    names = [argument for argument in arguments if argument != "--wrong"] or list(SUITES)
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; the suites are: {'; '.join(SUITES)}")
    failed = []
    for name in names:
        environment = {**os.environ, **SUITES[name][2], "HS_WRONG": "1" if wrong else ""}
        command = [sys.executable, os.path.abspath(__file__), "--compute", name]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        print(done.stdout, end="")
        ran = any(line.startswith(f"{name} (") for line in done.stdout.splitlines())
        if not ran:
            print(f"{name}: CANNOT RUN\n    {done.stderr.strip()[-1500:]}")
        sys.stdout.flush()
        if done.returncode or not ran:
            failed.append(name)
    print(f"{len(names) - len(failed)} of {len(names)} suites passed")
    sys.exit(bool(failed))


main()
