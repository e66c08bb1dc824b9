"""Arrays as plain data: what crosses between the suite and an adapter."""

from __future__ import annotations

import math
import re
from typing import Any, TypedDict, cast

import numpy as np
import numpy.typing as npt


class PlainArray(TypedDict):
    """An array as bytes.

    ``dtype`` is NumPy's name, or ``bfloat16`` (16 bits each); ``data`` is in C order,
    in the byte order of the machine.
    """

    dtype: str
    shape: list[int]
    data: bytes


class PlainList(TypedDict):
    """An argument that is deliberately no tensor: nested lists of numbers."""

    list: list[Any]


class PlainRange(TypedDict):
    """Consecutive bit patterns of a format, as an array of shape (count, 1).

    ``range`` is the first pattern, as an unsigned number of the format's width, and the
    count. The worker makes a :class:`PlainArray` of it: an adapter never sees it.
    """

    range: list[int]
    dtype: str


class PlainFill(TypedDict):
    """One value in every place; the worker makes a :class:`PlainArray` of it as well."""

    fill: float
    shape: list[int]
    dtype: str


PlainArgument = PlainArray | PlainList | PlainRange | PlainFill
"""What may stand in a call's arguments when it is sent."""


def to_plain(array: npt.NDArray[Any], dtype: str | None = None) -> PlainArray:
    """An array as plain data; ``bfloat16`` takes float64 values of that format."""
    name = dtype or str(array.dtype)
    if name == "bfloat16":
        wide = np.ascontiguousarray(array, dtype=np.float32)
        stored: npt.NDArray[Any] = (wide.view(np.uint32) >> 16).astype(np.uint16).reshape(array.shape)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            stored = np.asarray(array).astype(name)
    return {"dtype": name, "shape": list(array.shape), "data": stored.tobytes()}


def from_plain(plain: PlainArray) -> npt.NDArray[Any]:
    """A NumPy array from plain data; ``bfloat16`` comes back as float32."""
    if plain["dtype"] == "bfloat16":
        bits = np.frombuffer(plain["data"], dtype=np.uint16).astype(np.uint32) << 16
        return bits.view(np.float32).reshape(plain["shape"])
    return np.frombuffer(plain["data"], dtype=plain["dtype"]).reshape(plain["shape"])


def has_keys(part: Any, *keys: str) -> bool:
    """Whether this is a dictionary with these keys."""
    return isinstance(part, dict) and set(keys) <= set(cast("dict[str, Any]", part))


def is_plain_array(plain: Any) -> bool:
    """Whether this is a :class:`PlainArray` whose bytes fill its shape."""
    if not has_keys(plain, "dtype", "shape", "data"):
        return False
    name = "uint16" if plain["dtype"] == "bfloat16" else str(plain["dtype"])
    if not re.fullmatch(r"bool|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)", name):
        return False
    return bool(len(plain["data"]) == np.dtype(name).itemsize * math.prod(plain["shape"]))
