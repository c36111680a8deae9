"""Results in arrays of the caller's."""

import functools

import hard_sigmoid as hs
import numpy as np
import pytest
from layouts import each_layout, laid_out, memory, root
from oracle import BFLOAT16, DTYPES, FLOAT16, FLOAT32, FLOAT64, assert_same_bits, bits, defined, each_dtype, samples

ONNX = hs.HardSigmoid.ONNX
each_size = pytest.mark.parametrize("shape", [(4, 5, 6), (70, 41, 100)], ids=["small", "large"])


def expected(x):
    return defined(x, 0.2, 0.5)


def native(x):
    return x.astype(x.dtype.newbyteorder("="))


def holds(out, numbers):
    """Check the numbers in an array of any byte order."""
    assert_same_bits(native(out), numbers)


@each_dtype
def test_fresh_array(dtype):
    x = samples(dtype, (30, 40))
    out = np.empty_like(x)
    address = out.ctypes.data
    assert hs.hard_sigmoid(x, out, preset="onnx") is out
    assert out.ctypes.data == address
    holds(out, expected(x))
    keyword = np.empty_like(x)
    assert hs.hard_sigmoid(x, out=keyword, preset="onnx") is keyword
    holds(keyword, expected(x))
    method = np.empty_like(x)
    assert ONNX(x, method) is method
    holds(method, expected(x))


@each_size
@each_layout
@each_dtype
def test_layouts(dtype, layout, shape):
    x = samples(dtype, shape)
    out = laid_out(np.zeros(shape, dtype), layout)
    before = root(out).tobytes()
    assert ONNX(x, out) is out
    holds(out, expected(x))
    # What lies between the elements is as before.
    out[...] = 0
    assert root(out).tobytes() == before


@each_size
@each_layout
@each_dtype
def test_layouts_in_place(dtype, layout, shape):
    values = samples(dtype, shape)
    x = laid_out(values, layout)
    assert ONNX(x, x) is x
    holds(x, expected(values))
    view = x[:]
    ONNX(x, view)
    holds(x, expected(expected(values)))


@each_layout
@each_dtype
def test_layouts_of_both(dtype, layout):
    values = samples(dtype, (4, 5, 6))
    x, out = laid_out(values, layout), laid_out(np.zeros_like(values), layout)
    before = root(x).tobytes()
    ONNX(x, out)
    holds(out, expected(values))
    assert root(x).tobytes() == before


@each_layout
@each_dtype
def test_backward(dtype, layout):
    values, gradients = samples(dtype, (4, 5, 6)), samples(dtype, (4, 5, 6), seed=1)
    result = hs.backward(values, gradients, preset="onnx")
    out = laid_out(np.zeros_like(values), layout)
    assert hs.backward(values, gradients, out, preset="onnx") is out
    holds(out, result)
    x, grad = laid_out(values, layout), laid_out(gradients, layout)
    assert ONNX.backward(x, grad, out=x) is x
    holds(x, result)
    holds(grad, gradients)
    x = laid_out(values, layout)
    assert ONNX.backward(x, grad, out=grad) is grad
    holds(grad, result)
    holds(x, values)
    both = laid_out(values, layout)
    ONNX.backward(both, both, both)
    holds(both, hs.backward(values, values, preset="onnx"))


@each_dtype
def test_backward_broadcasts_the_inputs(dtype):
    x, grad = samples(dtype, (5, 1)), samples(dtype, (4, 1, 6), seed=1)
    result = hs.backward(np.broadcast_to(x, (4, 5, 6)).copy(), np.broadcast_to(grad, (4, 5, 6)).copy(), preset="onnx")
    out = np.empty((4, 5, 6), dtype)
    assert ONNX.backward(x, grad, out) is out
    holds(out, result)
    wide = np.empty((2, 4, 5, 6), dtype)
    ONNX.backward(x, grad, wide)
    holds(wide, np.broadcast_to(result, wide.shape))


