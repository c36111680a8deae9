"""The check of a machine's results, and the list of its adapters."""

import os

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import BFLOAT16, DTYPES, FLOAT32, FLOAT64, each_dtype, each_preset, is_nan, samples


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


def definition(**function):
    return lambda x: hs.hard_sigmoid(x, **function)


def kinds(judgement):
    return [finding.kind for finding in judgement.findings if finding.fails]


@each_preset
@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype.itemsize == 2], ids=str)
def test_a_function_that_is_right(dtype, preset):
    judgement = hs.validate(definition(preset=preset), preset=preset, dtype=dtype, bits=True)
    assert type(judgement) is hs.Judgement
    assert judgement.ok and judgement.checked == 1 << 16 and not judgement.causes
    judgement = hs.validate(
        lambda x, grad: hs.backward(x, grad, preset=preset), preset=preset, dtype=dtype, backward=True
    )
    assert judgement.ok and judgement.checked > 1 << 16 and judgement.findings == []
    judgement = hs.validate(
        lambda x, grad: hs.backward(x, grad, preset=preset), preset=preset, dtype=dtype, backward=True, atol=1e-2
    )
    assert judgement.ok


def test_a_right_function_in_float64():
    judgement = hs.validate(definition(preset="onnx"), preset="onnx", dtype="float64", ulp=2)
    assert judgement.ok and judgement.checked > 1 << 24 and not judgement.causes


def test_a_sum_that_cancels():
    judgement = hs.validate(lambda x: np.clip(x / np.float32(6) + np.float32(0.5), 0, 1), preset="pytorch")
    assert not judgement.ok and judgement.max_ulp > 1_000_000 and judgement.max_abs_error < 1e-7
    assert "cancellation" in judgement.causes[0] and "cancellation" in str(judgement)
    assert "**wrong**: pytorch, f32, forward" in judgement.markdown


def test_functions_that_are_wrong():
    onnx = {"preset": "onnx", "dtype": "float16"}
    right = definition(preset="onnx")
    judgement = hs.validate(lambda x: np.where(np.isnan(x), np.float16(1), right(x)), **onnx)
    assert kinds(judgement) == ["NaN"] and len(judgement.findings[0].examples) == 3
    early = hs.validate(lambda x: np.where(x >= 2.4, np.float16(1), right(x)), **onnx)
    assert "clamped early" in kinds(early)
    assert "other function: pytorch" in hs.validate(definition(preset="pytorch"), **onnx).causes[0]
    leak = hs.validate(lambda x, grad: grad * np.float16(0.2), **onnx, backward=True)
    assert {"edges", "leaking gradient"} <= set(kinds(leak))
    assert hs.validate(definition(preset="pytorch"), **onnx, atol=0.2).ok
    assert not hs.validate(lambda x: right(x) + np.float16(0), **onnx, ulp=0).findings


def test_integers():
    wrong = hs.validate(lambda x: np.clip(x * x.dtype.type(0.2) + x.dtype.type(0.5), 0, 1), preset="onnx")
    (finding,) = [finding for finding in wrong.findings if finding.kind == "integers"]
    assert finding.fails and "int32" in finding.text and "gave 0, expected 0.5" in finding.examples[0]
    assert finding.text in str(wrong)

    def refuses(x):
        if x.dtype.kind != "f":
            raise TypeError
        return hs.hard_sigmoid(x, preset="onnx")

    (finding,) = hs.validate(refuses, preset="onnx", dtype="float16").findings
    assert not finding.fails and "refused (TypeError)" in finding.text


def test_the_type_of_the_result():
    judgement = hs.validate(lambda x: hs.hard_sigmoid(x, preset="onnx").astype(float), preset="onnx", dtype="float16")
    assert kinds(judgement) == ["dtype"] and "**wrong**" in str(judgement)


def test_what_cannot_be_judged():
    with pytest.raises(ValueError, match=r"shape \(3,\).*one for each input"):
        hs.validate(lambda x: x[:3], preset="onnx", dtype="float16")
    with pytest.raises(TypeError, match="one of ulp="):
        hs.validate(abs, preset="onnx", ulp=1, atol=0.1)
    with pytest.raises(ValueError, match="ulp"):
        hs.validate(abs, preset="onnx", ulp=-1)
    with pytest.raises(TypeError, match="the result has dtype complex"):
        hs.validate(lambda x: x + 0j, preset="onnx", dtype="float16")
    with pytest.raises(ValueError, match="atol"):
        hs.validate(abs, preset="onnx", atol=float("nan"))
    with pytest.raises(TypeError, match="backend"):
        hs.validate(abs, preset="onnx", backend="gpu")
    for arguments in ({"backward": True}, {"ulp": 1}, {"atol": 0.1}, {"bits": True}):
        with pytest.raises(TypeError, match="for a function to judge"):
            hs.validate(np.zeros(3), preset="onnx", **arguments)
    with pytest.raises(ZeroDivisionError):
        hs.validate(lambda x: 1 // 0, preset="onnx", dtype="float16")
