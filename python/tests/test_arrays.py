"""The results for arrays of every dtype, shape and layout in memory."""

import hard_sigmoid as hs
import numpy as np
import pytest
from layouts import each_layout, laid_out, root
from oracle import (
    DTYPES,
    MOST_ULPS,
    PRESETS,
    assert_accurate,
    assert_same_bits,
    defined,
    distance,
    each_dtype,
    each_preset,
    exact,
    from_bits,
    is_nan,
    rounded,
    samples,
)

# One of one piece, and one that is computed by threads and in pieces.
each_size = pytest.mark.parametrize("shape", [(4, 5, 6), (70, 41, 100)], ids=["small", "large"])


def onnx(x, **options):
    return hs.hard_sigmoid(x, preset="onnx", **options)


def expected(x):
    return defined(x, 0.2, 0.5)


@each_preset
@each_dtype
def test_accurate(dtype, preset):
    if dtype.itemsize == 2:
        x = from_bits(np.arange(1 << 16), dtype)
    else:
        x = samples(dtype, (200_000,))
    assert_accurate(hs.hard_sigmoid(x, preset=preset), x, preset)


@each_preset
@each_dtype
def test_close_to_fractions(dtype, preset):
    x = samples(dtype, (2000,), seed=1)
    x = x[~is_nan(x)]
    nearest = np.array([rounded(exact(value, *PRESETS[preset]), dtype) for value in x])
    assert distance(hs.hard_sigmoid(x, preset=preset), nearest).max() <= MOST_ULPS.get((preset, dtype), 1)


PARAMETERS = [(0.2, 0.5), (1 / 6, 0.5), (-0.2, 0.5), (1, 0), (35000, -1000), (-1e-30, 0.9), (0.29, 1)]
CONSTANTS = [(0, 0.25), (0, -3), (0, 7), (-0.0, 1)]


@pytest.mark.parametrize("alpha, beta", PARAMETERS + CONSTANTS)
@each_dtype
def test_bits_are_as_defined(dtype, alpha, beta):
    x = samples(dtype, (20_000,))
    assert_same_bits(hs.hard_sigmoid(x, alpha=alpha, beta=beta), defined(x, alpha, beta))


@each_preset
@each_dtype
def test_presets_are_their_alpha_and_beta(dtype, preset):
    x = samples(dtype)
    alpha, beta = map(float, PRESETS[preset])
    assert_same_bits(hs.hard_sigmoid(x, preset=preset), hs.hard_sigmoid(x, alpha=alpha, beta=beta))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0, 2), (1,), (7,), (1001,), (3, 5), (2, 3, 4, 5), (1, 3) * 4])
@each_dtype
def test_shapes(dtype, shape):
    x = samples(dtype, shape)
    y = onnx(x)
    assert type(y) is np.ndarray
    assert_same_bits(y, expected(x))


before_numpy_2 = pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="NumPy 1 allows 32")


@pytest.mark.parametrize("dimensions", [32, pytest.param(64, marks=before_numpy_2)])
def test_as_many_dimensions_as_numpy_allows(dimensions):
    x = samples(np.dtype("f4"), (2, *[1] * (dimensions - 2), 3))
    assert_same_bits(onnx(x), expected(x))
    assert_same_bits(onnx(x[..., ::-1]), expected(x[..., ::-1]))


@each_dtype
def test_no_dimensions_give_a_scalar(dtype):
    for x in (np.array(0.5, dtype), dtype.type(0.5), samples(dtype, (3, 4))[1, 2]):
        y = onnx(x)
        assert type(y) is dtype.type
        assert_same_bits(y, expected(np.asarray(x)))
    # Not np.array(0.5, ...), in which ml_dtypes forgets to swap the bytes.
    swapped = np.array(0.5, dtype).astype(dtype.newbyteorder())
    assert type(onnx(swapped)) is dtype.type
    assert onnx(swapped) == onnx(dtype.type(0.5))


@each_size
@each_layout
@each_dtype
def test_layouts(dtype, layout, shape):
    values = samples(dtype, shape)
    x = laid_out(values, layout)
    before = root(x).tobytes()
    assert_same_bits(onnx(x), expected(values))
    assert hs.saturation(x, preset="onnx") == hs.saturation(values, preset="onnx")
    assert root(x).tobytes() == before