@each_dtype
def test_x_is_broadcast_to_out(dtype):
    for shape in ((6,), (5, 1), (4, 1, 1), (1, 1, 1), (1,), ()):
        x = samples(dtype, shape)
        for order in "CF":
            out = np.empty((4, 5, 6), dtype, order)
            assert ONNX(x, out) is out
            holds(out, np.broadcast_to(expected(x), out.shape))


def test_python_numbers_are_broadcast_to_out():
    out = np.empty((3, 4))
    assert ONNX(0, out) is out
    assert np.all(out == 0.5)


WRONG_SHAPES = [((2, 3), (3,)), ((2, 3), (1, 3)), ((1, 3), (3,)), ((3,), ()), ((1,), ())]
WRONG_SHAPES += [((2, 3), (3, 2)), ((2, 3), (6,)), ((2,), (0,)), ((0,), (1,))]


@pytest.mark.parametrize("x_shape, out_shape", WRONG_SHAPES)
@each_dtype
def test_out_is_not_broadcast(dtype, x_shape, out_shape):
    x, out = samples(dtype, x_shape), memory(out_shape, dtype)
    before = out.tobytes()
    with pytest.raises(ValueError, match="shape"):
        ONNX(x, out)
    with pytest.raises(ValueError, match="shape"):
        ONNX.backward(x, x, out)
    assert out.tobytes() == before


@each_dtype
def test_no_dimensions(dtype):
    for number_type in (dtype, dtype.newbyteorder()):
        out = np.zeros((), number_type)
        assert ONNX(dtype.type(1), out) is out
        holds(out, expected(np.array(1, dtype)))
        assert ONNX(out, out) is out
        holds(out, expected(expected(np.array(1, dtype))))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0, 2)])
@each_dtype
def test_no_elements(dtype, shape):
    x, out = np.empty(shape, dtype), np.empty(shape, dtype)
    assert ONNX(x, out) is out
    assert ONNX.backward(x, x, out) is out


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@each_dtype
def test_subclasses_are_filled_and_returned(dtype, tmp_path):
    x = samples(dtype, (3, 4))
    file = np.memmap(tmp_path / "out", dtype, "w+", shape=(3, 4))
    assert ONNX(x, file) is file
    file.flush()
    assert (tmp_path / "out").read_bytes() == expected(x).tobytes()
    matrix = np.matrix(np.zeros_like(x), copy=False)
    assert ONNX(x, matrix) is matrix
    holds(np.asarray(matrix), expected(x))


@pytest.mark.parametrize("first, second", [(0, 1), (1, 0), (0, 7), (7, 0)])
@pytest.mark.parametrize("count", [50, 300_000])
@each_dtype
def test_shifted_overlap(dtype, count, first, second):
    buffer = samples(dtype, (count + 7,))
    before = buffer.copy()
    x, out = buffer[first : first + count], buffer[second : second + count]
    ONNX(x, out)
    holds(out, expected(before[first : first + count]))
    before[second : second + count] = out
    assert_same_bits(buffer, before)


