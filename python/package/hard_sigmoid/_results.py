"""What the functions return besides arrays."""

from typing import NamedTuple


class Saturation(NamedTuple):
    """How many results are 0, 1, between them, and NaN.

    Each result is counted in exactly one field, after it was rounded to the type of the array.

    Attributes
    ----------
    zero : int
        Results that are 0.
    one : int
        Results that are 1.
    inside : int
        Results between 0 and 1, both excluded.
    nan : int
        Results that are NaN, as their inputs are.
    """

    zero: int
    one: int
    inside: int
    nan: int

    @property
    def total(self) -> int:
        """The number of results that were counted."""
        return self.zero + self.one + self.inside + self.nan

    @property
    def fraction(self) -> float:
        """The share of the results that are 0 or 1, from 0 to 1; 0 for an empty array."""
        return (self.zero + self.one) / max(self.total, 1)


class Report(NamedTuple):
    """What `validate` found.

    Attributes
    ----------
    checked : int
        Elements whose bits were compared.
    mismatches : int
        Elements with other bits, apart from flushed subnormals.
    flushed : int
        Elements that differ only because a GPU driver flushes subnormals to zero, as WGSL allows.
    out_of_bound : int
        Elements further from the exact function than the contract allows, apart from flushed subnormals.
    miscounted : int
        Results that were counted in the wrong field of `Saturation`, at least.
    nan_checked : int
        Elements that are NaN.
    max_ulp : int
        The largest distance to the number nearest to the exact result, in units in the last place.
    max_abs_error : float
        The largest difference from the exact result.
    differences : list[str]
        The first differences, at most eight, each in words.
    executed_on : str
        The adapter, or the CPU path and its number of threads.
    """

    checked: int
    mismatches: int
    flushed: int
    out_of_bound: int
    miscounted: int
    nan_checked: int
    max_ulp: int
    max_abs_error: float
    differences: list[str]
    executed_on: str

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong. Flushed subnormals are allowed."""
        return not (self.mismatches or self.out_of_bound or self.miscounted)


class Finding(NamedTuple):
    """Results of a function that are wrong in the same way.

    Attributes
    ----------
    kind : str
        `NaN`, `infinities`, `new NaN`, `-0`, `range`, `edges`, `subnormals`, `clamped late`, `clamped early`,
        `leaking gradient`, `lost gradient`, `accuracy`, `monotony`, `dtype` or `integers`.
    number : int
        How many results are.
    fails : bool
        Whether they are outside of the tolerance. Otherwise it is only worth knowing.
    text : str
        The kind in words, and the number.
    examples : list[str]
        Those with the smallest inputs, at most three, each in words.
    """

    kind: str
    number: int
    fails: bool
    text: str
    examples: list[str]


class Judgement(NamedTuple):
    """What `validate` found of a function. As text, it is a list in Markdown.

    Attributes
    ----------
    checked : int
        Results that were judged.
    max_ulp : int
        The largest distance to the number nearest to the exact result, in units in the last place, of results that are
        numbers.
    max_abs_error : float
        The largest difference from the exact result, of results that are numbers.
    findings : list[Finding]
        What is wrong, by kind.
    causes : list[str]
        What explains the wrong results, in words. Often nothing does.
    markdown : str
        All of this, with the largest error and examples.
    """

    checked: int
    max_ulp: int
    max_abs_error: float
    findings: list[Finding]
    causes: list[str]
    markdown: str

    @property
    def ok(self) -> bool:
        """Whether all results are within the tolerance."""
        return not any(finding.fails for finding in self.findings)

    def __str__(self) -> str:
        return self.markdown


class Adapter(NamedTuple):
    """A GPU adapter of this machine.

    Attributes
    ----------
    name : str
        The name that the driver gives. WGPU_ADAPTER_NAME selects by a part of it.
    backend : str
        `vulkan`, `gl`, `metal` or `dx12`. WGPU_BACKEND selects by it.
    kind : str
        `discrete`, `integrated`, `virtual`, `software` or `unknown`.
    driver : str
        The driver's name and version, as far as it tells them.
    usable : bool
        Whether the adapter can compute.
    """

    name: str
    backend: str
    kind: str
    driver: str
    usable: bool
