"""Compares the shift that is rounded once with a neighbour of it for which f(0) = beta, as docs/numerics.md reports.

Run with `python tests/data/result_at_0.py` after `pip install numpy`.
"""

import numpy as np

f32, exact = np.float32, np.longdouble
random = np.random.default_rng(1)


def evaluate(x, shift, slope):
    return np.clip((x + shift) * slope, f32(0), f32(1))


def errors(x, shift, slope, expected):
    """The largest error of all results, and of those below 0.001."""
    error = np.abs(evaluate(x, shift, slope).astype(exact) - expected)
    small = (expected > 0) & (expected < 1e-3)
    return float(error.max()), float(error[small].max())


missed, found = 0, []
for a in range(1, 100):
    for b in range(1, 101):
        alpha, beta = a / 100, b / 100
        slope, shift = f32(alpha), f32(beta / alpha)
        at_0 = lambda shift: evaluate(f32(0), shift, slope) == f32(beta)
        if at_0(shift):
            continue
        missed += 1
        neighbours = [n for n in (np.nextafter(shift, f32(np.inf)), np.nextafter(shift, f32(-np.inf))) if at_0(n)]
        if not neighbours:
            continue
        lower, upper = -beta / alpha, (1 - beta) / alpha
        x = np.concatenate([
            random.uniform(lower, upper, 4000),
            lower + abs(lower) * 10.0 ** random.uniform(-7, 0, 4000),
            random.uniform(-1e-3, 1e-3, 500),
        ]).astype(f32)
        expected = np.clip(x.astype(exact) * exact(alpha) + exact(beta), 0, 1)
        rounded = errors(x, shift, slope, expected)
        neighbour = np.min([errors(x, n, slope, expected) for n in neighbours], axis=0)
        found.append((*rounded, *neighbour))

found = np.array(found)
print(missed, "pairs miss beta;", len(found), "have a neighbour that does not")
print("mean of the largest error over all results:   rounded %.2g, neighbour %.2g" % tuple(found[:, [0, 2]].mean(0)))
print("mean of the largest error of results < 0.001: rounded %.2g, neighbour %.2g" % tuple(found[:, [1, 3]].mean(0)))
print("the latter is larger with the neighbour for %.1f %% of the pairs" % (100 * (found[:, 3] > found[:, 1]).mean()))
