"""Results of other systems, from tests/data/make.py. The tolerances are those of tests/suite/golden.rs."""

import csv
from collections import defaultdict
from pathlib import Path

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, assert_same_bits, distance, from_bits, is_nan, quieted

DATA = Path(__file__).parents[2] / "tests" / "data"
ELEMENTS = {"f64": FLOAT64, "f32": FLOAT32, "f16": FLOAT16, "bf16": BFLOAT16}


def groups(name, columns):
    """Return the numbers in the last columns, by system, dtype, alpha and beta."""
    rows = defaultdict(list)
    with open(DATA / name, newline="") as file:
        for row in csv.DictReader(file):
            dtype = ELEMENTS[row.get("element", "f32")]
            key = row["system"], dtype, float(row["alpha"]), float(row["beta"])
            rows[key].append([int(row[column], 16) for column in columns])
    numbers = {key: from_bits(np.array(rows[key], np.uint64).T, key[1]) for key in rows}
    return [pytest.param(*key, *numbers[key], id=f"{key[0]}-{key[1]}") for key in rows]


FORWARD = groups("golden.csv", ["x", "y"])
FORWARD_16BIT = groups("golden_16bit.csv", ["x", "y"])
BACKWARD = groups("golden_backward.csv", ["x", "grad_y", "grad_x"])


def test_the_data_is_complete():
    assert [len(FORWARD), len(FORWARD_16BIT), len(BACKWARD)] == [13, 5, 44]


def errors(a, b):
    with np.errstate(invalid="ignore"):
        return np.abs(a.astype(np.float64) - b.astype(np.float64))


@pytest.mark.parametrize("system, dtype, alpha, beta, x, theirs", FORWARD)
def test_forward(system, dtype, alpha, beta, x, theirs):
    y = hs.hard_sigmoid(x, alpha=alpha, beta=beta)
    nan = is_nan(x)
    assert np.array_equal(is_nan(theirs), nan)
    assert_same_bits(y[nan], quieted(x[nan]))
    assert not np.signbit(y[~nan]).any()
    close = distance(y, theirs) <= 1
    # The others round alpha*x before they add 1/2, so that they may be wrong by two ULP of 1/2.
    if system not in ("numpy seed", "torch hardsigmoid"):
        close |= errors(y, theirs) <= 2 * 2.0**-24
    assert np.all(close[~nan])


@pytest.mark.parametrize("system, dtype, alpha, beta, x, theirs", FORWARD_16BIT)
def test_forward_16bit(system, dtype, alpha, beta, x, theirs):
    y = hs.hard_sigmoid(x, alpha=alpha, beta=beta)
    nan = is_nan(x)
    assert np.array_equal(is_nan(theirs), nan)
    assert_same_bits(y[nan], quieted(x[nan]))
    close = distance(y, theirs) <= 1
    # It computes in float16, so that results near 0 lose most of their bits.
    if system == "onnx reference evaluator":
        close |= errors(y, theirs) <= 1e-3
    assert np.all(close[~nan])


@pytest.mark.parametrize("system, dtype, alpha, beta, x, grad, theirs", BACKWARD)
def test_backward(system, dtype, alpha, beta, x, grad, theirs):
    result = hs.backward(x, grad, alpha=alpha, beta=beta)
    assert result.dtype == dtype
    assert np.array_equal(result == 0, theirs == 0)
    close = distance(result, theirs) <= 1
    # PyTorch multiplies float64 by 1/6 rounded to float32.
    if dtype == FLOAT64 and system == "torch hardsigmoid":
        close |= errors(result, theirs) <= 3e-8 * np.abs(theirs)
    assert np.all(close)


@pytest.mark.parametrize("preset", ["onnx", "pytorch"])
def test_digits(preset):
    x = np.load(DATA / "digits.npy")
    y = hs.hard_sigmoid(x, preset=preset)
    assert y.shape == x.shape == (1797, 32)
    assert distance(y, np.load(DATA / f"digits_{preset}.npy")).max() <= 1


def test_seed_vector():
    # The float32 nearest to -2.4 is 9.5e-8 less than that, so that the result is 1.9e-8 less than 0.02.
    x = np.array([-7, -2.5, -2.4, 0, 2.4, 2.5, 22], np.float32)
    expected = np.array([0, 0, 0.01999998, 0.5, 0.98, 1, 1], np.float32)
    assert_same_bits(hs.hard_sigmoid(x, preset="onnx"), expected)
    x = np.array([-3.5, -3, 0, 1.5, 3, 3.5], np.float32)
    assert_same_bits(hs.hard_sigmoid(x, preset="pytorch"), np.array([0, 0, 0.5, 0.75, 1, 1], np.float32))
