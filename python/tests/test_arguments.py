"""How functions are named, and which arguments are refused."""

import copy
import functools
import inspect
import pickle
import pydoc
import weakref

import hard_sigmoid as hs
import numpy as np
import pytest
from oracle import FLOAT16, FLOAT32, FLOAT64, assert_same_bits, each_dtype, samples

X = np.linspace(-4, 4, 9, dtype=np.float32)

# Each takes the function's name as keywords.
CALLS = {
    "hard_sigmoid": lambda **name: hs.hard_sigmoid(X, **name),
    "backward": lambda **name: hs.backward(X, X, **name),
    "saturation": lambda **name: hs.saturation(X, **name),
    "validate": lambda **name: hs.validate(X, **name),
    "HardSigmoid": lambda **name: hs.HardSigmoid(**name),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
each_computing_call = pytest.mark.parametrize("call", list(CALLS.values())[:3], ids=list(CALLS)[:3])
FUNCTIONS = [
    hs.HardSigmoid("onnx"),
    hs.HardSigmoid("pytorch"),
    hs.HardSigmoid(alpha=-0.25, beta=1),
    hs.HardSigmoid(alpha=0, beta=0.5),
    hs.HardSigmoid(alpha=1e-30, beta=-0.0),
    hs.HardSigmoid(alpha=0.1 + 0.2, beta=1 / 3),
]
each_function = pytest.mark.parametrize("f", FUNCTIONS, ids=repr)


@pytest.mark.parametrize("name", [{}, {"alpha": 0.2}, {"beta": 0.5}, {"preset": None}, {"alpha": None, "beta": 0.5}])
@each_call
def test_a_function_must_be_named(call, name):
    with pytest.raises(TypeError) as error:
        call(**name)
    assert all(word in str(error.value) for word in ("onnx", "pytorch", "alpha", "beta"))


@pytest.mark.parametrize("other", [{"alpha": 0.2}, {"beta": 0.5}, {"alpha": 0.2, "beta": 0.5}], ids=str)
@each_call
def test_a_preset_excludes_alpha_and_beta(call, other):
    with pytest.raises(TypeError, match="preset.*alpha"):
        call(preset="onnx", **other)


@pytest.mark.parametrize("preset", ["", "ONNX", "torch", "keras", "onnx\0", "é"])
@each_call
def test_unknown_presets(call, preset):
    with pytest.raises(ValueError, match="onnx.*pytorch"):
        call(preset=preset)


@pytest.mark.parametrize("preset", [1, b"onnx", ["onnx"], hs.HardSigmoid.ONNX])
@each_call
def test_presets_are_strings(call, preset):
    with pytest.raises(TypeError):
        call(preset=preset)


@pytest.mark.parametrize(
    "alpha, beta, word",
    [
        (np.nan, 0.5, "alpha"),
        (np.inf, 0.5, "alpha"),
        (-np.inf, 0.5, "alpha"),
        (0.2, np.nan, "beta"),
        (0.2, -np.inf, "beta"),
        (1e-39, 0.5, "alpha"),
        (-1e300, 0.5, "alpha"),
        (1e-30, 1e10, "beta"),
        (1e30, 1e-10, "beta"),
    ],
)
@each_call
def test_parameters_that_cannot_be_used(call, alpha, beta, word):
    with pytest.raises(ValueError, match=word):
        call(alpha=alpha, beta=beta)


@pytest.mark.parametrize("alpha", ["0.2", 1j, [0.2], np.zeros(2)], ids=str)
@each_call
def test_parameters_are_numbers(call, alpha):
    with pytest.raises(TypeError):
        call(alpha=alpha, beta=0.5)


@each_computing_call
def test_numbers_of_numpy_are_parameters(call):
    expected = call(alpha=0.25, beta=1.0)
    for number in (FLOAT16.type, FLOAT32.type, FLOAT64.type):
        np.testing.assert_array_equal(call(alpha=number(0.25), beta=np.int64(1)), expected)


@pytest.mark.parametrize("backend", ["", "CPU", "cuda"])
@each_computing_call
def test_unknown_backends(call, backend):
    with pytest.raises(ValueError, match="auto.*cpu.*gpu"):
        call(preset="onnx", backend=backend)
    with pytest.raises(TypeError):
        call(preset="onnx", backend=None)


@pytest.mark.parametrize("backend", ["auto", "cpu"])
@each_computing_call
def test_backends_without_a_gpu(call, backend):
    np.testing.assert_array_equal(call(preset="onnx", backend=backend), call(preset="onnx"))


@pytest.mark.parametrize("threads", [0, -1, -(2**63)])
@each_computing_call
def test_no_threads(call, threads):
    with pytest.raises(ValueError, match="threads"):
        call(preset="onnx", threads=threads)


@pytest.mark.parametrize("threads", [1.0, "2", [1]])
@each_computing_call
def test_threads_are_an_integer(call, threads):
    with pytest.raises(TypeError):
        call(preset="onnx", threads=threads)
    np.testing.assert_array_equal(call(preset="onnx", threads=np.int32(2)), call(preset="onnx"))


ONNX = hs.HardSigmoid.ONNX
WRONG_SIGNATURES = {
    "no x": lambda: hs.hard_sigmoid(preset="onnx"),
    "x by name": lambda: hs.hard_sigmoid(x=X, preset="onnx"),
    "preset by position": lambda: hs.hard_sigmoid(X, None, "onnx"),
    "unknown name": lambda: hs.hard_sigmoid(X, preset="onnx", where=True),
    "backward without grad": lambda: hs.backward(X, preset="onnx"),
    "grad by name": lambda: hs.backward(X, grad=X, preset="onnx"),
    "from_output by position": lambda: hs.backward(X, X, None, True, preset="onnx"),
    "from_output without backward": lambda: hs.hard_sigmoid(X, preset="onnx", from_output=True),
    "saturation into out": lambda: hs.saturation(X, X, preset="onnx"),
    "validate x by name": lambda: hs.validate(x=X, preset="onnx"),
    "adapters of something": lambda: hs.adapters(X),
    "alpha by position": lambda: hs.HardSigmoid("onnx", 0.2),
    "object without x": lambda: ONNX(),
    "object with a preset": lambda: ONNX(X, preset="onnx"),
    "object x by name": lambda: ONNX(x=X),
    "object backend by position": lambda: ONNX(X, None, "cpu"),
    "object grad by name": lambda: ONNX.backward(X, grad=X),
}


@pytest.mark.parametrize("call", WRONG_SIGNATURES.values(), ids=WRONG_SIGNATURES)
def test_wrong_signatures(call):
    with pytest.raises(TypeError):
        call()


CALL = {
    "x": (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.empty),
    "out": (inspect.Parameter.POSITIONAL_OR_KEYWORD, None),
    "backend": (inspect.Parameter.KEYWORD_ONLY, "auto"),
    "threads": (inspect.Parameter.KEYWORD_ONLY, None),
}


def test_signatures_can_be_inspected():
    functions = [hs.hard_sigmoid, hs.backward, hs.saturation, hs.validate]
    names = {f: list(inspect.signature(f).parameters) for f in functions}
    common = ["preset", "alpha", "beta"]
    assert names[hs.hard_sigmoid] == ["x", "out", *common, "backend", "threads"]
    assert names[hs.backward] == ["x", "grad", "out", *common, "from_output", "backend", "threads"]
    assert names[hs.saturation] == ["x", *common, "backend", "threads"]
    assert names[hs.validate] == ["x", *common, "dtype", "backend", "backward", "ulp", "atol", "bits"]


def test_the_signature_of_an_object_is_that_of_its_call():
    for f in (hs.HardSigmoid("onnx"), hs.HardSigmoid(alpha=1, beta=0)):
        parameters = inspect.signature(f).parameters
        assert {name: (p.kind, p.default) for name, p in parameters.items()} == CALL
        arguments = inspect.getfullargspec(f)
        assert (arguments.args, arguments.kwonlyargs) == (["x", "out"], ["backend", "threads"])
        assert list(inspect.signature(functools.partial(f, threads=1)).parameters) == list(CALL)
    assert list(inspect.signature(hs.HardSigmoid).parameters) == ["preset", "alpha", "beta"]
    assert not hasattr(hs.HardSigmoid, "__signature__")
    assert "HardSigmoid(preset=None, *, alpha=None, beta=None)" in pydoc.plain(pydoc.render_doc(hs.HardSigmoid))


def test_objects_have_a_name_and_weak_references():
    f = hs.HardSigmoid("onnx")
    assert f.__name__ == "hard_sigmoid" and hs.HardSigmoid.__name__ == "HardSigmoid"
    assert functools.wraps(f)(lambda x: x).__name__ == "hard_sigmoid"
    reference = weakref.ref(f)
    assert reference() is f
    del f
    assert reference() is None


@pytest.mark.parametrize(
    "keyword",
    [{"where": X > 0}, {"where": True}, {"dtype": "f8"}, {"casting": "safe"}, {"order": "F"}, {"subok": False}],
    ids=str,
)
def test_keywords_of_numpys_functions_are_refused_with_a_remedy(keyword):
    calls = [functools.partial(hs.hard_sigmoid, preset="onnx"), functools.partial(hs.backward, X, preset="onnx")]
    for call in (*calls, ONNX, functools.partial(ONNX.backward, X)):
        with pytest.raises(TypeError, match=r"where=, .*subok=: .*numpy\.where.*numpy\.asarray"):
            call(X, **keyword)


def test_presets_have_names():
    assert hs.HardSigmoid("onnx") == hs.HardSigmoid(preset="onnx") == hs.HardSigmoid.ONNX
    assert hs.HardSigmoid("pytorch") == hs.HardSigmoid(preset="pytorch") == hs.HardSigmoid.PYTORCH
    assert [f.preset for f in FUNCTIONS] == ["onnx", "pytorch", None, None, None, None]
    assert (ONNX.alpha, ONNX.beta) == (0.2, 0.5)
    assert (hs.HardSigmoid.PYTORCH.alpha, hs.HardSigmoid.PYTORCH.beta) == (1 / 6, 0.5)


def test_equality_and_hash():
    for i, f in enumerate(FUNCTIONS):
        for j, g in enumerate(FUNCTIONS):
            assert (f == g) == (i == j)
            assert (f != g) == (i != j)
        again = hs.HardSigmoid(alpha=f.alpha, beta=f.beta)
        assert again == f and hash(again) == hash(f)
    assert len(set(FUNCTIONS)) == len(FUNCTIONS)
    zeros = [hs.HardSigmoid(alpha=alpha, beta=0.5) for alpha in (0.0, -0.0)]
    assert zeros[0] == zeros[1] and hash(zeros[0]) == hash(zeros[1])
    assert ONNX != "onnx" and ONNX != (0.2, 0.5) and ONNX is not None
    with pytest.raises(TypeError):
        _ = ONNX < hs.HardSigmoid.PYTORCH


@each_function
def test_repr(f):
    assert repr(f) == f"HardSigmoid(alpha={f.alpha!r}, beta={f.beta!r})"
    assert eval(repr(f), {"HardSigmoid": hs.HardSigmoid}) == f


def test_repr_of_a_preset():
    assert repr(ONNX) == str(ONNX) == "HardSigmoid(alpha=0.2, beta=0.5)"


@each_function
def test_copies(f):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(f, protocol))
        assert type(again) is hs.HardSigmoid
        assert again == f and repr(again) == repr(f) and again.preset == f.preset
    assert copy.copy(f) == copy.deepcopy(f) == f
    assert copy.deepcopy({"f": [f]}) == {"f": [f]}


