"""The signature of `HardSigmoid` objects. Before CPython 3.13, `inspect` finds none for a native `__call__`."""

import inspect
from typing import Any


def _call(x: Any, /, out: Any = None, *, backend: str = "auto", threads: int | None = None) -> Any: ...


class CallSignature:
    """The attribute `__signature__`. The class itself has none, so that `inspect` finds that of its constructor."""

    def __get__(self, instance: object, owner: type | None = None) -> inspect.Signature:
        if instance is None:
            raise AttributeError("__signature__")
        return inspect.signature(_call)
