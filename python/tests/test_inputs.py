"""What may be passed instead of an array of floats, and what may not."""

import hard_sigmoid as hs
import ml_dtypes
import numpy as np
import pytest
from oracle import BFLOAT16, DTYPES, FLOAT16, FLOAT32, FLOAT64, assert_same_bits, bits, defined, each_dtype, samples

ONNX = hs.HardSigmoid.ONNX


def expected(x):
    return defined(x, 0.2, 0.5)


@pytest.mark.parametrize("code", "?bBhHiIlLqQ")
def test_integers_and_bools(code):
    generator = np.random.default_rng(0)
    x = np.frombuffer(generator.bytes(1000 * np.dtype(code).itemsize), code.replace("?", "b")).astype(code)
    x = np.where(generator.random(len(x)) < 0.5, x, generator.integers(0, 4, len(x)).astype(code))
    before = x.copy()
    dtype = np.sqrt(x[:0]).dtype
    y = ONNX(x)
    assert_same_bits(y, expected(x.astype(dtype)))
    for view in (x[::-2], x.astype(x.dtype.newbyteorder())):
        assert_same_bits(ONNX(view), expected(view.astype(dtype)))
    assert np.array_equal(x, before)
    assert_same_bits(ONNX.backward(x, x), ONNX.backward(x.astype(dtype), x.astype(dtype)))
    assert ONNX.saturation(x) == ONNX.saturation(x.astype(dtype))
    scalar = ONNX(np.dtype(code).type(1))
    assert type(scalar) is dtype.type
    assert_same_bits(scalar, expected(np.array(1, dtype)))
    out = np.empty(len(x), dtype)
    assert ONNX(x, out) is out
    assert_same_bits(out, y)


