"""What a loss must give for given arguments, and whether a result is right: without any framework.

    expected = expect(FORMULA, {"input": scores, "target": labels}, dtype="float32", reduction="mean")
    expected.value, expected.bound                # the true mean, and how far a right one may be from it
    expected.check(loss)                          # raises Deviation with the first wrong element
    expected.check(gradient, of="input")

A formula of one's own is a function over named arguments:

    hinge = formula(lambda x, y: positive_part(1 - x * y), x="N score", y="N sign")
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from . import formulas
from .arguments import DomainError
from .enclosure import Answer, Enclosure
from .engine.expression import Expression
from .engine.formula import ArgumentSpec, Formula, Setting
from .engine.oracle import evaluate
from .formats import FORMATS, Arithmetic, Float64, Format

KINDS = {"score": "finite", "number": "finite", "sign": "sign", "unit": "unit", "class": "class"}
"""What an argument may hold, by the word that ends its description; only a score has a gradient unless asked."""


class Deviation(AssertionError):
    """A result outside its bound."""


def formula(
    function: Callable[..., Expression], *, options: Mapping[str, Setting] | None = None, **axes: str
) -> Formula:
    """A loss of one's own.

    Args:
        function: Of expressions, one for each argument, and of the options.
        options: Settings with their defaults.
        axes: Of each argument, its axes and what it holds: ``input="N? C score"``; ``...`` for any axes.

    Raises:
        DomainError: A description that ends in no known word.
    """
    specs = tuple(_spec(name, description) for name, description in axes.items())
    return Formula(getattr(function, "__name__", "formula"), specs, function, function, dict(options or {}))


def _spec(name: str, description: str) -> ArgumentSpec:
    *pattern, kind = description.split()
    if kind not in KINDS:
        raise DomainError(f"argument {name!r}: {kind!r} is no kind; there are {', '.join(KINDS)}")
    return ArgumentSpec(name, " ".join(pattern), KINDS[kind], differentiable=kind == "score")


def known_formula(name: str) -> Formula:
    """The formula of a loss by its name.

    Raises:
        DomainError: No such loss.
    """
    names = [module.name for module in pkgutil.iter_modules(formulas.__path__)]
    if name not in names:
        raise DomainError(f"loss {name!r}: no such loss; there are {', '.join(names)}")
    found: Formula = import_module(f"{formulas.__name__}.{name}").FORMULA
    return found


@dataclass(frozen=True)
class Expected:
    """A loss and its gradients, enclosed, with their bounds.

    Attributes:
        answer: The engine's.
        format: Of the implementation.
        name: Of the loss.
    """

    answer: Answer
    format: Format
    name: str

    @property
    def value(self) -> Float64:
        """The float64 value nearest to the true loss."""
        return self.answer.value.middle

    @property
    def bound(self) -> Float64:
        """How far a right implementation may be from the true loss."""
        return self.answer.value.bound

    def gradient(self, name: str) -> Enclosure:
        """The gradient to an argument."""
        return self.answer.gradients[name]

    def check(self, got: Any, of: str = "value") -> None:
        """Raise unless a result is what a right implementation may give.

        Args:
            got: The result, as an array or a number.
            of: ``value``, or the argument to which it is the gradient.

        Raises:
            Deviation: The first element outside its bound, or another shape.
        """
        expected = self.answer.value if of == "value" else self.answer.gradients[of]
        array = np.asarray(got, dtype=np.float64)
        if array.shape != expected.low.shape:
            raise Deviation(f"{self.name} {of}: shape {array.shape}; expected {expected.low.shape}")
        wrong = ~expected.admits(array, self.format)
        if wrong.any():
            raise Deviation(self._said(array, expected, wrong, of))

    def _said(self, got: Float64, expected: Enclosure, wrong: Any, of: str) -> str:
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        low, high = float(expected.low[place]), float(expected.high[place])
        wanted = f"{low!r}" if low == high else f"from {low!r} to {high!r}"
        lines = [
            f"{self.name} {of}, {self.format.name}: {int(np.count_nonzero(wrong))} of {wrong.size} outside the bound",
            f"  place     {place}",
            f"  got       {float(got[place])!r}   ({float(got[place]).hex()})",
            f"  expected  {wanted}   ({float(expected.middle[place]).hex()})",
            f"  bound     {float(expected.bound[place])!r}",
        ]
        return "\n".join(lines)


def expect(
    loss: Formula | str,
    arguments: Mapping[str, Any],
    *,
    dtype: str = "float32",
    reduction: str = "none",
    cotangent: Any = None,
    documented: bool = False,
    flushes: bool = False,
    gradients: tuple[str, ...] | None = None,
    **options: Setting,
) -> Expected:
    """What a loss must give.

    Args:
        loss: A formula, or the name of a loss.
        arguments: By name; numbers must be values of the format.
        dtype: Format of the implementation.
        reduction: ``none``, ``sum`` or ``mean``.
        cotangent: Upstream gradient; ones if absent.
        documented: Grant the rounding of the page's own form.
        flushes: Whether subnormal numbers may be taken as 0.
        gradients: Arguments to which gradients are wanted; all that have one if absent.
        options: Settings of the loss.

    Raises:
        OracleError: Arguments outside the formula's domain, and numbers that the format does not hold.
    """
    chosen = known_formula(loss) if isinstance(loss, str) else loss
    if dtype not in FORMATS:
        raise DomainError(f"dtype {dtype!r}: no such format; there are {', '.join(FORMATS)}")
    given = {name: np.asarray(value) for name, value in arguments.items()}
    for name, value in given.items():
        _check_format(name, value, FORMATS[dtype])
    wanted = gradients
    if wanted is None:
        wanted = tuple(spec.name for spec in chosen.arguments if spec.differentiable and spec.name in given)
    upstream = None if cotangent is None else np.asarray(cotangent, dtype=np.float64)
    own = Arithmetic(FORMATS[dtype], flushes)
    answer = evaluate(chosen, given, options, reduction, own, upstream, documented=documented, gradients=wanted)
    return Expected(answer, FORMATS[dtype], chosen.name)


def _check_format(name: str, values: Any, format: Format) -> None:
    if values.dtype.kind != "f":
        return
    wide = values.astype(np.float64)
    bad = np.isfinite(wide) & (format.round(wide) != wide)
    if bad.any():
        raise DomainError(f"{name} holds {wide[bad][0]!r}, which is no value of {format.name}")
