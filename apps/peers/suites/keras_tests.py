"""Keras's own tests of its hard sigmoid, with the package in its place, and all kinds of numbers."""

import unittest
import unittest.mock

import keras
import numpy as np
from judge import DTYPES, Function, numbers

FUNCTION = Function(1 / 6, 0.5)


def own_tests(tally):
    import keras.src.activations
    import keras.src.ops.nn

    for module, test in (
        (keras.src.activations, "keras.src.activations.activations_test.ActivationsTest.test_hard_sigmoid"),
        (keras.src.ops.nn, "keras.src.ops.nn_test.NNOpsCorrectnessTest.test_hard_sigmoid"),
    ):
        suite = unittest.defaultTestLoader.loadTestsFromName(test)
        result = unittest.TestResult()
        with unittest.mock.patch.object(module, "hard_sigmoid", FUNCTION.own) as patched:
            suite.run(result)
            assert module.hard_sigmoid is patched
        assert result.testsRun == 1 and not result.skipped, (test, result)
        problems = [text for _, text in result.failures + result.errors]
        tally.expect(not problems, f"{test}: {problems[0].strip().splitlines()[-1] if problems else ''}")


def hard_sigmoid(x):
    """Return Keras's results in the type of x."""
    # float32 and float64 hold every number of the types of 16 bits.
    wide = "float64" if x.dtype.itemsize == 8 else "float32"
    y = keras.ops.hard_sigmoid(keras.ops.cast(keras.ops.convert_to_tensor(x.astype(wide)), x.dtype.name))
    assert keras.backend.standardize_dtype(y.dtype) == x.dtype.name, (y.dtype, x.dtype)
    return keras.ops.convert_to_numpy(keras.ops.cast(y, wide)).astype(x.dtype)


def tests(tally):
    name = keras.backend.backend()
    tally.version = f"{keras.__version__}, {name} {__import__(name).__version__}"
    own_tests(tally)
    generator = np.random.default_rng(0)
    # The values of these tests, in each type: shapes, and ranges of uniform numbers.
    shapes = [((2, 5), 0, 1), ((1, 2, 5), 0, 1), ((5,), -10, 10), ((3, 3, 3), -10, 10), ((2, 5), 5, 10)]
    for dtype in DTYPES:
        inputs = [generator.uniform(low, high, shape).astype(dtype) for shape, low, high in shapes]
        inputs += [np.array([-1, 0, 1, 2, 3], dtype), np.ones((), dtype), np.ones((1, 2, 3), dtype), numbers(dtype)]
        for x in inputs:
            with np.errstate(all="ignore"):
                theirs = hard_sigmoid(x)
            tally.compare(f"{dtype} {x.shape}", FUNCTION, x, theirs, FUNCTION.own(x))