def test_integer_types_are_promoted_as_documented():
    dtypes = {code: ONNX(np.zeros(2, code)).dtype for code in ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")}
    assert [code for code, dtype in dtypes.items() if dtype == FLOAT16] == ["?", "i1", "u1"]
    assert [code for code, dtype in dtypes.items() if dtype == FLOAT32] == ["i2", "u2"]
    assert [code for code, dtype in dtypes.items() if dtype == FLOAT64] == ["i4", "u4", "i8", "u8"]


@pytest.mark.parametrize("x", [0.25, -0.0, 1, -7, float("inf"), 2**40])
def test_python_numbers(x):
    y = ONNX(x)
    assert type(y) is np.float64
    assert_same_bits(y, expected(np.array(float(x))))
    assert_same_bits(ONNX.backward(x, 3), np.float64(3 * 0.2 if abs(x) < 2.5 else 0))
    assert ONNX.saturation(x).total == 1


def test_python_bools_are_as_those_of_numpy():
    assert type(ONNX(True)) is type(np.sqrt(True)) is np.float16
    assert ONNX([True, False]).dtype == np.sqrt([True, False]).dtype == FLOAT16


@pytest.mark.parametrize("x", [[1.0, 0.5], [[1, 2, 3], [4, 5, 6]], (0.1, -0.1), [], [[], []], [np.nan, 3]])
def test_sequences(x):
    y = ONNX(x)
    assert type(y) is np.ndarray
    assert_same_bits(y, expected(np.array(x, FLOAT64)))


@pytest.mark.parametrize("dtype", [FLOAT32, BFLOAT16], ids=str)
def test_lists_of_numpy_numbers_keep_their_type(dtype):
    x = samples(dtype, (5,))
    assert_same_bits(ONNX(list(x)), expected(x))


@each_dtype
def test_numbers_take_the_type_of_the_other_argument(dtype):
    x = samples(dtype, (100,))
    assert_same_bits(ONNX.backward(x, 1), ONNX.backward(x, np.ones_like(x)))
    assert_same_bits(ONNX.backward(x, 0.3), ONNX.backward(x, np.full_like(x, 0.3)))
    assert_same_bits(ONNX.backward(1.5, x), ONNX.backward(np.full_like(x, 1.5), x))
    scalar = ONNX.backward(dtype.type(1), 1)
    assert type(scalar) is dtype.type


@pytest.mark.parametrize("first", DTYPES, ids=str)
@pytest.mark.parametrize("second", DTYPES, ids=str)
def test_backward_does_not_mix_types(first, second):
    x, grad = np.zeros(3, first), np.ones(3, second)
    if first == second:
        assert ONNX.backward(x, grad).dtype == first
    else:
        with pytest.raises(TypeError, match="dtype"):
            ONNX.backward(x, grad)


UNSUPPORTED = {
    "longdouble": np.zeros(2, np.longdouble),
    "complex64": np.zeros(2, np.complex64),
    "complex128": np.zeros(2, np.complex128),
    "object": np.array([1.0, 2.0], object),
    "str": np.array(["1.0", "2.0"]),
    "bytes": np.array([b"1.0", b"2.0"]),
    "datetime64": np.zeros(2, "M8[s]"),
    "timedelta64": np.zeros(2, "m8[s]"),
    "structured": np.zeros(2, [("x", "f4")]),
    "void": np.zeros(2, "V2"),
    "float8_e4m3fn": np.zeros(2, ml_dtypes.float8_e4m3fn),
    "float8_e5m2": np.zeros(2, ml_dtypes.float8_e5m2),
    "int4": np.zeros(2, ml_dtypes.int4),
    "no dimensions": np.array(1j),
    "no elements": np.zeros(0, complex),
    "strided": np.zeros((4, 4), complex)[::2, ::-1],
    "Python complex": 1j,
    "Python str": "0.5",
    "list of str": ["a", "b"],
    "None": None,
    "dict": {"x": 1.0},
    "class": float,
}


@pytest.mark.parametrize("x", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_unsupported_types(x):
    calls = [ONNX, ONNX.saturation, lambda x: ONNX.backward(x, x), lambda x: ONNX(x, np.zeros(2))]
    for call in calls:
        with pytest.raises(TypeError) as error:
            call(x)
        for dtype in DTYPES:
            assert str(dtype) in str(error.value)


def test_ragged_lists():
    with pytest.raises(ValueError, match="homogeneous"):
        ONNX([[1.0], [1.0, 2.0]])


def test_masked_arrays():
    x = np.ma.array([1.0, 2.0], mask=[True, False])
    for call in (ONNX, ONNX.saturation, lambda x: ONNX.backward(x, 1.0), lambda x: ONNX.backward(np.zeros(2), x)):
        with pytest.raises(TypeError, match="masked") as error:
            call(x)
        assert ".data" in str(error.value)
    # What the message says to do.
    with pytest.raises(TypeError) as error:
        ONNX(x)
    remedy = str(error.value).partition("make ")[2].partition(";")[0]
    y = eval(remedy, {"numpy": np, "x": x, "result": ONNX(x.data)})
    assert y.mask.tolist() == [True, False] and y.data.tolist() == ONNX([1.0, 2.0]).tolist()


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_matrix_stays_one():
    x = np.matrix([[1.0, -1.0], [0.5, 9.0]])
    for argument in (x, x.T, x[:, ::-1]):
        y = ONNX(argument)
        assert type(y) is np.matrix
        assert_same_bits(np.asarray(y), expected(np.array(argument)))
    assert type(ONNX.backward(x, np.ones((2, 2)))) is np.matrix
    assert type(ONNX.backward(np.ones((2, 2)), x)) is np.matrix
    # The one of higher priority, as in NumPy.
    for arguments in ((x, np.ones((2, 2)).view(Tagged)), (np.ones((2, 2)).view(Tagged), x)):
        assert type(ONNX.backward(*arguments)) is type(np.multiply(*arguments)) is np.matrix


class Tagged(np.ndarray):
    """Keeps a tag, as subclasses do with __array_finalize__."""

    tag = None

    def __array_finalize__(self, source):
        self.tag = getattr(source, "tag", None)


class Wrapping(np.ndarray):
    def __array_wrap__(self, array, context=None, return_scalar=False):
        return "wrapped", np.asarray(array)


class Overriding(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        raise AssertionError("not a ufunc")


class OptingOut(np.ndarray):
    __array_ufunc__ = None


def test_subclasses_wrap_the_result():
    values = samples(FLOAT32, (3, 4))
    x = values.view(Tagged)
    x.tag = "kept"
    for argument in (x, x[::2, ::-1]):
        y = ONNX(argument)
        assert type(y) is Tagged
        assert y.tag == "kept"
        assert_same_bits(np.asarray(y), expected(np.array(argument)))
        y = ONNX.backward(np.array(argument), argument)
        assert type(y) is Tagged and y.tag == "kept"
    word, y = ONNX(values.view(Wrapping))
    assert word == "wrapped"
    assert_same_bits(y, expected(values))
    out = np.empty_like(values)
    assert ONNX(values.view(Wrapping), out) is out


@pytest.mark.parametrize("subclass", [Overriding, OptingOut])
def test_subclasses_with_ufuncs_of_their_own(subclass):
    x = np.zeros(3).view(subclass)
    for call in (ONNX, ONNX.saturation, lambda x: ONNX.backward(x, 1.0), lambda x: ONNX.backward(np.zeros(3), x)):
        with pytest.raises(TypeError, match=subclass.__name__):
            call(x)


class WithArray:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class WithDLPack:
    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x.T, lambda x: x[::2, ::-1]], ids=["C", "F", "strided"])
@pytest.mark.parametrize(
    "wrapper, dtype",
    # NumPy's DLPack has no bfloat16.
    [(WithArray, dtype) for dtype in DTYPES] + [(WithDLPack, dtype) for dtype in DTYPES if dtype != BFLOAT16],
)
def test_objects_that_convert_themselves(wrapper, dtype, view):
    x = view(samples(dtype, (30, 40)))
    before = bits(x)
    y = ONNX(wrapper(x))
    assert type(y) is np.ndarray
    assert_same_bits(y, expected(x))
    out = np.empty_like(x)
    assert ONNX(wrapper(x), out) is out
    assert_same_bits(out, y)
    assert ONNX.saturation(wrapper(x)) == ONNX.saturation(x)
    assert_same_bits(ONNX.backward(wrapper(x), wrapper(x)), ONNX.backward(x, x))
    np.testing.assert_array_equal(bits(x), before)


def test_objects_that_convert_to_unsupported_types():
    with pytest.raises(TypeError, match="float16"):
        ONNX(WithArray(np.zeros(2, complex)))
    with pytest.raises(TypeError, match="float16"):
        ONNX(WithDLPack(np.zeros(2, complex)))


@pytest.mark.parametrize("wrapper", [WithArray, WithDLPack])
def test_objects_that_share_the_memory_of_out(wrapper):
    buffer = samples(FLOAT32, (1001,))
    result = expected(buffer[:-1].copy())
    ONNX(wrapper(buffer[:-1]), buffer[1:])
    assert_same_bits(buffer[1:], result)


class OptingOutAlone(WithArray):
    __array_ufunc__ = None


class OverridingAlone(WithArray):
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        raise AssertionError("not a ufunc")


@pytest.mark.parametrize("of", [OptingOutAlone, OverridingAlone])
def test_other_classes_with_ufuncs_of_their_own(of):
    x = of(np.zeros(3))
    for call in (ONNX, ONNX.saturation, lambda x: ONNX.backward(x, 1.0), lambda x: ONNX.backward(np.zeros(3), x)):
        with pytest.raises(TypeError, match=f"{of.__name__}.*functions of its own: pass numpy.asarray"):
            call(x)
    assert_same_bits(ONNX(np.asarray(x)), np.full(3, 0.5))


def test_quantities_with_a_unit_are_refused():
    pint = pytest.importorskip("pint")
    x = pint.UnitRegistry().Quantity(np.array([1.0, 2.0]), "m")
    for call in (ONNX, ONNX.saturation, lambda x: ONNX.backward(np.zeros(2), x)):
        with pytest.raises(TypeError, match=r'pass (x|grad)\.m_as\(""\)'):
            call(x)
    assert_same_bits(ONNX((x / x.units).m_as("")), expected(x.magnitude))


def test_dask_arrays_are_refused_with_a_remedy():
    x = pytest.importorskip("dask.array").zeros((4, 4), chunks=2)
    for call in (ONNX, ONNX.saturation, lambda x: ONNX.backward(x, 1.0)):
        with pytest.raises(TypeError, match="map_blocks"):
            call(x)
