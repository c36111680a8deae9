"""Applies the function to the pre-activations of a small network, in place, and counts what is saturated.

Use: digits.py [INPUT.npy [OUTPUT.npy]]
"""

import pathlib
import sys

import hard_sigmoid as hs
import numpy as np

data = pathlib.Path(__file__).parents[2] / "tests" / "data"
source = sys.argv[1] if len(sys.argv) > 1 else data / "digits.npy"
x = np.load(source)
counts = hs.saturation(x, preset="onnx")
y = hs.hard_sigmoid(x, out=x, preset="onnx")
print(f"{y.size} {y.dtype} elements of {pathlib.Path(source).name}: {counts.fraction:.1%} saturated, {counts.nan} NaN")
if len(sys.argv) > 2:
    np.save(sys.argv[2], y)
if len(sys.argv) < 2:
    # The same activations from np.clip(0.2*x + 0.5, 0, 1) in float64, rounded to float32.
    expected = np.load(data / "digits_onnx.npy")
    differing = np.count_nonzero(y != expected)
    worst = np.max(np.abs(y.view(np.int32) - expected.view(np.int32)))
    print(f"{differing / y.size:.1%} are rounded differently from results in float64, by {worst} ULP at most")
    assert worst <= 1
