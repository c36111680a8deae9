from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol, SupportsFloat, SupportsIndex, TypeAlias, TypeVar, final, overload

import numpy as np
import numpy.typing as npt

from ._results import Adapter, Judgement, Report, Saturation
from ._signature import CallSignature

_Backend: TypeAlias = Literal["auto", "cpu", "gpu"]
_Preset: TypeAlias = Literal["onnx", "pytorch"]
_Out = TypeVar("_Out", bound=npt.NDArray[Any])
_X = TypeVar("_X", np.float16, np.float32, np.float64)
_Number: TypeAlias = SupportsFloat | SupportsIndex

class _SupportsDLPack(Protocol):
    def __dlpack__(self) -> Any: ...
    def __dlpack_device__(self) -> Any: ...

_ArrayLike: TypeAlias = npt.ArrayLike | _SupportsDLPack

__all__ = [
    "HardSigmoid",
    "__version__",
    "adapters",
    "backward",
    "hard_sigmoid",
    "saturation",
    "validate",
]

@final
class HardSigmoid:
    ONNX: ClassVar[HardSigmoid]
    PYTORCH: ClassVar[HardSigmoid]
    __signature__: ClassVar[CallSignature]
    def __new__(
        cls, preset: _Preset | None = None, *, alpha: _Number | None = None, beta: _Number | None = None
    ) -> HardSigmoid: ...
    @property
    def alpha(self) -> float: ...
    @property
    def beta(self) -> float: ...
    @property
    def preset(self) -> _Preset | None: ...
    @property
    def __name__(self) -> str: ...
    @overload
    def __call__(
        self,
        x: _ArrayLike,
        /,
        out: _Out | tuple[_Out],
        *,
        backend: _Backend = "auto",
        threads: SupportsIndex | None = None,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: npt.NDArray[_X],
        /,
        out: None = None,
        *,
        backend: _Backend = "auto",
        threads: SupportsIndex | None = None,
    ) -> npt.NDArray[_X]: ...
    @overload
    def __call__(
        self, x: _ArrayLike, /, out: None = None, *, backend: _Backend = "auto", threads: SupportsIndex | None = None
    ) -> Any: ...
    @overload
    def backward(
        self,
        x: _ArrayLike,
        grad: _ArrayLike,
        /,
        out: _Out | tuple[_Out],
        *,
        from_output: bool = False,
        backend: _Backend = "auto",
        threads: SupportsIndex | None = None,
    ) -> _Out: ...
    @overload
    def backward(
        self,
        x: npt.NDArray[_X],
        grad: _ArrayLike,
        /,
        out: None = None,
        *,
        from_output: bool = False,
        backend: _Backend = "auto",
        threads: SupportsIndex | None = None,
    ) -> npt.NDArray[_X]: ...
    @overload
    def backward(
        self,
        x: _ArrayLike,
        grad: _ArrayLike,
        /,
        out: None = None,
        *,
        from_output: bool = False,
        backend: _Backend = "auto",
        threads: SupportsIndex | None = None,
    ) -> Any: ...
    def saturation(
        self, x: _ArrayLike, /, *, backend: _Backend = "auto", threads: SupportsIndex | None = None
    ) -> Saturation: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@overload
def hard_sigmoid(
    x: _ArrayLike,
    /,
    out: _Out | tuple[_Out],
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    backend: _Backend = "auto",
    threads: SupportsIndex | None = None,
) -> _Out: ...
@overload
def hard_sigmoid(
    x: npt.NDArray[_X],
    /,
    out: None = None,
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    backend: _Backend = "auto",
    threads: SupportsIndex | None = None,
) -> npt.NDArray[_X]: ...
@overload
def hard_sigmoid(
    x: _ArrayLike,
    /,
    out: None = None,
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    backend: _Backend = "auto",
    threads: SupportsIndex | None = None,
) -> Any: ...
@overload
def backward(
    x: _ArrayLike,
    grad: _ArrayLike,
    /,
    out: _Out | tuple[_Out],
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    from_output: bool = False,
    backend: _Backend = "auto",
    threads: SupportsIndex | None = None,
) -> _Out: ...
@overload
def backward(
    x: npt.NDArray[_X],
    grad: _ArrayLike,
    /,
    out: None = None,
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    from_output: bool = False,
    backend: _Backend = "auto",
    threads: SupportsIndex | None = None,
) -> npt.NDArray[_X]: ...
@overload
def backward(
    x: _ArrayLike,
    grad: _ArrayLike,
    /,
    out: None = None,
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    from_output: bool = False,
    backend: _Backend = "auto",
    threads: SupportsIndex | None = None,
) -> Any: ...
def saturation(
    x: _ArrayLike,
    /,
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    backend: _Backend = "auto",
    threads: SupportsIndex | None = None,
) -> Saturation: ...
@overload
def validate(
    x: Callable[..., Any],
    /,
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    dtype: npt.DTypeLike | None = None,
    backend: Literal["cpu"] = "cpu",
    backward: bool = False,
    ulp: SupportsIndex | None = None,
    atol: _Number | None = None,
    bits: bool = False,
) -> Judgement: ...
@overload
def validate(
    x: _ArrayLike | None = None,
    /,
    *,
    preset: _Preset | None = None,
    alpha: _Number | None = None,
    beta: _Number | None = None,
    dtype: npt.DTypeLike | None = None,
    backend: Literal["cpu", "gpu"] = "cpu",
    backward: Literal[False] = False,
    ulp: None = None,
    atol: None = None,
    bits: Literal[False] = False,
) -> Report: ...
def adapters() -> list[Adapter]: ...

__version__: str
