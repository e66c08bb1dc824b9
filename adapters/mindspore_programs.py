"""Calls as Cells, which graph mode compiles, and tensors that are read late: beside ``mindspore_adapter.py``."""

import contextlib
import importlib
from typing import Any, Dict

import numpy as np
from mindspore import nn, ops

_EXECUTORS = ("mindspore.graph.api", "mindspore.common.api")
_TRIES = 2


class Native(nn.Cell):
    """One call of a function, with the options left out that the caller left out."""

    def __init__(self, function: Any, options: Dict[str, Any]) -> None:
        super().__init__()
        self.function = function
        self.options = options

    def construct(self, *tensors: Any) -> Any:
        return self.function(*tensors, **self.options)


class Weighted(nn.Cell):
    """The same with a weight for each class, which is the last of the tensors."""

    def __init__(self, function: Any, options: Dict[str, Any]) -> None:
        super().__init__()
        self.function = function
        self.options = options

    def construct(self, *tensors: Any) -> Any:
        return self.function(*tensors[:-1], weight=tensors[-1], **self.options)


class WeightedModule(nn.Cell):
    """A module that is given its weight when it is made, as its page says."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def construct(self, *tensors: Any) -> Any:
        return self.module(*tensors)


class Product(nn.Cell):
    """Input times weight: calibration."""

    def construct(self, input: Any, weight: Any) -> Any:
        return input * weight


class Inferred(nn.Cell):
    """Zeros of the shape and dtype that the compiler infers for a loss."""

    def __init__(self, loss: Any) -> None:
        super().__init__()
        self.loss = loss

    def construct(self, *tensors: Any) -> Any:
        loss = self.loss(*tensors)
        return ops.zeros(loss.shape, loss.dtype)


class Held:
    """A tensor that is read when it is sent, so that a result which a later call overwrites is seen.

    Args:
        tensor: MindSpore's.
    """

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor
        self.shape = tensor.shape
        self.dtype = str(tensor.dtype).lower()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Its values in the memory of the tensor; those of a bfloat16 as float32."""
        wide = self.tensor.astype("float32") if self.dtype == "bfloat16" else self.tensor
        return wide.asnumpy()

    def copy(self) -> "Held":
        """The tensor as it is now."""
        return Held(self.tensor.copy())

    def tobytes(self) -> bytes:
        """Its values in C order; of a bfloat16 the upper half of a float32."""
        array = np.asarray(self)
        stored = (array.view(np.uint32) >> 16).astype(np.uint16) if self.dtype == "bfloat16" else array
        return bytes(stored.tobytes())


def wait_for_errors() -> None:
    """Wait for what a refused call of PyNative left running; a later call would raise its error."""
    for name in _EXECUTORS:
        with contextlib.suppress(ImportError):
            executor: Any = getattr(importlib.import_module(name), "_pynative_executor", None)
            for _ in range(_TRIES if executor else 0):
                with contextlib.suppress(Exception):  # the refused call raised it once already
                    executor.sync()
            if executor:
                return