@pytest.mark.parametrize("name", ["hard_sigmoid", "backward", "saturation", "validate", "adapters", "HardSigmoid"])
def test_functions_are_pickled_by_name(name):
    function = getattr(hs, name)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(function, protocol)) is function
    assert copy.deepcopy(function) is function


@pytest.mark.parametrize("name", ["alpha", "beta", "preset", "ONNX", "other"])
def test_objects_are_immutable(name):
    f = hs.HardSigmoid("onnx")
    with pytest.raises(AttributeError):
        setattr(f, name, 1.0)
    with pytest.raises(AttributeError):
        delattr(f, name)
    assert f == ONNX


def test_the_class_is_final():
    with pytest.raises(TypeError):
        type("Derived", (hs.HardSigmoid,), {})


@each_function
@each_dtype
def test_methods_are_the_functions(dtype, f):
    x, grad = samples(dtype, (30, 4)), samples(dtype, (30, 4), seed=1)
    name = {"alpha": f.alpha, "beta": f.beta}
    assert callable(f)
    assert_same_bits(f(x), hs.hard_sigmoid(x, **name))
    assert_same_bits(f(x, backend="cpu", threads=1), hs.hard_sigmoid(x, **name))
    assert_same_bits(f.backward(x, grad), hs.backward(x, grad, **name))
    y = f(x)
    from_output = f.backward(y, grad, from_output=True, backend="cpu", threads=1)
    assert_same_bits(from_output, hs.backward(y, grad, from_output=True, **name))
    assert f.saturation(x, backend="cpu", threads=1) == hs.saturation(x, **name)
    assert type(f.saturation(x)) is hs.Saturation


