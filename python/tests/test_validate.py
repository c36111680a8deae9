"""The check of a machine's results, and the list of its adapters."""

import os

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import BFLOAT16, FLOAT32, FLOAT64, each_dtype, each_preset, is_nan, samples


@each_preset
@each_dtype
def test_samples_are_right_on_the_cpu(dtype, preset):
    report = hs.validate(preset=preset, dtype=dtype)
    assert type(report) is hs.Report
    assert report.ok
    assert (report.mismatches, report.flushed, report.out_of_bound, report.miscounted) == (0, 0, 0, 0)
    assert report.differences == []
    # All numbers of a 16-bit type, and millions of the others.
    assert report.checked == 1 << 16 if dtype.itemsize == 2 else report.checked > 1_000_000
    assert 0 < report.nan_checked < report.checked
    assert report.max_ulp <= 1
    assert 0 < report.max_abs_error < 2.0 ** -(8 if dtype == BFLOAT16 else 10)
    assert "cpu" in report.executed_on.lower() and "thread" in report.executed_on


@each_dtype
def test_an_array_is_checked(dtype):
    for x in (samples(dtype, (30, 40)), samples(dtype, (30, 40)).T[::2, ::-1], samples(dtype, ())):
        report = hs.validate(x, alpha=-0.75, beta=0.3)
        assert report.ok
        assert report.checked == x.size
        assert report.nan_checked == np.sum(is_nan(x))


def test_dtypes_have_names():
    assert hs.validate(preset="onnx", dtype="float16").checked == 1 << 16
    assert hs.validate(preset="onnx", dtype=np.float16).checked == 1 << 16
    for dtype in ("int32", complex, "longdouble"):
        with pytest.raises(TypeError):
            hs.validate(preset="onnx", dtype=dtype)


def test_the_default_is_float32():
    assert hs.validate(preset="onnx") == hs.validate(preset="onnx", dtype=FLOAT32)
    assert hs.validate(preset="onnx").max_abs_error != hs.validate(preset="onnx", dtype=FLOAT64).max_abs_error


def test_unknown_backends():
    with pytest.raises(ValueError, match="cpu.*gpu"):
        hs.validate(preset="onnx", backend="tpu")


def test_reports_tell_what_is_wrong():
    report = hs.validate(np.zeros(3), preset="onnx")
    assert report.ok
    for name in ("mismatches", "out_of_bound", "miscounted"):
        assert not report._replace(**{name: 1}).ok
    assert report._replace(flushed=1).ok


def test_adapters():
    adapters = hs.adapters()
    assert type(adapters) is list
    if os.environ.get("HARD_SIGMOID_REQUIRE"):
        assert adapters
    for adapter in adapters:
        assert type(adapter) is hs.Adapter
        assert adapter.backend in ("vulkan", "gl", "metal", "dx12")
        assert adapter.kind in ("discrete", "integrated", "virtual", "software", "unknown")
        assert adapter.name and type(adapter.usable) is bool


def test_what_is_checked_has_to_be_said():
    with pytest.raises(ValueError, match="cpu"):
        hs.validate(preset="onnx", backend="auto")


def test_any_layout_is_checked():
    x = np.zeros(4 * 8 + 1, np.uint8)[1:].view(np.float32)
    assert hs.validate(x, preset="onnx").checked == 8
    assert hs.validate(x[::2].astype(">f4"), preset="onnx", dtype=">f2").checked == 4
    for arguments in ({"dtype": complex}, {"dtype": "S2"}):
        with pytest.raises(TypeError, match="float16, float32, float64"):
            hs.validate(x, preset="onnx", **arguments)
    with pytest.raises(TypeError, match="complex"):
        hs.validate(x.astype(complex), preset="onnx", dtype="float32")
