"""JAX's hard sigmoid and its gradient, of all kinds of numbers."""

import jax
import numpy as np
from judge import DTYPES, Function, numbers


def values(tally):
    tally.version = jax.__version__
    function = Function(1 / 6, 0.5)
    gradient = jax.jit(jax.vmap(jax.grad(jax.nn.hard_sigmoid)))
    for dtype in DTYPES:
        x = numbers(dtype)
        tally.compare(f"{dtype}", function, x, np.asarray(jax.nn.hard_sigmoid(x)), function.own(x))
        one = np.ones_like(x)
        theirs = np.asarray(gradient(x))
        tally.compare(f"{dtype}, gradient", function, x, theirs, function.own.backward(x, one), one)