VIEWS = {
    "reversed rows": lambda x: x[::-1],
    "reversed columns": lambda x: x[:, ::-1],
    "transposed": lambda x: x.T,
    "reversed and transposed": lambda x: x[::-1, ::-1].T,
    "swapped bytes": lambda x: x.view(x.dtype.newbyteorder()),
}
PARTS = {
    "row": lambda x: x[3],
    "first row": lambda x: x[:1],
    "column": lambda x: x[:, -1:],
    "number": lambda x: x[4:5, 4],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("side", [9, 600])
@each_dtype
def test_other_views_of_the_same_memory(dtype, side, view):
    x = samples(dtype, (side, side))
    result = expected(native(view(x)))
    ONNX(view(x), x)
    holds(x, result)
    x = samples(dtype, (side, side))
    out = view(x)
    ONNX(x, out)
    holds(out, expected(samples(dtype, (side, side))))


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("side", [9, 600])
@each_dtype
def test_broadcast_part_of_out(dtype, side, part):
    out = samples(dtype, (side, side))
    result = np.broadcast_to(expected(part(out)), out.shape)
    ONNX(part(out), out)
    holds(out, result)


@pytest.mark.parametrize("count", [50, 300_000])
@pytest.mark.parametrize("offset", [1, 2, 3, 5])
@each_dtype
def test_overlap_within_elements(dtype, offset, count):
    for first, second in ((0, offset), (offset, 0)):
        buffer = np.concatenate([samples(dtype, (count,)).view("u1"), np.zeros(offset, "u1")])
        size = count * dtype.itemsize
        x, out = buffer[first:][:size].view(dtype), buffer[second:][:size].view(dtype)
        result = expected(x.copy())
        ONNX(x, out)
        holds(out, result)


@pytest.mark.parametrize("dtype, code", [(FLOAT64, "i8"), (FLOAT32, "i2"), (FLOAT16, "i1")])
def test_integers_in_the_memory_of_out(dtype, code):
    out = samples(dtype, (600_000,))
    x = out.view(code)[: len(out)]
    result = expected(x.astype(dtype))
    ONNX(x, out)
    holds(out, result)


@pytest.mark.parametrize("views", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 2, 1)])
@pytest.mark.parametrize("count", [50, 300_000])
@each_dtype
def test_overlaps_of_backward(dtype, count, views):
    buffer = samples(dtype, (count + 2,))
    x, grad, out = (buffer[start : start + count] for start in views)
    result = hs.backward(x.copy(), grad.copy(), preset="onnx")
    assert hs.backward(x, grad, out, preset="onnx") is out
    holds(out, result)


def refused():
    x = np.zeros((2, 3), FLOAT32)
    others = [dtype for dtype in DTYPES if dtype.itemsize == 2]
    integers = [np.dtype(name) for name in ("?", "i4", "u4", "i8", "c8", "g", "O", "V4")]
    for dtype in others + integers:
        yield pytest.param(x, np.zeros((2, 3), dtype), TypeError, id=f"dtype {dtype}")
    yield pytest.param(x, np.zeros((2, 3)).tolist(), TypeError, id="list")
    yield pytest.param(x, (np.zeros((2, 3), FLOAT32),) * 2, TypeError, id="two")
    yield pytest.param(x, np.ma.zeros((2, 3), FLOAT32), TypeError, id="masked")
    yield pytest.param(x[0, 0], FLOAT32.type(0), TypeError, id="scalar")
    yield pytest.param(x, bytearray(24), TypeError, id="bytearray")
    yield pytest.param(x, np.broadcast_to(np.zeros(3, FLOAT32), (2, 3)), ValueError, id="broadcast")
    read_only = np.zeros((2, 3), FLOAT32)
    read_only.flags.writeable = False
    yield pytest.param(x, read_only, ValueError, id="read-only")
    yield pytest.param(x, np.frombuffer(bytes(24), FLOAT32).reshape(2, 3), ValueError, id="bytes")


@pytest.mark.parametrize("x, out, error", list(refused()))
def test_refused(x, out, error):
    before = np.array(out, copy=True).tobytes()
    with pytest.raises(error, match="out"):
        ONNX(x, out)
    with pytest.raises(error, match="out"):
        ONNX.backward(x, x, out)
    assert np.array(out, copy=True).tobytes() == before


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda x, out: hs.hard_sigmoid(x, out), TypeError),
        (lambda x, out: hs.hard_sigmoid(x, out, preset="keras"), ValueError),
        (lambda x, out: hs.hard_sigmoid(x, out, preset="onnx", alpha=0.2), TypeError),
        (lambda x, out: hs.hard_sigmoid(x, out, alpha=np.nan, beta=0), ValueError),
        (lambda x, out: ONNX(x, out, threads=0), ValueError),
        (lambda x, out: ONNX(x, out, backend="tpu"), ValueError),
        (lambda x, out: ONNX(x.astype(complex), out), TypeError),
        (lambda x, out: ONNX(x.astype(FLOAT64), out), TypeError),
        (lambda x, out: ONNX(np.ma.array(x), out), TypeError),
        (lambda x, out: ONNX.backward(x, x.astype(FLOAT64), out), TypeError),
        (lambda x, out: ONNX.backward(x, x[:7], out), ValueError),
        (lambda x, out: ONNX.backward(x, x, out, threads=0), ValueError),
    ],
)
@pytest.mark.parametrize("step", [1, -2])
def test_failed_calls_leave_out_as_it_is(call, error, step):
    out = memory((100,), FLOAT32)[::step]
    before = bits(out)
    with pytest.raises(error):
        call(np.zeros(out.shape, FLOAT32), out)
    np.testing.assert_array_equal(bits(out), before)


