"""What a user gives to a formula, as arrays and settings that the engine takes; everything else is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from .arguments import DomainError
from .engine.formula import Formula, Setting
from .formats import FORMATS, Float64, Format, Int64

_LARGEST_WHOLE = 2**53


def sorted_out(formula: Formula, given: Mapping[str, Any], format: Format) -> tuple[dict[str, Any], dict[str, Setting]]:
    """Arguments and options of a call apart.

    Args:
        formula: Which has them.
        given: Both, by name; an argument that may be left out may be None.
        format: Of the real arguments.

    Returns:
        The arguments as float64 or int64 arrays of the caller's shapes, and the options.

    Raises:
        DomainError: A name that the formula lacks, a number that the format does not hold, or
            an option of another type.
    """
    specs = {spec.name: spec for spec in formula.arguments}
    arguments: dict[str, Any] = {}
    options: dict[str, Setting] = {}
    for name, value in given.items():
        if name in formula.options:
            options[name] = setting(f"{formula.name}: option {name!r}", value, formula.options[name])
        elif name not in specs:
            known = ", ".join([*specs, *formula.options])
            raise DomainError(f"{formula.name}: no argument or option {name!r}; there are {known}")
        elif value is not None:
            arguments[name] = classes(name, value) if specs[name].whole else numbers(name, value, format)
    return arguments, options


def format_of(dtype: Any) -> Format:
    """The format of a name, of a NumPy dtype or of a NumPy type.

    Raises:
        DomainError: The suite knows none of that name.
    """
    name = dtype
    if dtype is not None and not isinstance(dtype, str):
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = dtype
    if not isinstance(name, str) or name not in FORMATS:
        raise DomainError(f"dtype {dtype!r}: no such dtype; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def numbers(name: str, value: Any, format: Format) -> Float64:
    """Real numbers, each of them finite and a value of the format."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub" and array.dtype.name not in FORMATS:
        raise DomainError(f"{name} holds {array.dtype.name}; the formula takes real numbers")
    wide = array.astype(np.float64)
    if not np.isfinite(wide).all():
        raise DomainError(f"{name} holds {wide[~np.isfinite(wide)][0]}; the formula takes finite numbers")
    whole = array.dtype.kind in "iu"
    lost = (array > _LARGEST_WHOLE) | (array < -_LARGEST_WHOLE) if whole else wide.astype(array.dtype) != array
    nearest = format.round(wide)
    bad = np.asarray(lost | (nearest != wide))
    if bad.any():
        first, held = array[bad][0].item(), float(nearest[bad][0])
        raise DomainError(f"{name} holds {first!r}, which is no value of {format.name}; the nearest one is {held!r}")
    return wide


def classes(name: str, value: Any) -> Int64:
    """Class indices."""
    array = np.asarray(value)
    if array.size and array.dtype.kind not in "iu":
        raise DomainError(f"{name} holds {array.dtype.name}; the formula takes class indices, which are integers")
    return array.astype(np.int64)


def setting(words: str, value: Any, default: Setting) -> Setting:
    """An option, of the type of its default.

    Args:
        words: What it is, for a message.
        value: The one that is given.
        default: A number if it is a float; otherwise what chooses among formulas.

    Raises:
        DomainError: It is of another type, or not finite.
    """
    if default is None or isinstance(default, bool | str):
        return _choice(words, value, default)
    kind, word = (Integral, "an integer") if isinstance(default, int) else (Real, "a finite number")
    if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(float(value)):
        raise DomainError(f"{words} is {value!r}; it takes {word}, as {default!r}")
    return int(value) if isinstance(value, Integral) and isinstance(default, int) else float(value)


def _choice(words: str, value: Any, default: Setting) -> Setting:
    """What chooses among formulas: of the type of its default, if that has one."""
    if default is not None and not isinstance(value, type(default)):
        raise DomainError(f"{words} is {value!r}; it takes a {type(default).__name__}, as {default!r}")
    chosen: Setting = value
    return chosen
