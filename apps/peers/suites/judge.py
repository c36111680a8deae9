"""Decides who is wrong where the package and a peer differ, with rational arithmetic."""

import os
import sys
from fractions import Fraction
from pathlib import Path

import hard_sigmoid as hs
import numpy as np

# The tests of the package have the exact function.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python" / "tests"))
from oracle import (  # noqa: E402
    BFLOAT16,
    DTYPES,
    FLOAT64,
    FORMATS,
    PRESETS,
    exact,
    from_bits,
    is_inside,
    is_nan,
    rounded,
    samples,
)

__all__ = ["BFLOAT16", "DTYPES", "FLOAT64", "Function", "Tally", "numbers"]

WRONG = bool(os.environ.get("HS_WRONG"))


class Function:
    """A function of the package, and what it has to be. alpha and beta are those of ONNX, which are float32."""

    def __init__(self, alpha, beta, dtype=None):
        # In float64, 1/5 rounded to float32 is another number.
        known = {} if dtype == FLOAT64 else {(1 / 5, 0.5): "onnx", (1 / 6, 0.5): "pytorch"}
        self.preset = known.get((near(alpha), beta))
        if self.preset:
            self.alpha, self.beta = PRESETS[self.preset]
            other = {"onnx": "pytorch", "pytorch": "onnx"}[self.preset]
            self.own = hs.HardSigmoid(other if WRONG else self.preset)
        else:
            self.alpha, self.beta = Fraction(alpha), Fraction(beta)
            self.own = hs.HardSigmoid(alpha=alpha * (1.2 if WRONG else 1), beta=beta)

    def may(self, y, want, exactly, dtype):
        """Whether the package may give y: see the notes of hard_sigmoid's help."""
        if self.preset:
            most = 2 if dtype == FLOAT64 else 1
            return ulps(y, want) <= most
        u = Fraction(2) ** (-53 if dtype == FLOAT64 else -24)
        own_rounding = abs(Fraction(float(want)) - exactly) if dtype.itemsize == 2 else 0
        return abs(Fraction(float(y)) - exactly) <= u * (abs(self.beta) + 3 * exactly) + own_rounding


def near(alpha):
    """Return 1/5 or 1/6 for the float32 next to it."""
    return next((a for a in (1 / 5, 1 / 6) if np.float32(alpha) == np.float32(a)), alpha)


def ulps(a, b):
    """Return the distances in ULP, as int64: at most 2**62, also of numbers of different signs."""
    a, b = np.asarray(a), np.asarray(b)
    far = (np.signbit(a) != np.signbit(b)) & ((a != 0) | (b != 0))
    a, b = (np.ascontiguousarray(abs(v)).view(f"i{v.itemsize}").reshape(v.shape).astype(np.int64) for v in (a, b))
    return np.minimum(np.where(far, 2**62, abs(a - b)), 2**62)


def unit(y):
    """Return the unit in the last place of a number."""
    precision, least = FORMATS[y.dtype]
    return Fraction(2) ** (max(int(np.frexp(float(y))[1]) - 1, least) - precision + 1)


def numbers(dtype):
    """Return every number of a type of 16 bits, and 2**20 of another: near the slope, near its ends, and any bits."""
    if dtype.itemsize == 2:
        return from_bits(np.arange(1 << 16), dtype)
    x = samples(dtype, (1 << 20,), seed=7)
    x[: 1 << 18] = np.random.default_rng(8).normal(0, 3, 1 << 18).astype(dtype)
    return x


class Tally:
    """Counts cases, and what differs."""

    def __init__(self):
        self.version, self.cases, self.numbers, self.failures = "no version", 0, 0, []
        self.off, self.worst, self.edges, self.lost = 0, 0, 0, 0

    def fail(self, text):
        self.failures.append(text)

    def expect(self, condition, text):
        """Count a case that has to hold."""
        self.cases += 1
        if not condition:
            self.fail(text)

    def differences(self):
        """Return in words where the peer is further from the exact result than the package."""
        parts = []
        if self.off:
            parts.append(f"the peer is off by up to {self.worst:.2g} ULP in {self.off} of the numbers")
        if self.edges:
            parts.append(f"its gradient differs at the edges, or of NaN, in {self.edges}")
        if self.lost:
            parts.append(f"it makes a number of NaN, or NaN of a number, in {self.lost}")
        return "; " + ", ".join(parts) if parts else ""

    def compare(self, name, function, x, theirs, own, grad=None):
        """Compare results, or gradients. Where they differ by more than an ULP, the exact function decides."""
        self.cases += 1
        own, theirs, x = np.asarray(own), np.asarray(theirs), np.asarray(x)
        if own.shape != theirs.shape or own.dtype != theirs.dtype:
            self.fail(f"{name}: {own.dtype} {own.shape} instead of {theirs.dtype} {theirs.shape}")
            return
        self.numbers += own.size
        own, theirs, x = own.ravel(), theirs.ravel(), x.ravel()
        grad = None if grad is None else np.asarray(grad).ravel()
        own_nan, their_nan = is_nan(own), is_nan(theirs)
        with np.errstate(all="ignore"):
            differs = (ulps(own, theirs) > 1) & ~(own_nan & their_nan) | (own_nan != their_nan)
        bad = []
        for i in np.flatnonzero(differs):
            if not self.decide(function, x[i], theirs[i], own[i], None if grad is None else grad[i]):
                bad.append(i)
                if len(bad) == 100:
                    break
        if bad:
            i = bad[0]
            g = "" if grad is None else f" with the gradient {grad[i]!r}"
            count = "100 or more" if len(bad) == 100 else len(bad)
            example = f"{own[i]!r} for {x[i]!r}{g}; the peer has {theirs[i]!r}"
            self.fail(f"{name}: {count} wrong, such as {example}")

    def decide(self, function, x, theirs, own, grad):
        """Whether the package is right. Counts the numbers for which the peer is not."""
        dtype = own.dtype
        if grad is None and is_nan(x):
            self.lost += not is_nan(theirs)
            return is_nan(own)
        if grad is None:
            exactly = exact(x, function.alpha, function.beta)
        elif not is_inside(x, function.alpha, function.beta):
            # At an edge there are several subgradients, and of NaN there is none: the package returns 0, as PyTorch.
            self.edges += bool(theirs != 0)
            return own == 0
        elif not np.isfinite(grad):
            # NaN, or an infinity of the same sign.
            return is_nan(own) if is_nan(grad) else own == grad
        else:
            exactly = function.alpha * Fraction(float(grad))
        want = rounded(exactly, dtype)
        if is_nan(theirs):
            self.lost += 1
        elif grad is not None and theirs == 0 != want:
            self.edges += 1
        elif ulps(theirs, want) > 1:
            self.off += 1
            self.worst = max(self.worst, float(abs(Fraction(float(theirs)) - exactly) / unit(want)))
        return not is_nan(own) and bool(
            function.may(own, want, exactly, dtype) if grad is None else ulps(own, want) <= 1
        )
