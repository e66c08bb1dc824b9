"""What a loss must give for given arguments, without any framework: ``lossproof.expect`` describes it."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy.typing as npt

from . import formulas
from .arguments import DomainError, ShapeError
from .engine.formula import Formula
from .engine.oracle import evaluate
from .expectation import Deviation, Expectation
from .formats import Arithmetic
from .given import format_of, numbers, sorted_out
from .own_formula import formula

__all__ = ["Deviation", "Expectation", "Expected", "expect", "formula", "known_formula"]


@dataclass(frozen=True, eq=False, repr=False)
class Expected(Expectation):
    """A loss and its gradients, with their bounds.

    Attributes:
        gradients: By the argument's name.
    """

    gradients: Mapping[str, Expectation]

    def gradient(self, name: str) -> Expectation:
        """The gradient to an argument, of its shape, for the cotangent that was given.

        Raises:
            DomainError: There is no gradient to it, or it was not asked for.
        """
        if name not in self.gradients:
            known = ", ".join(self.gradients) or "none"
            raise DomainError(f"{self.title}: no gradient to {name!r} was asked for; there are {known}")
        return self.gradients[name]

    def check(self, got: Any, of: str | None = None) -> None:
        """Raise unless a result is what a right implementation may give.

        Args:
            got: The loss, as :meth:`Expectation.check` takes it.
            of: If ``got`` is a gradient, the argument to which it is one.

        Raises:
            Deviation: The first element outside its bound, another shape, or another dtype.
            DomainError: An element has an infinite bound, or there is no such gradient.
        """
        __tracebackhide__ = True
        if of is None:
            super().check(got)
        else:
            self.gradient(of).check(got)


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


def expect(
    loss: Formula | str,
    /,
    *,
    dtype: npt.DTypeLike = "float32",
    reduction: str = "none",
    cotangent: Any = None,
    documented: bool = False,
    flushes: bool = False,
    gradients: Sequence[str] | None = None,
    **given: Any,
) -> Expected:
    """What a loss must give: ``lossproof.expect`` describes it.

    Raises:
        OracleError: Arguments outside the formula's domain, and numbers that the format does not hold.
    """
    chosen = loss if isinstance(loss, Formula) else known_formula(loss)
    own = Arithmetic(format_of(dtype), flushes)
    arguments, options = sorted_out(chosen, given, own.format)
    wanted = _wanted(chosen, arguments, gradients)
    upstream = None if cotangent is None else numbers("cotangent", cotangent, own.format)
    answer = evaluate(chosen, arguments, options, reduction, own, upstream, documented=documented, gradients=wanted)
    if upstream is not None and upstream.shape != answer.value.low.shape:
        raise ShapeError(f"cotangent has shape {upstream.shape}; the result has {answer.value.low.shape}")
    title = chosen.name if reduction == "none" else f"{chosen.name}, {reduction}"
    slopes = {
        name: Expectation(f"{title}, gradient to {name}, {own.format.name}", own.format, enclosure)
        for name, enclosure in answer.gradients.items()
    }
    return Expected(f"{title}, {own.format.name}", own.format, answer.value, slopes)


def _wanted(formula: Formula, given: Mapping[str, Any], gradients: Sequence[str] | None) -> tuple[str, ...]:
    """The arguments to which gradients are taken: those that were asked for, or all that the loss has."""
    real = [spec for spec in formula.arguments if spec.name in given and not spec.whole]
    if gradients is None:
        return tuple(spec.name for spec in real if spec.differentiable)
    names = [spec.name for spec in real]
    for name in gradients:
        if name not in names:
            raise DomainError(f"{formula.name}: no gradient to {name!r}; there are those to {', '.join(names)}")
    return tuple(gradients)
