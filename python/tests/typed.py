"""Calls as users write them, which mypy checks."""

from typing import Any, assert_type

import hard_sigmoid as hs
import numpy as np
import numpy.typing as npt


def check(x: npt.NDArray[np.float32], y: npt.NDArray[np.float64], anything: npt.NDArray[Any]) -> None:
    f = hs.HardSigmoid("onnx")
    assert_type(f, hs.HardSigmoid)
    assert_type(f(x), npt.NDArray[np.float32])
    assert_type(f(y, threads=np.int64(2)), npt.NDArray[np.float64])
    assert_type(f.backward(x, x, from_output=True), npt.NDArray[np.float32])
    assert_type(f.saturation([1.0, 2.0]).fraction, float)
    assert_type(hs.hard_sigmoid(x, preset="onnx", backend="cpu"), npt.NDArray[np.float32])
    assert_type(hs.hard_sigmoid([[1, 2]], x, alpha=np.float32(0.25), beta=1), npt.NDArray[np.float32])
    assert_type(f(x, out=(y,)), npt.NDArray[np.float64])
    assert_type(f.__name__, str)
    assert_type(hs.hard_sigmoid(1.5, preset="pytorch"), Any)
    assert_type(hs.backward(x, 1.0, out=x, preset="onnx"), npt.NDArray[np.float32])
    assert_type(hs.validate(anything, preset="onnx", backend="gpu").ok, bool)
    assert_type(hs.validate(np.sin, preset="onnx", backward=True, atol=1e-3), hs.Judgement)
    assert_type(hs.adapters(), list[hs.Adapter])
    hs.hard_sigmoid(x, preset="tanh")  # type: ignore[call-overload]
    hs.saturation(x, preset="onnx", backend="tpu")  # type: ignore[arg-type]
