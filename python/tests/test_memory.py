"""Where results are computed without a copy of the input, by the memory that calls take."""

import sys
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import FLOAT16, FLOAT32, each_dtype
from test_inputs import WithArray, WithDLPack

ONNX = hs.HardSigmoid.ONNX
COUNT = 1 << 23
SLACK = 1 << 16
# Pieces of strided arrays.
PIECES = 8 << 20


@contextmanager
def peak_allocated():
    """Measure what NumPy and Python allocate at most: NumPy tells tracemalloc about its arrays."""
    peak = []
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield peak
        peak.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()


@contextmanager
def peak_resident():
    """Measure what the process takes at most, whoever allocates it."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def read(name):
        [line] = [line for line in status.read_text().splitlines() if line.startswith(name)]
        return int(line.split()[1]) * 1024

    peak = []
    reset.write_text("5")
    before = read("VmRSS")
    yield peak
    peak.append(read("VmHWM") - before)


def zeros(dtype):
    """Return an array whose pages have all been written."""
    return np.full(COUNT, 0, dtype)


def test_tracemalloc_sees_arrays():
    with peak_allocated() as peak:
        np.ones(COUNT, np.uint8)
    assert COUNT <= peak[0] <= COUNT + SLACK


@each_dtype
def test_contiguous_arrays_are_not_copied(dtype):
    x = zeros(dtype)
    for argument in (x, x.reshape(1 << 10, -1), x.reshape(1 << 10, -1).T):
        with peak_allocated() as peak:
            y = ONNX(argument)
        assert x.nbytes == y.nbytes <= peak[0] <= y.nbytes + SLACK
        del y
    with peak_allocated() as peak:
        ONNX.backward(x, x)
    assert x.nbytes <= peak[0] <= x.nbytes + SLACK


@each_dtype
def test_out_takes_no_memory(dtype):
    x = zeros(dtype)
    out = np.empty_like(x)
    calls = [
        lambda: ONNX(x, out),
        lambda: ONNX(x, x),
        lambda: ONNX(x[1:], out[:-1]),
        lambda: ONNX.backward(x, x, out),
        lambda: ONNX.saturation(x),
    ]
    for call in calls:
        with peak_allocated() as peak:
            call()
        assert peak[0] <= SLACK


@each_dtype
def test_other_layouts_are_copied_in_pieces(dtype):
    x = zeros(dtype)
    swapped = x.astype(dtype.newbyteorder())
    square = x.reshape(1 << 10, -1)
    bytes_ = np.zeros(x.nbytes + 1, np.uint8)
    for argument in (x[::2], x[::-1], square[:, 1:], square.T[::3], swapped, bytes_[1:].view(dtype)):
        with peak_allocated() as peak:
            y = ONNX(argument)
        assert y.nbytes <= peak[0] <= y.nbytes + PIECES
        with peak_allocated() as peak:
            ONNX(argument, y)
        assert peak[0] <= PIECES
        with peak_allocated() as peak:
            ONNX.backward(argument, argument, y)
        assert peak[0] <= PIECES
        with peak_allocated() as peak:
            ONNX.saturation(argument)
        assert peak[0] <= PIECES
        del y
    for out in (x[::-1], square.T, swapped):
        with peak_allocated() as peak:
            ONNX(np.zeros(1, dtype), out)
        assert peak[0] <= PIECES


@each_dtype
def test_strided_arrays_in_place(dtype):
    x = zeros(dtype)
    for view in (x[::2], x[::-1], x.reshape(1 << 10, -1)[:, 1:]):
        with peak_allocated() as peak:
            ONNX(view, view)
        assert peak[0] <= PIECES


def test_broadcast_arrays_are_not_expanded():
    x = np.broadcast_to(np.zeros((1, 1 << 10), FLOAT32), (1 << 13, 1 << 10))
    with peak_allocated() as peak:
        ONNX.saturation(x)
    assert peak[0] <= PIECES
    out = np.empty(x.shape, FLOAT32)
    for argument in (x, x[:1]):
        with peak_allocated() as peak:
            ONNX(argument, out)
        assert peak[0] <= PIECES


def test_overlaps_cost_a_copy():
    x = zeros(FLOAT32)
    with peak_allocated() as peak:
        ONNX(x[:-1], x[1:])
    assert peak[0] <= x.nbytes + SLACK


@pytest.mark.parametrize("wrapper", [WithArray, WithDLPack])
def test_objects_are_converted_without_a_copy(wrapper):
    x = zeros(FLOAT32)
    with peak_allocated() as peak:
        ONNX(wrapper(x))
    assert x.nbytes <= peak[0] <= x.nbytes + SLACK
    with peak_allocated() as peak:
        ONNX(wrapper(x), x)
    assert peak[0] <= SLACK


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self")
@pytest.mark.parametrize("dtype", [FLOAT16, FLOAT32], ids=str)
def test_rust_allocates_no_arrays(dtype):
    x = zeros(dtype)
    out = zeros(dtype)
    ONNX(x, out)
    for argument in (x, x[::-1]):
        calls = [
            lambda: ONNX(argument, out),
            lambda: ONNX.backward(argument, argument, out),
            lambda: ONNX.saturation(argument),
        ]
        for call in calls:
            with peak_resident() as peak:
                call()
            assert peak[0] <= 2 * PIECES
    # The measurement works: memory of this size is not taken from what was freed before.
    with peak_resident() as peak:
        np.ones(1 << 27, np.uint8)
    assert peak[0] >= 1 << 26
