"""Judging the results of a function of another library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._arrays import _array, flat
from ._results import Finding, Judgement


def judge(
    native: Any, f: Callable[..., Any], dtype: Any, backward: bool, alpha: float, beta: float, tolerance: float
) -> Judgement:
    """Judge the results of `f` by `native`, which has the inputs and judges arrays."""
    empty = flat([], "float32" if dtype is None else dtype)
    dtype = empty.dtype
    x, grad = (np.frombuffer(memory, dtype) for memory in native.inputs(empty))
    # f may write in what it is given, and its warnings about overflow and NaN are known.
    arguments = (x.copy(), grad.copy()) if backward else (x.copy(),)
    with np.errstate(all="ignore"):
        y = _array(f(*arguments), "the result")
        if y.shape != x.shape:
            raise ValueError(f"the result has shape {y.shape} for inputs of {x.shape}: return one for each input")
        checked, max_ulp, max_abs_error, findings, causes, text = native.judge(x, grad, flat(y, dtype, "the result"))
        found = [Finding(*finding) for finding in findings]
        own = []
        if y.dtype.newbyteorder("=") != dtype:
            own.append(Finding("dtype", y.size, True, f"dtype: the result is {y.dtype} for {dtype}", []))
        if not backward:
            own += _integers(f, alpha, beta, tolerance)
    if any(finding.fails for finding in own):
        text = text.replace("**right**", "**wrong**", 1)
    for finding in own:
        text += "".join([f"- {finding.text}\n", *(f"  - {example}\n" for example in finding.examples)])
    return Judgement(checked, max_ulp, max_abs_error, found + own, causes, text)


def _integers(f: Callable[..., Any], alpha: float, beta: float, tolerance: float) -> list[Finding]:
    """Return what is wrong with the results for integers, which a function may refuse."""
    x = np.arange(-9, 10, dtype=np.int32)
    try:
        y = np.asarray(f(x.copy()))
    except Exception as error:
        return [Finding("integers", 0, False, f"integers: int32 is refused ({type(error).__name__})", [])]
    expected = np.clip(alpha * x + beta, 0, 1)
    wrong = [i for i in range(x.size) if y.shape != x.shape or not abs(float(y[i]) - expected[i]) <= tolerance]
    if not wrong:
        return []
    wrong.sort(key=lambda i: abs(int(x[i])))
    text = f"integers: wrong results for int32, of type {y.dtype} ({len(wrong)} of {x.size})"
    examples = [f"input {x[i]} gave {y[i]}, expected {expected[i]:.4g}" for i in wrong[:3] if y.shape == x.shape]
    return [Finding("integers", len(wrong), True, text, examples)]