def test_saturation_of_an_example():
    x = [-9.0, -2.5, 0.0, 2.4, 2.5, np.inf, np.nan, -np.inf]
    counts = hs.saturation(x, preset="onnx")
    assert counts == hs.Saturation(zero=3, one=2, inside=2, nan=1)
    assert (counts.total, counts.fraction) == (8, 5 / 8)
    empty = hs.saturation([], preset="onnx")
    assert empty == (0, 0, 0, 0) and empty.fraction == 0


def test_others_may_say_that_they_are_equal():
    class Any:
        def __eq__(self, other):
            return True

    assert hs.HardSigmoid.ONNX == Any()
    assert hs.HardSigmoid.ONNX != "onnx"


@pytest.mark.parametrize(
    "arguments, names",
    [
        ({"preset": 3}, "preset.*int.*onnx"),
        ({"alpha": "0.2", "beta": 0.5}, "alpha.*str"),
        ({"alpha": 0.2, "beta": []}, "beta.*list"),
        ({"alpha": 0.2}, "missing.*both"),
        ({"preset": "onnx", "backend": None}, "backend.*NoneType.*auto"),
        ({"preset": "onnx", "threads": "2"}, "threads.*str.*1024"),
        ({"preset": "onnx", "out": [0]}, "out.*list.*ndarray"),
        ({"out": "onnx"}, "preset by name"),
    ],
)
def test_errors_name_the_argument(arguments, names):
    with pytest.raises(TypeError, match=names):
        hs.hard_sigmoid(1.0, **arguments)


