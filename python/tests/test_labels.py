"""Objects of pandas and xarray: labels are kept, and what has other labels is not combined."""

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import FLOAT16, FLOAT32, FLOAT64, assert_same_bits, samples

pd = pytest.importorskip("pandas")
xr = pytest.importorskip("xarray")

ONNX = hs.HardSigmoid.ONNX
each_float = pytest.mark.parametrize("dtype", [FLOAT16, FLOAT32, FLOAT64], ids=str)


def series(dtype=FLOAT32):
    return pd.Series(samples(dtype, (6,)), index=list("fedcba"), name="numbers")


def frame(dtype=FLOAT32):
    return pd.DataFrame(samples(dtype, (4, 6)), columns=list("fedcba"))


def data_array(dtype=FLOAT32):
    coordinates = {"row": [3, 1, 2, 0], "column": list("fedcba"), "scalar": 7}
    return xr.DataArray(samples(dtype, (4, 6)), coordinates, ("row", "column"), "numbers", {"attribute": 1})


MAKERS = [series, frame, data_array]
each_maker = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def assert_labels(y, x):
    """Check that the result is of the class of `x`, with its labels."""
    assert type(y) is type(x)
    if isinstance(x, xr.DataArray):
        assert y.dims == x.dims and y.coords.equals(x.coords) and y.name == x.name and y.attrs == x.attrs
    else:
        assert all(map(pd.Index.equals, y.axes, x.axes)) and getattr(y, "name", 0) == getattr(x, "name", 0)


@each_float
@each_maker
def test_labels_are_kept(make, dtype):
    x = make(dtype)
    values = np.array(x)
    for y in (ONNX(x), hs.hard_sigmoid(x, preset="onnx")):
        assert_labels(y, x)
        assert_same_bits(np.asarray(y), ONNX(values))
    for y in (ONNX.backward(x, 2.0), ONNX.backward(x, np.full_like(values, 2)), ONNX.backward(x, x * 0 + 2)):
        assert_labels(y, x)
    assert_same_bits(np.asarray(ONNX.backward(x, 2.0)), ONNX.backward(values, 2.0))
    y = ONNX.backward(np.ones_like(values), x)
    assert_labels(y, x)
    assert ONNX.saturation(x) == ONNX.saturation(values)
    out = np.empty_like(values)
    assert ONNX(x, out) is out
    assert_same_bits(np.array(x), values)


@each_maker
def test_labels_do_not_change_where_numpy_keeps_them(make):
    x = make(FLOAT64)
    assert_labels(ONNX(x), np.positive(x))


def test_the_result_shares_no_memory():
    for make in MAKERS:
        x = make()
        assert not np.may_share_memory(np.asarray(ONNX(x)), np.asarray(x))


REORDERED = [
    (series(), series()[::-1]),
    (series(), series().rename(index={"a": "z"})),
    (frame(), frame()[::-1]),
    (frame(), frame()[list("abcdef")]),
    (frame(), series()[::-1]),
    (series()[::-1], frame()),
    (data_array(), data_array().T),
    (data_array(), data_array().isel(row=[3, 2, 1, 0])),
    (data_array(), data_array()[:, ::-1]),
    (data_array(), data_array().rename(row="other")),
    (data_array(), data_array()[0, ::-1]),
    (data_array()[:, :4], data_array()[:, :4].T),
]


@pytest.mark.parametrize("x, grad", REORDERED)
def test_other_labels_are_refused(x, grad):
    for out in (None, np.empty((4, 6), FLOAT32)):
        with pytest.raises(ValueError, match="x and grad have different labels: align them"):
            ONNX.backward(x, grad, out)


@pytest.mark.parametrize("x, grad", [pair for pair in REORDERED if pair[0].ndim == pair[1].ndim])
def test_what_the_message_says_to_do(x, grad):
    with pytest.raises(ValueError) as error:
        ONNX.backward(x, grad)
    names = {"xarray": xr, "x": x, "grad": grad}
    exec(str(error.value).partition("as by ")[2].partition(", or pass")[0], names)
    x, grad = names["x"], names["grad"]
    y = ONNX.backward(x, grad)
    assert y.shape == x.shape == grad.shape
    assert_labels(y, x)
    with np.errstate(all="ignore"):
        assert_labels(y, np.multiply(x, grad))


def test_labels_that_agree():
    row = pd.Series(np.ones(6, FLOAT32), index=list("fedcba"))
    assert_labels(ONNX.backward(frame(), row), frame())
    assert_labels(ONNX.backward(row, frame()), frame())
    x = data_array()
    assert_labels(ONNX.backward(x, x[0]), x)
    assert_labels(ONNX.backward(x[0], x), x)
    # Without coordinates, the names of the dimensions tell what belongs together.
    assert_labels(ONNX.backward(x, x.drop_vars(["row", "column"])), x)
    assert_labels(ONNX.backward(x.drop_vars(["row", "column"]), x), x)
    with pytest.raises(ValueError, match="different labels"):
        ONNX.backward(x, frame())


def test_labels_for_another_shape():
    message = r"x has no labels for the result's shape \(3, 6\): pass numpy.asarray\(x\)"
    for x in (series(), data_array()[0]):
        with pytest.raises(ValueError, match=message):
            ONNX.backward(x, np.ones((3, 6), FLOAT32))


@pytest.mark.parametrize("dtype", ["Float64", "Int64", "category", "Sparse[float]"])
@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, None]], ids=["full", "NA"])
def test_types_of_pandas_are_refused(values, dtype):
    x = pd.Series(values).astype("Float64").astype("float64").astype(dtype if None not in values else "Float64")
    for thing in (x, x.to_frame()):
        with pytest.raises(TypeError, match=r'of pandas: pass x.astype\("float64"\)'):
            ONNX(thing)
    # What the message says to do.
    assert_same_bits(ONNX(x.astype("float64")).to_numpy(), ONNX(np.array([1.0, values[1] or np.nan])))


def test_other_classes_of_pandas_and_xarray():
    with pytest.raises(TypeError, match=r"Index.*pass numpy.asarray\(x\)"):
        ONNX(pd.Index([1.0, 2.0]))
    data = data_array().to_dataset()
    with pytest.raises(TypeError, match="Dataset.*map"):
        ONNX(data)
    assert_labels(data.map(ONNX)["numbers"], data_array())
    with pytest.raises(TypeError, match="no array of numbers"):
        ONNX(pd.Series([1.0, "a"], dtype=object))


def test_recipes_of_pandas():
    table, column = frame(), series()
    for y in (table.pipe(ONNX), table.transform(ONNX), table.apply(ONNX)):
        assert_labels(y, table)
        assert_same_bits(y.to_numpy(), ONNX(table.to_numpy()))
    assert_same_bits(column.pipe(ONNX).to_numpy(), ONNX(column.to_numpy()))
    # Element by element, in float64.
    assert column.transform(ONNX).dtype == FLOAT64
    out = column.to_numpy(copy=True)
    assert ONNX(column, out=out) is out


def test_quantities_in_a_data_array():
    pint = pytest.importorskip("pint")
    x = xr.DataArray(pint.UnitRegistry().Quantity(np.ones(3), "m"))
    with pytest.raises(TypeError, match="x.data is of pint.Quantity"):
        ONNX(x)
