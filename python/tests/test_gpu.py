"""The GPU gives the bits of the CPU."""

import os
import subprocess
import sys

import hard_sigmoid as hs
import numpy as np
import pytest
from layouts import each_layout, laid_out, memory
from oracle import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, assert_same_bits, defined, each_preset, from_bits, samples
from processes import require_adapter

DTYPES = [FLOAT16, BFLOAT16, FLOAT32]
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_shape = pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (7,), (1001,), (3, 5, 7), (300, 1001)], ids=str)


@pytest.fixture(autouse=True)
def adapter():
    require_adapter()


def gradients(shape, dtype):
    """Return gradients whose products are normal numbers: drivers may flush others to zero."""
    return np.random.default_rng(1).uniform(0.5, 2, shape).astype(dtype)


@each_shape
@each_preset
@each_dtype
def test_forward(dtype, preset, shape):
    x = samples(dtype, shape)
    y = hs.hard_sigmoid(x, preset=preset, backend="gpu")
    assert_same_bits(y, hs.hard_sigmoid(x, preset=preset, backend="cpu"))
    assert type(y) is (np.ndarray if shape else dtype.type)


@each_preset
@pytest.mark.parametrize("dtype", [FLOAT16, BFLOAT16], ids=str)
def test_all_16bit_numbers(dtype, preset):
    x = from_bits(np.arange(1 << 16), dtype)
    y = hs.hard_sigmoid(x, preset=preset, backend="gpu")
    assert_same_bits(y, hs.hard_sigmoid(x, preset=preset, backend="cpu"))


@pytest.mark.parametrize("alpha, beta", [(-0.75, 0.3), (3, -1), (0, 0.25), (1, 0)])
@each_dtype
def test_other_functions(dtype, alpha, beta):
    x = np.linspace(-4, 4, 1001).astype(dtype)
    assert_same_bits(hs.hard_sigmoid(x, alpha=alpha, beta=beta, backend="gpu"), defined(x, alpha, beta))


@each_shape
@each_preset
@each_dtype
def test_backward(dtype, preset, shape):
    f = hs.HardSigmoid(preset)
    x, grad = samples(dtype, shape), gradients(shape, dtype)
    assert_same_bits(f.backward(x, grad, backend="gpu"), f.backward(x, grad, backend="cpu"))
    y = f(x)
    results = [f.backward(y, grad, from_output=True, backend=backend) for backend in ("gpu", "cpu")]
    assert_same_bits(*results)


@each_shape
@each_preset
@each_dtype
def test_saturation(dtype, preset, shape):
    x = samples(dtype, shape)
    counts = hs.saturation(x, preset=preset, backend="gpu")
    assert counts == hs.saturation(x, preset=preset, backend="cpu")
    assert counts.total == x.size


@each_layout
@each_dtype
def test_layouts(dtype, layout):
    values, grad = samples(dtype, (4, 5, 6)), gradients((4, 5, 6), dtype)
    x, out = laid_out(values, layout), laid_out(np.zeros_like(values), layout)
    expected = defined(values, 0.2, 0.5)
    assert_same_bits(hs.hard_sigmoid(x, preset="onnx", backend="gpu"), expected)
    assert hs.hard_sigmoid(x, out, preset="onnx", backend="gpu") is out
    assert_same_bits(out.astype(dtype), expected)
    result = hs.backward(values, grad, preset="onnx", backend="cpu")
    assert_same_bits(hs.backward(x, grad, preset="onnx", backend="gpu"), result)
    assert hs.hard_sigmoid(x, x, preset="onnx", backend="gpu") is x
    assert_same_bits(x.astype(dtype), expected)


@each_dtype
def test_overlap(dtype):
    for first, second in ((0, 1), (1, 0), (0, 0)):
        buffer = samples(dtype, (5001,))
        x, out = buffer[first:][:5000], buffer[second:][:5000]
        expected = defined(x.copy(), 0.2, 0.5)
        hs.hard_sigmoid(x, out, preset="onnx", backend="gpu")
        assert_same_bits(out, expected)


def test_integers():
    for code in ("b", "?", "h", "H"):
        x = np.arange(100).astype(code)
        y = hs.hard_sigmoid(x, preset="onnx", backend="gpu")
        assert_same_bits(y, hs.hard_sigmoid(x, preset="onnx", backend="cpu"))


NUMBERS = [np.zeros(3), np.zeros((4, 4))[::2, ::-1], np.zeros(3, np.int32), 1.0, np.zeros(0)]


@pytest.mark.parametrize("x", NUMBERS, ids=["array", "strided", "integers", "number", "empty"])
def test_float64_is_for_the_cpu(x):
    out = memory(np.shape(x), FLOAT64)
    before = out.tobytes()
    calls = [
        lambda: hs.hard_sigmoid(x, preset="onnx", backend="gpu"),
        lambda: hs.hard_sigmoid(x, out, preset="onnx", backend="gpu"),
        lambda: hs.backward(x, x, preset="onnx", backend="gpu"),
        lambda: hs.saturation(x, preset="onnx", backend="gpu"),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="float64"):
            call()
    assert out.tobytes() == before
    results = [hs.hard_sigmoid(x, preset="onnx", backend=backend) for backend in ("auto", "cpu")]
    assert_same_bits(*results)


@each_dtype
def test_validate(dtype):
    report = hs.validate(samples(dtype, (10_000,)), preset="onnx", backend="gpu")
    assert report.ok
    assert report.checked == 10_000
    assert any(adapter.name in report.executed_on for adapter in hs.adapters())
    with pytest.raises(TypeError, match="float64"):
        hs.validate(preset="onnx", dtype=FLOAT64, backend="gpu")


WITHOUT_ADAPTER = """
import hard_sigmoid as hs, numpy as np
x = np.zeros(5, np.float32)
for call in (hs.hard_sigmoid, hs.saturation, lambda x, **options: hs.backward(x, x, **options)):
    call(x, preset="onnx", backend="auto")
    try:
        call(x, preset="onnx", backend="gpu")
    except RuntimeError as error:
        print("WGPU_ADAPTER_NAME" in str(error))
"""


def test_without_the_adapter():
    environment = {**os.environ, "WGPU_ADAPTER_NAME": "there is no such adapter"}
    command = [sys.executable, "-c", WITHOUT_ADAPTER]
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert output.split() == ["True"] * 3


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "end",
    [
        "call()",
        "thread.start(); thread.join()",
        "thread.start()",
        "call(); raise SystemExit",
        "call(); del hs",
    ],
)
def test_processes_end(end):
    """A process does not crash at its end, while others run."""
    code = f"""
import threading
import hard_sigmoid as hs
import numpy as np
x = np.zeros(1_200_000, np.float32)
def call():
    hs.hard_sigmoid(x, out=x, preset="onnx", backend="gpu")
thread = threading.Thread(target=call)
{end}
"""
    for _ in range(3):
        processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(8)]
        assert [process.wait(120) for process in processes] == [0] * 8
