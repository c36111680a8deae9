"""Arguments that are not simply contiguous arrays of a native dtype.

`_native` computes the others itself. Here everything else is converted, or cut by `numpy.nditer` into contiguous
pieces, or refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.ma as ma
from numpy.lib.array_utils import byte_bounds

from . import _labels
from ._results import Saturation

# Elements of a piece: as much as a core's own cache holds, and enough for the call to cost nothing.
_PIECE = 1 << 18
_FLOATS: tuple[Any, ...] = (np.float16, np.float32, np.float64)
_SUPPORTED = "float16, float32, float64 or ml_dtypes.bfloat16"

_Array = np.ndarray[Any, np.dtype[Any]]


# What `_native` does with flat arrays, the last of which it writes. It returns False, or None, if they are not flat.
_Compute = Callable[..., Any]


def apply(compute: _Compute, x: Any, out: Any) -> Any:
    """Return the function of `x`."""
    return _run(compute, {"x": x}, out)


def backward(compute: _Compute, x: Any, grad: Any, out: Any) -> Any:
    """Return the gradient with respect to x."""
    return _run(compute, {"x": x, "grad": grad}, out)


def saturation(compute: _Compute, x: Any) -> Saturation:
    """Count the results for `x`."""
    x = _array(x, "x")
    dtype = _result_type(x, "x")
    x = _converted(x, dtype)
    counts = [0, 0, 0, 0]
    for pieces in _pieces([x], [dtype], []):
        counts = [a + b for a, b in zip(counts, _contiguous(compute(*pieces)))]
    return Saturation(*counts)


def flat(x: Any, dtype: Any, name: str = "x") -> _Array:
    """Return `x` as a contiguous array of `dtype`, or of its own type if that is None."""
    x = _array(x, name)
    own = _result_type(x, name)
    try:
        wanted = own if dtype is None else np.dtype(dtype).newbyteorder("=")
    except TypeError:
        raise TypeError(f"dtype is {dtype!r}: use {_SUPPORTED}") from None
    if not _is_float(wanted):
        raise TypeError(f"dtype is {wanted}: use {_SUPPORTED}")
    return np.require(_plain(x), wanted, ["C", "A"]).reshape(-1)


def _run(compute: _Compute, arguments: dict[str, Any], out: Any) -> Any:
    if isinstance(out, tuple) and len(out) == 1:
        # As NumPy's functions pass it on.
        (out,) = out
    labelled = {name: x for name, x in arguments.items() if _labels.has_labels(x)}
    _labels.check(labelled)
    # Python's numbers take the type of the others, as in NumPy, or that of out.
    numbers = [name for name, x in arguments.items() if type(x) in (int, float)]
    arrays = {name: _array(x, name) for name, x in arguments.items() if name not in numbers}
    dtypes = {name: _result_type(x, name) for name, x in arrays.items()}
    typed = list(dtypes.values())
    if not typed and isinstance(out, np.ndarray) and _is_float(out.dtype):
        typed = [out.dtype.newbyteorder("=")]
    dtype = typed[0] if typed else np.dtype(np.float64)
    arrays = {name: np.asarray(x, dtype) if name in numbers else arrays[name] for name, x in arguments.items()}
    for name, other in dtypes.items():
        if other != dtype:
            of_x, of_other = arrays["x"].dtype, arrays[name].dtype
            remedy = f"convert one of them, as by numpy.asarray({name}, x.dtype)"
            raise TypeError(f"x has dtype {of_x} and {name} has {of_other}: {remedy}")
    inputs = [_converted(x, dtype) for x in arrays.values()]
    try:
        shape = _broadcast(*(x.shape for x in inputs))
    except ValueError:
        shapes = " and ".join(f"{name} has shape {x.shape}" for name, x in arrays.items())
        raise ValueError(f"{shapes}: pass arrays of one shape, or of shapes that broadcast") from None
    if out is None:
        result = _new(inputs, dtype)
    else:
        _check_out(out, dtype, shape)
        result = _plain(out)
        inputs = [*(_apart(x, result, False) for x in inputs[:-1]), _apart(inputs[-1], result, True)]
    if not compute(*inputs, result):
        for pieces in _pieces(inputs, [dtype] * len(inputs), [result]):
            _contiguous(compute(*pieces))
    if out is not None:
        return out
    return _labels.with_labels(labelled, result) if labelled else _wrapped(list(arrays.values()), result)


def _new(inputs: list[_Array], dtype: np.dtype[Any]) -> _Array:
    """Return a new array in the memory order that NumPy's functions choose for these inputs."""
    op_flags: Any = [["readonly"]] * len(inputs) + [["writeonly", "allocate"]]
    flags: Any = ["zerosize_ok"]
    array = np.nditer([*inputs, None], flags, op_flags, [*(x.dtype for x in inputs), dtype], order="K").operands[-1]
    return array


def _pieces(inputs: list[_Array], dtypes: Sequence[Any], outputs: list[_Array]) -> Any:
    """Iterate over contiguous pieces of all arrays at the same time."""
    read = ["readonly", "aligned", "nbo", "contig"]
    write = ["writeonly", "no_broadcast", "aligned", "nbo", "contig"]
    # NumPy's stubs do not know "contig".
    op_flags: Any = [read] * len(inputs) + [write] * len(outputs)
    iterator = np.nditer(
        [*inputs, *outputs],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=op_flags,
        op_dtypes=[*dtypes, *dtypes[: len(outputs)]],
        order="K",
        casting="same_kind",
        buffersize=_PIECE,
    )
    with iterator:
        for pieces in iterator:
            yield pieces if isinstance(pieces, tuple) else (pieces,)


