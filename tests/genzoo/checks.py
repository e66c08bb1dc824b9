"""A call of a loss from what a caller hands over; what is no valid call is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference.engine.formula import ArgumentSpec, Formula, Setting
from reference.engine.shapes import Binding, bind
from tests.genzoo import tools
from tests.genzoo.mutation import Call

_REDUCTIONS = (None, "none", "sum", "mean")


def checked(formula: Formula, xp: Any, positional: tuple[Any, ...], keywords: Mapping[str, Any]) -> Call:
    """The call.

    Raises:
        TypeError: An argument is missing, unknown, or of a dtype that the loss does not take.
        ValueError: Shapes, a whole-number option or a reduction that the loss does not take.
        IndexError: A class index of no class.
    """
    needed = [spec.name for spec in formula.arguments if not spec.optional]
    if len(positional) != len(needed):
        raise TypeError(f"{formula.name} takes {', '.join(needed)}; {len(positional)} were given")
    rest = dict(keywords)
    reduction = rest.pop("reduction", None)
    if reduction not in _REDUCTIONS:
        raise ValueError(f"reduction {reduction!r}: there are none, sum, mean")
    optional = {spec.name: rest.pop(spec.name, None) for spec in formula.arguments if spec.optional}
    given = {**dict(zip(needed, positional, strict=True)), **optional}
    arrays = {spec.name: given[spec.name] for spec in formula.arguments if given[spec.name] is not None}
    dtype = _checked_arrays(formula, arrays)
    return Call(formula, arrays, _checked_settings(formula, rest), reduction, dtype, tools.precision_of(dtype))


def _checked_arrays(formula: Formula, arrays: Mapping[str, Any]) -> Any:
    """The dtype of the scores."""
    for name, array in arrays.items():
        if not hasattr(array, "dtype"):
            raise TypeError(f"{name} is a {type(array).__name__}, no array")
    first = formula.arguments[0].name
    dtype = arrays[first].dtype
    if not tools.precision_of(dtype):
        raise TypeError(f"{first} has dtype {dtype}; scores are floating-point numbers")
    binding = bind({spec.name: spec.pattern for spec in formula.arguments},
                   {name: tuple(array.shape) for name, array in arrays.items()})  # fmt: skip
    for spec in formula.arguments:
        if spec.whole and spec.name in arrays:
            _check_indices(spec, arrays[spec.name], binding)
    return dtype


def _check_indices(spec: ArgumentSpec, indices: Any, binding: Binding) -> None:
    name = tools.name_of(indices.dtype)
    if "int" not in name or name.startswith("u"):
        raise TypeError(f"{spec.name} has dtype {indices.dtype}; class indices are signed integers")
    low = 0 if spec.domain == "class" else None
    wrong = indices >= binding.sizes["C"]
    if spec.domain == "block":
        wrong = wrong & ((indices < 0).cumsum(-1) == 0)
    if low is not None:
        wrong = wrong | (indices < low)
    if bool(wrong.any()):
        raise IndexError(f"{spec.name} holds a class that is none of the {binding.sizes['C']}")


def _checked_settings(formula: Formula, rest: Mapping[str, Any]) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for name, value in rest.items():
        if name not in formula.options:
            raise TypeError(f"{formula.name} has no option {name!r}")
        default = formula.options[name]
        if isinstance(default, int) and value not in (default, default + 1):
            raise ValueError(f"{name} is {value!r}; {default} and {default + 1} are supported")
        found[name] = float(value) if isinstance(default, float) else value
    return found
