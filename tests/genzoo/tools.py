"""What mutants do to arrays, in NumPy and torch."""

from __future__ import annotations

import importlib
from typing import Any

from reference.engine.steps import Array

_HALVES = {"float64": "float32", "float32": "float16"}
_PRECISIONS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}


def is_torch(xp: Any) -> bool:
    """Whether a namespace is torch's."""
    return bool(xp.__name__ == "torch")


def namespace(name: str) -> Any:
    """``numpy`` or ``torch``, imported where it is first used."""
    return importlib.import_module(name)


def name_of(dtype: Any) -> str:
    """A dtype's name, the same in both."""
    return str(dtype).removeprefix("torch.")


def precision_of(dtype: Any) -> int:
    """Bits of a format's significand; 0 for what is no format of numbers."""
    return _PRECISIONS.get(name_of(dtype), 0)


def cast(array: Array, dtype: Any) -> Array:
    """The same numbers in another dtype."""
    return array.to(dtype) if hasattr(array, "to") else array.astype(dtype)


def half_of(xp: Any, dtype: Any) -> Any:
    """The format of half the width; the same one if it has no half."""
    name = _HALVES.get(name_of(dtype))
    return dtype if name is None else getattr(xp, name)


def halved(xp: Any, array: Array) -> Array:
    """Rounded to half the width."""
    return cast(cast(array, half_of(xp, array.dtype)), array.dtype)


def narrowed(array: Array, bits: int, *, signed: bool) -> Array:
    """Integers that wrap around at a width."""
    if bits > 32 or (bits == 32 and "64" not in name_of(array.dtype)):
        return array
    shift = 2 ** (bits - 1) if signed else 0
    return (array + shift) % 2**bits - shift


def first_along(xp: Any, array: Array, axis: int) -> Array:
    """The first place of an axis in every place of it."""
    if array.shape[axis] < 2:
        return array
    return xp.broadcast_to(taken(array, axis, 0, 1), tuple(array.shape))


def rolled(xp: Any, array: Array, axis: int) -> Array:
    """Every place of an axis from the one before it."""
    return xp.roll(array, 1, axis)


def taken(array: Array, axis: int, start: int, stop: int) -> Array:
    """Some places of an axis."""
    return array[(slice(None),) * axis + (slice(start, stop),)]


def as_if_contiguous(xp: Any, array: Array) -> Array:
    """What is read where an array starts, if its strides are not looked at."""
    if is_torch(xp):
        return _torch_memory(xp, array)
    base = array
    while base.base is not None and hasattr(base.base, "dtype") and base.base.dtype == array.dtype:
        base = base.base
    memory = base.ravel(order="K")
    apart = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    start = max(apart, 0) // max(array.itemsize, 1)
    places = (start + xp.arange(array.size)) % max(memory.size, 1)
    return memory[places].reshape(array.shape) if memory.size else array


def _torch_memory(xp: Any, array: Array) -> Array:
    flat = array.detach()
    memory = flat.new_empty(0).set_(flat.untyped_storage())
    if not memory.numel():
        return array
    places = (flat.storage_offset() + xp.arange(flat.numel())) % memory.numel()
    read = memory[places].reshape(flat.shape)
    return array * 0 + read if array.requires_grad else read


def ones_like(xp: Any, array: Array) -> Array:
    """Ones of the same shape and dtype."""
    return xp.ones_like(array)