def _contiguous(result: Any) -> Any:
    if result is None or result is False:
        raise RuntimeError("NumPy gave a piece that is not contiguous; please report this")
    return result


def _array(x: Any, name: str) -> _Array:
    """Return an array, without a copy if `x` allows it."""
    if type(x) is np.ndarray:
        return x
    if isinstance(x, ma.MaskedArray):
        remedy = f"pass {name}.data, and make numpy.ma.array(result, mask={name}.mask); or pass {name}.compressed()"
        _no_array(name, "is a masked array", remedy)
    # Arrays of xarray have the method, too, but a graph only around a Dask array.
    if hasattr(type(x), "__dask_graph__") and x.__dask_graph__() is not None:
        remedy = 'map_blocks, or map_partitions, or to xarray.apply_ufunc with dask="parallelized"'
        _no_array(name, "is a Dask collection", f"pass this function to {remedy}")
    if _labels.has_labels(x):
        return _array(_labels.numbers(x, name), f"{name}.data")
    if _labels.has_own_functions(x):
        _no_array(name, f"is of {_type(x)}, which has functions of its own", _labels.remedy(x, name))
    if isinstance(x, np.ndarray):
        return x
    if hasattr(type(x), "__dlpack__") and not hasattr(type(x), "__array__"):
        array: _Array = np.from_dlpack(x)
        return array
    try:
        return np.asarray(x)
    except TypeError as error:
        if type(x).__module__.partition(".")[0] == "torch" and "BFloat16" in str(error):
            remedy = "pass tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)"
            _no_array(name, "is a bfloat16 tensor, which PyTorch does not convert", remedy)
        raise


def _no_array(name: str, what: str, remedy: str) -> NoReturn:
    raise TypeError(f"{name} {what}: {remedy}")


def _type(x: Any) -> str:
    return f"{type(x).__module__}.{type(x).__qualname__}"


def _plain(x: _Array) -> _Array:
    return x if type(x) is np.ndarray else x.view(np.ndarray)


def _converted(x: _Array, dtype: np.dtype[Any]) -> _Array:
    """Return `x` as it can be iterated over: before NumPy 2.3, pieces without dimensions were not converted."""
    return _plain(x) if x.ndim else _plain(x).astype(dtype)


def _result_type(x: _Array, name: str) -> np.dtype[Any]:
    """Return the dtype of the result: the float that NumPy's functions give, in native byte order."""
    if _is_float(x.dtype):
        return x.dtype.newbyteorder("=")
    if x.dtype.kind in "biu":
        return np.result_type(x.dtype, np.float16)
    if x.dtype.kind == "O":
        raise TypeError(f"{name} is no array of numbers: pass {_SUPPORTED}, or integers")
    raise TypeError(f"{name} has dtype {x.dtype}: convert it to {_SUPPORTED} with astype")


def _is_float(dtype: np.dtype[Any]) -> bool:
    bfloat16 = getattr(sys.modules.get("ml_dtypes"), "bfloat16", None)
    return dtype.type in _FLOATS or bfloat16 is not None and dtype.type is bfloat16


def _check_out(out: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    if not isinstance(out, np.ndarray) or isinstance(out, ma.MaskedArray):
        remedy = "pass a numpy.ndarray, for example tensor.numpy() for a tensor, or out.data for a masked array"
        raise TypeError(f"out is of type {type(out).__name__}: {remedy}")
    _array(out, "out")
    if not (_is_float(out.dtype) and np.can_cast(dtype, out.dtype)):
        remedy = "pass out of that type or a wider float, or convert x, as by numpy.asarray(x, out.dtype)"
        raise TypeError(f"out has dtype {out.dtype}, but the result has {dtype}: {remedy}")
    try:
        fits = _broadcast(shape, out.shape) == out.shape
    except ValueError:
        fits = False
    if not fits:
        remedy = "pass out of that shape, or of one to which it broadcasts"
        raise ValueError(f"out has shape {out.shape}, but the result has {shape}: {remedy}")
    low, high = byte_bounds(out)
    if high - low < out.nbytes:
        raise ValueError("elements of out share memory: pass an array in which each has its own")
    if not out.flags.writeable:
        raise ValueError("out is read-only: pass an array that may be written")


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    # NumPy's function takes 32 dimensions only, although arrays have up to 64.
    return shapes[0] if len(set(shapes)) == 1 else np.broadcast_shapes(*shapes)


def _apart(x: _Array, out: _Array, in_place: bool) -> _Array:
    """Return `x`, or a copy if writing `out` would change what is yet to be read."""
    same = x.ctypes.data == out.ctypes.data and (x.shape, x.strides, x.dtype) == (out.shape, out.strides, out.dtype)
    return x if in_place and same or not np.may_share_memory(x, out) else x.copy()


def _wrapped(inputs: list[_Array], result: _Array) -> Any:
    """Return the result as NumPy's functions do: numbers for arrays without dimensions, and subclasses."""
    # Of equally important ones, the first subclass.
    x = max(inputs, key=lambda x: (getattr(x, "__array_priority__", 0), type(x) is not np.ndarray))
    if type(x) is not np.ndarray:
        result = x.__array_wrap__(result)
    return result[()] if type(result) is np.ndarray and not result.ndim else result
