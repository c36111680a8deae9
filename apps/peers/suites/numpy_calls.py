"""What numpy.tanh does with the same arguments: type, shape, class and memory order of results, and errors."""

import warnings

import numpy as np
from judge import BFLOAT16, DTYPES, Function
from layouts import LAYOUTS, laid_out
from oracle import defined, samples

SHAPE = (4, 5, 6)
FUNCTION = Function(1 / 5, 0.5)


class Tagged(np.ndarray):
    """A subclass that NumPy's functions keep."""


class Important(np.ndarray):
    """One that they prefer to others."""

    __array_priority__ = 10


class Convertible:
    """An object that becomes an array."""

    def __array__(self, dtype=None, copy=None):
        return np.array([0.5, -1.0], dtype)


def outcome(function, call):
    """Return what can be compared of a result, and the result."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = call(function)
    except (TypeError, ValueError) as error:
        return ("raises", TypeError if isinstance(error, TypeError) else ValueError), str(error)
    out = result if isinstance(result, tuple) else (result,)
    return ("returns", [(type(y), y.dtype.str, y.dtype.name, y.shape, y.strides) for y in out]), out


def inputs():
    """Yield the names of inputs, and functions that make them."""
    for dtype in DTYPES:
        for layout in LAYOUTS:
            yield (
                f"{dtype}, {layout}",
                lambda dtype=dtype, layout=layout: laid_out(samples(dtype, SHAPE), LAYOUTS[layout]),
            )
        for shape in ((), (0,), (3, 0), (0, 3), (1,), (7,), (1, 1, 1), (2, 1, 3), (2,) * 7):
            for order in "CF":
                yield f"{dtype} {shape} {order}", lambda d=dtype, s=shape, o=order: np.asarray(samples(d, s), order=o)
        yield f"{dtype}, scalar", lambda dtype=dtype: dtype.type(0.75)
        yield f"{dtype}, broadcast", lambda dtype=dtype: np.broadcast_to(samples(dtype, (5, 1)), SHAPE)
        yield f"{dtype}, broadcast number", lambda dtype=dtype: np.broadcast_to(dtype.type(0.75), SHAPE)
        yield f"{dtype}, read-only", lambda dtype=dtype: np.frombuffer(samples(dtype, (8,)).tobytes(), dtype)
        yield f"{dtype}, list of scalars", lambda dtype=dtype: list(samples(dtype, (4,)))
        for kind in (Tagged, Important, np.memmap, np.matrix, np.recarray):
            yield f"{dtype}, {kind.__name__}", lambda d=dtype, k=kind: samples(d, (4, 6)).T.view(k)
        yield f"{dtype}, Tagged scalar", lambda dtype=dtype: samples(dtype, ()).view(Tagged)
    for code in "?bBhHiIlLqQ":
        for shape in ((), (6,), (3, 4)):
            yield f"{code} {shape}", lambda code=code, shape=shape: np.ones(shape, code)
        yield f"{code}, swapped", lambda code=code: np.ones((3, 4), np.dtype(code).newbyteorder())[:, ::-1]
        yield f"{code}, scalar", lambda code=code: np.dtype(code).type(1)
    values = [True, 1, 0.5, -7, [], [[]], [1, 2], [0.5, 1], (1.5, 2), [[1, 2], [3, 4.5]], [True, False]]
    values += [[1, [2, 3]], [[1], [2, 3]], "1.5", b"1", ["a"], None, [None], {}, object(), {1.0}, slice(1)]
    values += [Convertible(), range(4), memoryview(bytes(4)), bytearray(4), np.zeros(3, "U4"), np.zeros(3, "S4")]
    values += [np.zeros(3, "M8[s]"), np.zeros(3, "m8[s]"), np.zeros(3, "V4"), np.zeros(3, [("a", "f4")])]
    values += [np.array([None, 1], object), np.array([0.5, 1], object)]
    for value in values:
        yield f"{type(value).__name__} {value!r}"[:60], lambda value=value: value


def outputs():
    """Yield names and calls with out=, each of which makes its own arrays."""
    for dtype in DTYPES:
        wider = [kind for kind in DTYPES if np.can_cast(dtype, kind, "safe")]
        for kind in [*wider, np.dtype(np.int32), np.dtype(bool)]:
            for layout in LAYOUTS:
                yield (
                    f"{dtype} to {kind}, {layout}",
                    lambda f, d=dtype, k=kind, n=layout: f(
                        samples(d, SHAPE), out=laid_out(np.zeros(SHAPE, k), LAYOUTS[n])
                    ),
                )
        for shape in ((), (1,), (6,), (5, 1), (4, 1, 6), (1, 4, 5, 6), (2, 4, 5, 6), (0,), (5,), (4, 5), (3, 5, 6)):
            yield f"{dtype} {shape} to {SHAPE}", lambda f, d=dtype, s=shape: f(samples(d, s), out=np.zeros(SHAPE, d))
            yield f"{dtype} {SHAPE} to {shape}", lambda f, d=dtype, s=shape: f(samples(d, SHAPE), out=np.zeros(s, d))
        for number in (1, 0.5):
            yield f"{number} to {dtype}", lambda f, d=dtype, n=number: f(n, out=np.zeros(3, d))

        def in_place(f, change, d=dtype):
            x = samples(d, (6, 6))
            return f(change(x)[0], out=change(x)[1])

        for name, change in {
            "itself": lambda x: (x, x),
            "a view of itself": lambda x: (x, x[:]),
            "transposed": lambda x: (x, x.T),
            "reversed": lambda x: (x, x[::-1]),
            "shifted": lambda x: (x[1:], x[:-1]),
            "shifted back": lambda x: (x[:-1], x[1:]),
            "a row": lambda x: (x[0], x),
        }.items():
            yield f"{dtype} in place, {name}", lambda f, c=change, run=in_place: run(f, c)
        for name, out in {
            "None": lambda x: None,
            "a tuple": lambda x: (np.empty_like(x),),
            "(None,)": lambda x: (None,),
            "a list": lambda x: [0.0] * 6,
            "a number": lambda x: 1.0,
            "a scalar": lambda x: x[0],
            "read-only": lambda x: np.frombuffer(bytes(x.nbytes), x.dtype),
            "Tagged": lambda x: np.empty_like(x).view(Tagged),
        }.items():
            yield f"{dtype}, out is {name}", lambda f, d=dtype, o=out: f(samples(d, (6,)), out=o(samples(d, (6,))))
        yield f"{dtype}, out by position", lambda f, d=dtype: f(samples(d, (6,)), np.empty(6, d))
        yield f"{dtype}, Tagged to ndarray", lambda f, d=dtype: f(samples(d, (6,)).view(Tagged), out=np.empty(6, d))
    yield "no argument", lambda f: f()
    yield "three arguments", lambda f: f(np.ones(3), np.ones(3), np.ones(3))
    yield "x by name", lambda f: f(x=np.ones(3))
    yield "an unknown keyword", lambda f: f(np.ones(3), axis=0)


# NumPy computes these, or raises ValueError. README says that the package raises TypeError.
DOCUMENTED = {
    "where=": lambda f: f(np.ones(3), where=np.array([True, False, True])),
    "dtype=": lambda f: f(np.ones(3), dtype=np.float32),
    "order=": lambda f: f(np.ones((3, 3)), order="F"),
    "subok=": lambda f: f(np.ones(3), subok=False),
    "casting=": lambda f: f(np.ones(3), casting="no"),
    "a masked array": lambda f: f(np.ma.masked_array([1.0, 2.0], [True, False])),
    "complex numbers": lambda f: f(np.ones(3, complex)),
    "Python's complex": lambda f: f(1j),
    "a narrower out": lambda f: f(np.ones(3), out=np.ones(3, np.float32)),
    "out of the other type of 16 bits": lambda f: f(np.ones(3, np.float16), out=np.ones(3, BFLOAT16)),
    "no out in a tuple": lambda f: f(np.ones(3), out=()),
    "two outs in a tuple": lambda f: f(np.ones(3), out=(np.ones(3), np.ones(3))),
    "an out of text": lambda f: f(np.ones(3), out=np.zeros(3, "U4")),
    "a complex out": lambda f: f(np.ones(3), out=np.ones(3, complex)),
    "long double": lambda f: f(np.ones(3, np.longdouble)),
}


def calls(tally):
    tally.version = np.__version__
    named = [(name, lambda f, make=make: f(make()), make) for name, make in inputs()]
    named += [(name, call, None) for name, call in outputs()]
    for name, call, make in named:
        theirs, _ = outcome(np.tanh, call)
        own, results = outcome(FUNCTION.own, call)
        tally.expect(own == theirs, f"{name}: {own} instead of {theirs}; {results if own[0] == 'raises' else ''}")
        if make and own[0] == "returns":
            x = np.asarray(make())
            native = x.astype(results[0].dtype)
            tally.compare(name, FUNCTION, native, defined(native, 0.2, 0.5), results[0])
    for name, call in DOCUMENTED.items():
        theirs, _ = outcome(np.tanh, call)
        own, text = outcome(FUNCTION.own, call)
        tally.expect(own == ("raises", TypeError) != theirs, f"{name}: {own}, {text}; NumPy: {theirs}")
