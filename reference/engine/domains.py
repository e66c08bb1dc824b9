"""What the arguments of a formula may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arguments import DomainError, LabelError, ReductionError, ShapeError, check_finite, check_reduction
from .formula import ArgumentSpec, Formula
from .shapes import Binding

__all__ = ["DomainError", "LabelError", "ReductionError", "ShapeError", "check_arguments", "check_reduction"]


def check_names(formula: Formula, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raise at an argument or option that the formula lacks, at one that it needs, and at a value that none lists."""
    known = {spec.name for spec in formula.arguments}
    for name in arguments:
        if name not in known:
            raise DomainError(f"{formula.name}: no argument {name!r}; there are {', '.join(sorted(known))}")
    for name, value in options.items():
        _check_option(formula, name, value)
    for spec in formula.arguments:
        if spec.name not in arguments and not spec.optional:
            raise DomainError(f"{formula.name}: argument {spec.name!r} is missing")


def _check_option(formula: Formula, name: str, value: Any) -> None:
    if name not in formula.options:
        raise DomainError(f"{formula.name}: no option {name!r}; there are {', '.join(sorted(formula.options))}")
    if name in formula.choices and value not in formula.choices[name]:
        listed = " or ".join(map(repr, formula.choices[name]))
        raise DomainError(f"{formula.name}: option {name!r} is {value!r}; it is {listed}")


def check_arguments(formula: Formula, arguments: Mapping[str, Any], binding: Binding) -> None:
    """Raise at the first value outside an argument's domain."""
    for spec in formula.arguments:
        if spec.name in arguments:
            _check(spec, arguments[spec.name], binding)


def _check(spec: ArgumentSpec, values: Any, binding: Binding) -> None:
    if spec.whole:
        _check_classes(spec, values, binding)
        return
    check_finite(values, spec.name)
    if spec.domain == "unit":
        bad, wanted = (values < 0) | (values > 1), "numbers from 0 to 1"
    elif spec.domain == "sign":
        bad, wanted = np.abs(values) != 1, "1 and -1"
    else:
        return
    if bad.any():
        raise DomainError(f"{spec.name} holds {values[bad][0]}; the formula takes {wanted}")


def _check_classes(spec: ArgumentSpec, values: Any, binding: Binding) -> None:
    classes = binding.sizes["C"]
    block = np.logical_and.accumulate(values >= 0, axis=-1) if spec.domain == "block" else np.asarray(True)
    bad = block & ((values >= classes) | (values < 0))
    if bad.any():
        raise LabelError(f"{spec.name} holds class {values[bad][0]}; there are {classes} classes")