@pytest.mark.parametrize(
    "arguments, names",
    [
        ({"alpha": 10**400, "beta": 0.5}, "alpha is too large"),
        ({"preset": "onnx", "threads": 2**70}, "threads.*1024"),
        ({"preset": "onnx", "backend": "tpu"}, "tpu.*auto"),
    ],
)
def test_values_name_the_argument(arguments, names):
    with pytest.raises(ValueError, match=names):
        hs.hard_sigmoid(1.0, **arguments)


def test_errors_of_backward_and_validate_name_the_argument():
    x = np.zeros(4, np.float32)
    with pytest.raises(TypeError, match="from_output.*int.*True"):
        hs.backward(x, x, from_output=1, preset="onnx")
    with pytest.raises(ValueError, match=r"x has shape \(4,\) and grad has shape \(5,\)"):
        hs.backward(x, np.zeros(5, np.float32), preset="onnx")
    with pytest.raises(TypeError, match="dtype is 'float8': use float16"):
        hs.validate(preset="onnx", dtype="float8")
    with pytest.raises(ValueError, match='tpu.*"cpu" or "gpu"'):
        hs.validate(preset="onnx", backend="tpu")
    for thing in (None, {"a": 1}, [1.0, None]):
        with pytest.raises(TypeError, match="no array of numbers"):
            hs.hard_sigmoid(thing, preset="onnx")
