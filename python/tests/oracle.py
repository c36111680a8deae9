"""What the results must be, from rational arithmetic instead of the package's formula, and helpers to compare bits."""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOAT16, FLOAT32, FLOAT64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
DTYPES = [FLOAT16, BFLOAT16, FLOAT32, FLOAT64]
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)

PRESETS = {"onnx": (Fraction(1, 5), Fraction(1, 2)), "pytorch": (Fraction(1, 6), Fraction(1, 2))}
each_preset = pytest.mark.parametrize("preset", PRESETS)

# How far a preset's results may be from the exact ones, rounded to the type, unless that is 1 ULP.
MOST_ULPS = {("onnx", FLOAT64): 2}

# Bits of the significand, and the exponent of the smallest normal number.
FORMATS = {FLOAT16: (11, -14), BFLOAT16: (8, -126), FLOAT32: (24, -126), FLOAT64: (53, -1022)}


def exact(x, alpha, beta):
    """Return clamp(alpha*x + beta, 0, 1) as a fraction, for any x but NaN."""
    x = float(x)
    if alpha == 0:
        return min(max(Fraction(beta), Fraction(0)), Fraction(1))
    if np.isinf(x):
        return Fraction(int((x > 0) == (alpha > 0)))
    return min(max(Fraction(alpha) * Fraction(x) + Fraction(beta), Fraction(0)), Fraction(1))


def is_inside(x, alpha, beta):
    """Whether alpha*x + beta lies strictly between 0 and 1."""
    x = float(x)
    return bool(np.isfinite(x)) and alpha != 0 and 0 < Fraction(alpha) * Fraction(x) + Fraction(beta) < 1


def rounded(value, dtype):
    """Return the number of the type that is nearest to a fraction, the even one of two."""
    precision, least = FORMATS[dtype]
    if value == 0:
        return dtype.type(0)
    exponent = abs(value.numerator).bit_length() - value.denominator.bit_length()
    if abs(value) < Fraction(2) ** exponent:
        exponent -= 1
    step = Fraction(2) ** (max(exponent, least) - precision + 1)
    return dtype.type(float(round(value / step) * step))


def bits(array):
    """Return the bits of the numbers, in native byte order, as unsigned integers."""
    array = np.asarray(array)
    native = np.array(array, array.dtype.newbyteorder("="), order="C", subok=False)
    return native.view(f"u{native.itemsize}")


def from_bits(integers, dtype):
    """Return the numbers with these bits."""
    return np.asarray(integers, f"u{dtype.itemsize}").view(dtype)


def assert_same_bits(actual, expected):
    """Check dtype, shape and bits. The order in memory may differ."""
    assert np.asarray(actual).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(bits(actual), bits(expected), strict=True)


def is_nan(x):
    """Return numpy.isnan(x), without the warnings for signalling NaNs."""
    with np.errstate(invalid="ignore"):
        return np.isnan(x)


def distance(a, b):
    """Return the distance of numbers of one type in ULP, as Python integers."""

    def from_zero(array):
        integers, sign = bits(array).astype(object), 1 << (8 * np.asarray(array).itemsize - 1)
        return np.where(integers >= sign, sign - integers, integers)

    assert np.asarray(a).dtype == np.asarray(b).dtype
    return np.abs(from_zero(a) - from_zero(b))


def quieted(x):
    """Return `x` with each NaN made quiet, and its sign and payload kept."""
    precision, _ = FORMATS[x.dtype]
    return from_bits(bits(x) | np.asarray(is_nan(x), f"u{x.itemsize}") << (precision - 2), x.dtype)


def reference(x, preset):
    """Return a preset's function in extended precision, and how far it may be from the exact one."""
    divisor = {"onnx": 5, "pytorch": 6}[preset]
    wide = x.astype(np.longdouble) / divisor + np.longdouble(0.5)
    return np.clip(wide, 0, 1), 2 * float(np.finfo(np.longdouble).eps)


def assert_accurate(y, x, preset):
    """Check a preset's results: their distance from the exact ones, and that NaNs are those of x."""
    nan = is_nan(x)
    assert_same_bits(y[nan], quieted(x[nan]))
    expected, error = reference(x[~nan], preset)
    got = y[~nan].astype(np.longdouble)
    assert np.all((got >= 0) & (got <= 1) & ~np.signbit(got))
    precision, least = FORMATS[x.dtype]
    exponent = np.maximum(np.frexp(np.maximum(got, expected))[1] - 1, least)
    # Half an ULP more for the exact result's own rounding. A 16-bit type rounds a float32, which is hardly off.
    ulps = MOST_ULPS.get((preset, x.dtype), 1) + 0.5 if x.dtype.itemsize > 2 else 0.501
    assert np.all(np.abs(got - expected) <= np.ldexp(np.longdouble(ulps), exponent - precision + 1) + error)


def defined(x, alpha, beta):
    """Return clamp((x + beta/alpha) * alpha, 0, 1), the documented definition of the bits."""
    wide = FLOAT64 if x.dtype == FLOAT64 else FLOAT32
    with np.errstate(all="ignore"):
        if alpha == 0:
            y = np.full(x.shape, min(max(beta, 0.0), 1.0) + 0.0, wide)
        else:
            y = (x.astype(wide) + wide.type(beta / alpha)) * wide.type(alpha)
            y = np.where(y > 0, np.where(y < 1, y, wide.type(1)), wide.type(0))
        return np.where(is_nan(x), quieted(x), y.astype(x.dtype))


def samples(dtype, shape=(1000,), seed=0):
    """Return numbers around the edges of both presets, and any bits: NaNs, infinities, subnormals."""
    generator = np.random.default_rng(seed)
    count = int(np.prod(shape))
    edges = np.array([-3, -2.5, 0, 2.5, 3]).astype(dtype)
    near = bits(edges)[generator.integers(0, 5, count)] + generator.integers(-4, 5, count).astype(f"u{dtype.itemsize}")
    anything = np.frombuffer(generator.bytes(count * dtype.itemsize), f"u{dtype.itemsize}")
    # One more than the bits of infinity is a signalling NaN.
    specials = bits(np.array([np.nan, -np.nan, np.inf, -np.inf, np.inf, -np.inf, -0.0]).astype(dtype))
    specials = (specials + np.array([0, 0, 0, 0, 1, 3, 0], specials.dtype))[generator.integers(0, 7, count)]
    usual = bits(generator.uniform(-4, 4, count).astype(dtype))
    kind = generator.choice(4, count, p=[0.6, 0.2, 0.15, 0.05])
    return from_bits(np.choose(kind, [usual, near, anything, specials]), dtype).reshape(shape)
