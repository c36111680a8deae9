"""Hard sigmoid, ``clip(alpha*x + beta, 0, 1)``, for NumPy arrays.

Two functions are in use under this name, so each call names one: ``preset="onnx"`` (alpha = 1/5, beta = 1/2: ONNX,
Keras 1 and 2) or ``preset="pytorch"`` (alpha = 1/6, beta = 1/2: PyTorch, Keras 3, JAX), or ``alpha=`` and ``beta=``.

>>> import numpy
>>> import hard_sigmoid as hs
>>> hs.hard_sigmoid(numpy.array([-9.0, 0.0, 1.25]), preset="onnx")
array([0.  , 0.5 , 0.75])
"""

# Imported here and not when it is needed first: a fork during an import in a thread would leave its lock locked.
from . import _arrays as _arrays
from . import _judge as _judge
from ._native import HardSigmoid, __version__, adapters, backward, hard_sigmoid, saturation, validate
from ._results import Adapter, Finding, Judgement, Report, Saturation

__all__ = [
    "Adapter",
    "Finding",
    "HardSigmoid",
    "Judgement",
    "Report",
    "Saturation",
    "__version__",
    "adapters",
    "backward",
    "hard_sigmoid",
    "saturation",
    "validate",
]
