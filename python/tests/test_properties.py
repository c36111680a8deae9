"""Properties for any numbers, shapes, views and parameters."""

from fractions import Fraction

import hard_sigmoid as hs
import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import (
    DTYPES,
    FLOAT64,
    PRESETS,
    assert_same_bits,
    bits,
    defined,
    distance,
    exact,
    from_bits,
    is_inside,
    is_nan,
    quieted,
    rounded,
)

settings.register_profile("bounded", max_examples=150, deadline=None, derandomize=True)
settings.load_profile("bounded")

dtypes = st.sampled_from(DTYPES)
# Usual numbers, with which edges are hit, and others.
parameters = st.integers(-400, 400).map(lambda n: n / 100) | st.floats(-50, 50, allow_subnormal=False)


@st.composite
def functions(draw):
    """Return a function and its exact alpha and beta."""
    preset = draw(st.none() | st.sampled_from(sorted(PRESETS)))
    if preset is not None:
        return hs.HardSigmoid(preset), *PRESETS[preset]
    alpha, beta = draw(parameters), draw(parameters)
    assume(all(x == 0 or abs(x) > 1e-15 for x in (alpha, beta)))
    f = hs.HardSigmoid(alpha=alpha, beta=beta)
    # These are the presets, whose alpha is exactly a fifth or a sixth.
    return f, *PRESETS.get(f.preset, (Fraction(alpha), Fraction(beta)))


def integers(dtype):
    return hnp.from_dtype(np.dtype(f"u{dtype.itemsize}"))


@st.composite
def arrays(draw, dtype, shape):
    """Return an array of numbers between the edges of the presets or beyond, or of any bits."""
    if draw(st.booleans()):
        return draw(hnp.arrays(FLOAT64, shape, elements=st.floats(-5, 5))).astype(dtype)
    return from_bits(draw(hnp.arrays(f"u{dtype.itemsize}", shape, elements=integers(dtype))), dtype)


