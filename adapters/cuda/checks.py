"""What the kernels take: formats, labels, reductions and shapes; for GPU and emulation."""

import functools
from typing import Any, Dict, Tuple

REDUCTIONS = ("none", "sum", "mean")
FORMATS = {"float16": 4, "bfloat16": 4, "uint16": 4, "float32": 4, "float64": 8}  # and bytes they are computed in
_LABELS = {"int32": "int", "int64": "long long"}


@functools.lru_cache(maxsize=None)
def _name(dtype: Any) -> str:
    """The name of a dtype; NumPy makes it anew each time, which takes as long as a launch."""
    return str(dtype)


def format_of(array: Any) -> str:
    """The kernels' name of an array's format; bfloat16 comes as its bits."""
    return _name(array.dtype).replace("uint16", "bfloat16")


def label_of(array: Any) -> str:
    """The C++ type of labels."""
    return _LABELS.get(_name(array.dtype), "int")


def check(arrays: Dict[str, Any], reduction: str) -> None:
    """Raise unless shapes, the input's dtype and the reduction are those that the operators take."""
    input, target, weight = arrays["input"], arrays["target"], arrays.get("weight")
    if _name(input.dtype) not in FORMATS:
        raise TypeError("input has dtype %s; there are %s" % (input.dtype, ", ".join(FORMATS)))
    if input.ndim not in (1, 2):
        raise ValueError("input has %d dimensions; it takes (C) or (N, C)" % input.ndim)
    if input.shape != target.shape:
        raise ValueError("target has shape %s, input has %s" % (target.shape, input.shape))
    if reduction not in REDUCTIONS:
        raise ValueError("reduction %r: there are none, sum, mean" % (reduction,))
    if weight is not None and weight.shape != input.shape[-1:]:
        raise ValueError("weight has shape %s; there are %d classes" % (weight.shape, input.shape[-1]))


def check_dtypes(operator: str, arrays: Dict[str, Any]) -> None:
    """Raise unless the other arrays have the dtypes that go with the input's."""
    input, target = arrays["input"], arrays["target"]
    if operator == "margin" and _name(target.dtype) not in _LABELS:
        raise TypeError("target has dtype %s; it takes int32 or int64" % target.dtype)
    for name in ("weight", "cotangent") + (("target",) if operator == "soft" else ()):
        if arrays.get(name) is not None and arrays[name].dtype != input.dtype:
            raise TypeError("%s has dtype %s, input has %s" % (name, arrays[name].dtype, input.dtype))


def shape_of_result(arrays: Dict[str, Any], reduction: str) -> Tuple[int, ...]:
    """The loss's shape, or the input's for a gradient, of which the cotangent is checked."""
    losses: Tuple[int, ...] = arrays["input"].shape[:-1] if reduction == "none" else ()
    if "cotangent" not in arrays:
        return losses
    if arrays["cotangent"].shape != losses:
        raise ValueError("cotangent has shape %s, the loss has %s" % (arrays["cotangent"].shape, losses))
    shape: Tuple[int, ...] = arrays["input"].shape
    return shape
