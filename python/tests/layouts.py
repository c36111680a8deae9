"""Ways in which an array can lie in memory."""

import numpy as np
import pytest

GAP = 0xA5


def memory(shape, dtype, offset=0):
    """Return a contiguous array that starts some bytes after the start of its memory."""
    count = int(np.prod(shape))
    return np.full(offset + count * dtype.itemsize, GAP, np.uint8)[offset:].view(dtype).reshape(shape)


def field(shape, dtype):
    """Return a field of an array of structures, whose size is not a multiple of the field's."""
    return memory(shape, np.dtype([("before", "u1"), ("x", dtype), ("after", "u2")]))["x"]


# Each makes a writable array of three dimensions.
LAYOUTS = {
    "contiguous": memory,
    "fortran": lambda shape, dtype: memory(shape[::-1], dtype).T,
    "transposed": lambda shape, dtype: memory((shape[1], shape[2], shape[0]), dtype).transpose(2, 0, 1),
    "inner": lambda shape, dtype: memory([n + 3 for n in shape], dtype)[1:-2, :-3, 2:-1],
    "reversed": lambda shape, dtype: memory(shape, dtype)[::-1, ::-1, ::-1],
    "first and last axis reversed": lambda shape, dtype: memory(shape, dtype)[::-1, :, ::-1],
    "stepped": lambda shape, dtype: memory([3 * n for n in shape], dtype)[::3, 1::3, ::3],
    "stepped back": lambda shape, dtype: memory([2 * n for n in shape], dtype)[..., ::-2][::2, ::2],
    "column": lambda shape, dtype: memory((*shape, 3), dtype)[..., 1],
    "field": field,
    "misaligned": lambda shape, dtype: memory(shape, dtype, offset=1),
    "swapped bytes": lambda shape, dtype: memory(shape, dtype.newbyteorder()),
    "swapped bytes, fortran": lambda shape, dtype: memory(shape[::-1], dtype.newbyteorder()).T,
    "swapped bytes, field, reversed": lambda shape, dtype: field(shape, dtype.newbyteorder())[:, ::-1],
}

each_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def laid_out(values, layout):
    """Return an array of this layout with these values."""
    array = layout(values.shape, values.dtype)
    array[...] = values
    return array


def root(array):
    """Return the array that owns the memory of a view."""
    while array.base is not None:
        array = array.base
    return array