@st.composite
def views(draw, dtype):
    """Return any view of an array: sliced, reversed, transposed, broadcast."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=7))
    x = draw(arrays(dtype, shape))
    if draw(st.booleans()):
        x = x.astype(dtype.newbyteorder())
    x = x[draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))]
    x = np.asarray(x).transpose(draw(st.permutations(range(x.ndim))))
    if draw(st.booleans()):
        x = np.broadcast_to(x, (draw(st.integers(0, 3)), *x.shape))
    return x


@given(st.data(), dtypes, functions())
def test_views_give_the_results_of_contiguous_arrays(data, dtype, function):
    f, *_ = function
    x = data.draw(views(dtype))
    contiguous = np.array(x, dtype, order="C")
    before = contiguous.tobytes()
    y = f(x)
    assert y.shape == x.shape
    assert_same_bits(y, f(contiguous))
    assert_same_bits(y, defined(contiguous, f.alpha, f.beta))
    assert f.saturation(x) == f.saturation(contiguous)
    grad = data.draw(arrays(dtype, x.shape))
    assert_same_bits(f.backward(x, grad), f.backward(contiguous, grad))
    assert_same_bits(f.backward(grad, x), f.backward(grad, contiguous))
    assert np.array(x, dtype, order="C").tobytes() == contiguous.tobytes() == before


@given(st.data(), dtypes, functions())
def test_results_are_from_0_to_1_or_the_nan(data, dtype, function):
    f, *_ = function
    x = data.draw(arrays(dtype, st.integers(0, 50)))
    y = f(x)
    nan = is_nan(x)
    assert_same_bits(y[nan], quieted(x[nan]))
    assert np.all((y[~nan] >= 0) & (y[~nan] <= 1))
    # No -0.
    assert not np.signbit(y[~nan]).any()


@given(st.data(), dtypes, functions())
def test_results_are_as_close_as_promised(data, dtype, function):
    f, alpha, beta = function
    x = data.draw(arrays(dtype, st.integers(1, 8)))
    x = x[~is_nan(x)]
    unit = Fraction(1, 2**53 if dtype == FLOAT64 else 2**24)
    # A preset's beta/alpha is exact.
    shift = 0 if f.preset is not None or alpha == 0 else abs(beta)
    for value, result in zip(x, f(x)):
        y = exact(value, alpha, beta)
        error = (shift * unit + 3 * unit * y) * Fraction(1.000001) + Fraction(1, 2**149)
        assert rounded(max(y - error, Fraction(0)), dtype) <= result <= rounded(min(y + error, Fraction(1)), dtype)


@given(st.data(), dtypes, functions())
def test_monotone(data, dtype, function):
    f, alpha, _ = function
    x = data.draw(arrays(dtype, st.integers(0, 50)))
    y = f(np.sort(x[~is_nan(x)])).astype(np.float64)
    assert np.all(np.diff(y if alpha >= 0 else y[::-1]) >= 0)


@given(st.data(), dtypes, functions())
def test_saturation_counts_the_results(data, dtype, function):
    f, *_ = function
    x = data.draw(arrays(dtype, st.integers(0, 100)))
    y = f(x)
    nan = is_nan(y)
    inside = (y[~nan] > 0) & (y[~nan] < 1)
    counts = f.saturation(x)
    assert counts == (np.sum(y == 0), np.sum(y == 1), np.sum(inside), np.sum(nan))
    assert counts.total == x.size
    assert counts.fraction == np.sum((y == 0) | (y == 1)) / max(x.size, 1)


@st.composite
def near_an_edge(draw, dtype, alpha, beta):
    """Return numbers next to the x at which alpha*x + beta is 0 or 1."""
    edge = (draw(st.sampled_from([0, 1])) - beta) / alpha if alpha else Fraction(0)
    steps = draw(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
    with np.errstate(over="ignore"):
        start = bits(dtype.type(float(edge))).astype(np.uint64)
    return from_bits((start + np.array(steps).astype(np.uint64)).astype(f"u{dtype.itemsize}"), dtype)


@given(st.data(), dtypes, functions())
def test_backward_has_exact_edges(data, dtype, function):
    f, alpha, beta = function
    x = data.draw(near_an_edge(dtype, alpha, beta) | arrays(dtype, st.integers(1, 8)))
    grad = data.draw(hnp.arrays(FLOAT64, x.shape, elements=st.floats(-100, 100))).astype(dtype)
    inside = np.array([is_inside(value, alpha, beta) for value in x])
    expected = [rounded(alpha * Fraction(float(g)) if i else Fraction(0), dtype) for g, i in zip(grad, inside)]
    result = f.backward(x, grad)
    assert distance(result, np.array(expected, dtype)).max() <= 1
    # Also where the gradient is not a number, or is 0 by underflow above.
    assert_same_bits(f.backward(x, np.ones_like(x)) != 0, inside)
    nan = from_bits(bits(np.full_like(x, np.nan)) | 1, dtype)
    assert_same_bits(f.backward(x, nan), np.where(inside, nan, dtype.type(0)))
    y = f(x)
    with np.errstate(invalid="ignore"):
        open_interval = (y > 0) & (y < 1) & (alpha != 0)
    result = f.backward(y, np.ones_like(y), from_output=True)
    assert_same_bits(result != 0, open_interval)


@given(st.data(), dtypes, st.sampled_from([60, 1000]))
def test_overlapping_arrays_are_as_if_they_were_not(data, dtype, size):
    buffer = from_bits(np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 1 << 15, size), dtype)
    if data.draw(st.booleans()):
        buffer = np.linspace(-4, 4, size).astype(dtype)
    count = data.draw(st.integers(0, size // 4))

    def part():
        step = data.draw(st.sampled_from([1, 2, 3, -1, -2, -3]))
        start = data.draw(st.integers(0, size - abs(step) * count))
        x = buffer[start : start + abs(step) * count : abs(step)]
        return x if step > 0 else x[::-1]

    x, grad, out = part(), part(), part()
    after = buffer.copy()
    address = (out.ctypes.data - buffer.ctypes.data) // buffer.itemsize
    positions = address + np.arange(count) * (out.strides[0] // buffer.itemsize)
    backward = data.draw(st.booleans())
    arguments = (x, grad) if backward else (x,)
    call = hs.HardSigmoid.ONNX.backward if backward else hs.HardSigmoid.ONNX
    after[positions] = call(*(argument.copy() for argument in arguments))
    assert call(*arguments, out=out) is out
    assert_same_bits(buffer, after)