def test_a_shape_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"out has shape \(2,\).*\(3,\)"):
        hs.hard_sigmoid(np.zeros(3), np.zeros(2), preset="onnx")


def test_only_numbers_of_python_take_the_type_of_the_other():
    x = np.zeros(3, np.float32)
    assert hs.backward(x, 2, preset="onnx").tolist() == [np.float32(0.4)] * 3
    with pytest.raises(TypeError, match="float64"):
        hs.backward(x, np.float64(2), preset="onnx")


def test_a_tuple_of_one_array():
    x = np.zeros(3)
    out = np.empty(3)
    for call in (functools.partial(hs.hard_sigmoid, preset="onnx"), ONNX, functools.partial(ONNX.backward, x)):
        assert call(x, out=(out,)) is out
        assert_same_bits(call(x, out=(None,)), out)


@each_layout
@pytest.mark.parametrize("dtype", [FLOAT16, BFLOAT16, FLOAT32], ids=str)
def test_a_wider_type(dtype, layout):
    x = samples(dtype, (4, 5, 6))
    grad = samples(dtype, (4, 5, 6), seed=1)
    for wider in {FLOAT32, FLOAT64} - {dtype}:
        out = laid_out(np.zeros(x.shape, wider), layout)
        assert ONNX(x, out) is out
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(native(out), expected(x).astype(wider))
        assert ONNX.backward(x, grad, out) is out
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(native(out), ONNX.backward(x, grad).astype(wider))
        out = np.zeros((), wider)
        assert ONNX(x[0, 0, 0], out) is out


def test_a_wider_type_in_the_same_memory():
    out = np.zeros(300_000, FLOAT64)
    x = out.view(FLOAT32)[:300_000]
    x[...] = samples(FLOAT32, (300_000,))
    result = expected(x.copy())
    ONNX(x, out)
    np.testing.assert_array_equal(out, result)


@each_dtype
def test_python_numbers_take_the_type_of_out(dtype):
    for number_type in (dtype, dtype.newbyteorder()):
        out = np.zeros((2, 3), number_type)
        ONNX(0.3, out)
        holds(out, np.full((2, 3), ONNX(dtype.type(0.3))))
        ONNX.backward(0.3, 2, out)
        holds(out, np.full((2, 3), ONNX.backward(dtype.type(0.3), 2)))
    with pytest.raises(TypeError, match=r"numpy.asarray\(x, out.dtype\)"):
        ONNX([0.3], np.zeros(1, FLOAT32))


def test_a_subclass_with_functions_of_its_own_is_not_written():
    class Units(np.ndarray):
        def __array_ufunc__(self, *args, **kwargs):
            return NotImplemented

    out = np.full(3, 9.0)
    with pytest.raises(TypeError, match="functions of its own"):
        hs.hard_sigmoid(np.zeros(3), out.view(Units), preset="onnx")
    assert out.tolist() == [9.0] * 3


def test_elements_that_share_memory_are_refused():
    base = np.linspace(-2, 2, 100)
    windows = np.lib.stride_tricks.as_strided(base, (2, 99), (8, 8), writeable=True)
    repeated = np.lib.stride_tricks.as_strided(base, (2, 99), (0, 8), writeable=True)
    for out in (windows, repeated):
        for x in (out, np.zeros((2, 99))):
            with pytest.raises(ValueError, match="share memory"):
                hs.hard_sigmoid(x, out=out, preset="onnx")
    assert np.array_equal(base, np.linspace(-2, 2, 100))