@each_size
@each_layout
@each_dtype
def test_layouts_backward(dtype, layout, shape):
    values, gradients = samples(dtype, shape), samples(dtype, shape, seed=1)
    x, grad = laid_out(values, layout), laid_out(gradients, layout)
    result = hs.backward(values, gradients, preset="onnx")
    before = root(x).tobytes(), root(grad).tobytes()
    for arguments in ((x, grad), (values, grad), (x, gradients)):
        assert_same_bits(hs.backward(*arguments, preset="onnx"), result)
    assert before == (root(x).tobytes(), root(grad).tobytes())


@each_dtype
def test_broadcast_views(dtype):
    row = samples(dtype, (6,))
    for x in (np.broadcast_to(row, (4, 5, 6)), np.broadcast_to(row[:, None], (5, 6, 4)), np.broadcast_to(row[3], (9,))):
        assert_same_bits(onnx(x), expected(x.copy()))


@each_dtype
def test_read_only(dtype):
    x = samples(dtype, (40, 50))
    x.flags.writeable = False
    for view in (x, x.T, x[::2, ::-3]):
        y = onnx(view)
        assert_same_bits(y, expected(view.copy()))
        assert y.flags.writeable


@each_dtype
def test_memmap_gives_an_array(dtype, tmp_path):
    values = samples(dtype, (30, 40))
    values.tofile(tmp_path / "x")
    for mode in ("r", "r+", "c"):
        x = np.memmap(tmp_path / "x", dtype, mode, shape=(30, 40))
        assert type(onnx(x)) is np.ndarray
        assert_same_bits(onnx(x), expected(values))
        assert_same_bits(onnx(x[::3, ::-2]), expected(values[::3, ::-2]))
        del x
    assert (tmp_path / "x").read_bytes() == values.tobytes()


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
@each_dtype
def test_result_keeps_the_memory_order(dtype, axes):
    x = samples(dtype, (4, 5, 6)).transpose(axes)
    grad = np.ones_like(x)
    y = onnx(x)
    assert y.strides == x.strides
    assert hs.backward(x, grad, preset="onnx").strides == x.strides
    assert onnx(x.astype(dtype.newbyteorder())).strides == x.strides
    assert onnx(x[::-1, :, ::-2]).strides == np.positive(x[::-1, :, ::-2]).strides


def test_the_memory_order_of_broadcast_arrays_is_that_of_numpy():
    a = np.ones((4, 5, 6), "f4")
    for x in (np.broadcast_to(a[0, 0], a.shape), np.broadcast_to(a[0, 0][:, None, None], (6, 4, 5)), a[:1].T):
        assert onnx(x).strides == np.positive(x).strides
    fortran = np.asfortranarray(a[0])
    for x, grad in ((a, fortran), (fortran, a), (a[0], fortran), (a.T, a.T[:1]), (a.T[:1], a.T), (a[:, :1], a[:1])):
        assert hs.backward(x, grad, preset="onnx").strides == np.multiply(x, grad).strides


@each_dtype
def test_result_is_new_memory_of_the_native_type(dtype):
    x = samples(dtype)
    for argument in (x, x.astype(dtype.newbyteorder())):
        y = onnx(argument)
        assert y.dtype == dtype and y.dtype.isnative
        assert y.flags.aligned and y.flags.writeable
        assert not np.may_share_memory(argument, y)


@pytest.mark.parametrize("threads", [None, 1, 2, 3, 64])
@each_dtype
def test_threads_do_not_change_the_results(dtype, threads):
    x = samples(dtype, (300_001,))
    assert_same_bits(onnx(x, threads=threads), expected(x))
    assert_same_bits(onnx(x[::-1], threads=threads), expected(x)[::-1])
    assert hs.saturation(x, preset="onnx", threads=threads) == hs.saturation(x, preset="onnx", threads=1)
    gradients = [hs.backward(x, x, preset="onnx", threads=n) for n in (threads, 1)]
    assert_same_bits(*gradients)


def test_dtypes_are_the_documented_ones():
    assert [onnx(np.zeros(1, dtype)).dtype for dtype in DTYPES] == DTYPES


def test_an_empty_array_is_aligned_to_nothing():
    x = np.ndarray((0,), np.float32, buffer=bytearray(8), offset=1)
    assert hs.hard_sigmoid(x, preset="onnx").shape == (0,)
    assert hs.backward(x, x, preset="onnx").shape == (0,)
    assert hs.saturation(x, preset="onnx").total == 0
