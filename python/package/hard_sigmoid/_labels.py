"""Objects of pandas and xarray, whose labels the result keeps, and classes with functions of their own.

A class with an `__array_ufunc__` of its own, or with None for it, says that a NumPy array is not what NumPy's functions
make of it: units would be lost, or names. So it is refused, whether it is a subclass of `numpy.ndarray` or not. What is
read all the same is listed in `_LABELLED`, and gets its labels back. A class without `__array_ufunc__`, such as
`torch.Tensor`, says nothing, and is converted.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

_PANDAS = ("pandas.Series", "pandas.DataFrame")
_LABELLED = (*_PANDAS, "xarray.DataArray")
_REMEDIES = {"pint.Quantity": 'pass {}.m_as(""), without a unit', "xarray.Dataset": "pass this function to its map"}


def has_labels(x: Any) -> bool:
    return _is_a(x, _LABELLED)


def has_own_functions(x: Any) -> bool:
    return getattr(type(x), "__array_ufunc__", np.ndarray.__array_ufunc__) is not np.ndarray.__array_ufunc__


def remedy(x: Any, name: str) -> str:
    """Return what to pass instead of `x`, which has functions of its own."""
    known = [text for of, text in _REMEDIES.items() if _is_a(x, (of,))]
    return known[0].format(name) if known else f"pass numpy.asarray({name})"


def numbers(x: Any, name: str) -> Any:
    """Return what an object with labels holds: an array, or what xarray has in place of one."""
    if not _is_a(x, _PANDAS):
        return x.data
    for dtype in [x.dtype] if x.ndim == 1 else x.dtypes:
        # NA would become NaN, a category its number, and a unit would be lost.
        if not isinstance(dtype, np.dtype):
            raise TypeError(f'{name} has dtype {dtype} of pandas: pass {name}.astype("float64")')
    return np.asarray(x)


def check(labelled: dict[str, Any]) -> None:
    """Refuse objects whose labels differ. NumPy's functions would bring their elements together by the labels."""
    for (first, a), (second, b) in combinations(labelled.items(), 2):
        if all(map(_matches, reversed(_axes(a)), reversed(_axes(b)))):
            continue
        align = f'{first}.align({second}, join="inner")'
        if not _is_a(a, _PANDAS):
            align = f'xarray.broadcast(*xarray.align({first}, {second}, join="inner"))'
        remedy = f"align them, as by {first}, {second} = {align}, or pass numpy.asarray of one of them"
        raise ValueError(f"{first} and {second} have different labels: {remedy}")


def with_labels(labelled: dict[str, Any], result: np.ndarray[Any, Any]) -> Any:
    """Return the result with the labels of the first of these objects that has its shape."""
    # Of two DataArrays, one may have no coordinates.
    fitting = [x for x in labelled.values() if x.shape == result.shape]
    for x in sorted(fitting, key=lambda x: 0 if _is_a(x, _PANDAS) else -len(x.indexes)):
        if not _is_a(x, _PANDAS):
            return x.copy(deep=False, data=result)
        labels = {"index": x.index, "name": x.name} if x.ndim == 1 else {"index": x.index, "columns": x.columns}
        return x._constructor(result, copy=False, **labels).__finalize__(x)
    remedy = " and ".join(f"numpy.asarray({name})" for name in labelled)
    raise ValueError(f"{' and '.join(labelled)} has no labels for the result's shape {result.shape}: pass {remedy}")


def _axes(x: Any) -> list[tuple[Any, Any]]:
    """Return the name and the labels of each axis, or None where it has none."""
    if _is_a(x, _PANDAS):
        return [(None, labels) for labels in x.axes]
    return [(name, x.indexes.get(name)) for name in x.dims]


def _matches(a: tuple[Any, Any], b: tuple[Any, Any]) -> bool:
    """Whether two axes have the same name, and the same labels unless one has none."""
    return bool(a[0] == b[0] and (a[1] is None or b[1] is None or a[1].equals(b[1])))


def _is_a(x: Any, names: tuple[str, ...]) -> bool:
    """Whether `x` is of one of these classes, which are named without importing them."""
    return any(f"{of.__module__.partition('.')[0]}.{of.__name__}" in names for of in type(x).__mro__)
