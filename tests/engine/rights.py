"""Right implementations made from a formula: every order, division and width that the page leaves open.

Each is a :class:`Plain` interpretation of the graph in which every step rounds to a format,
with other :class:`Steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference.engine.formula import Formula, Graph, trace
from reference.engine.plain import Plain
from reference.engine.shapes import bind
from reference.engine.steps import Steps
from reference.formats import Float64
from tests.zoo import arithmetic
from tests.zoo.arithmetic import Rounding, Sum


class Machine:
    """NumPy, with the elementary functions of a format: its own where it has them, with their errors."""

    def __init__(self, fl: Rounding) -> None:
        self._fl = fl

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def exp(self, x: Float64) -> Float64:
        """e^x."""
        return self._own(np.exp, x)

    def log(self, x: Float64) -> Float64:
        """The logarithm."""
        return self._own(np.log, x)

    def log1p(self, x: Float64) -> Float64:
        """log(1 + x)."""
        return self._own(np.log1p, x)

    def _own(self, function: Callable[[Any], Any], x: Float64) -> Float64:
        if self._fl.format.name == "float32":
            return np.asarray(function(x.astype(np.float32)), dtype=np.float64)
        return self._fl(function(x))


def summed(fl: Rounding, add: Sum) -> Callable[[Any, Float64, tuple[int, ...]], Float64]:
    """A sum over axes in a stated order."""

    def total(xp: Any, array: Float64, axes: tuple[int, ...]) -> Float64:
        del xp
        if not axes:
            return array
        kept = [i for i in range(array.ndim) if i not in axes]
        flat = array.transpose((*kept, *axes)).reshape(int(np.prod([array.shape[i] for i in kept])), -1)
        return add(fl, flat).reshape([1 if i in axes else size for i, size in enumerate(array.shape)])

    return total


def added(fl: Rounding, order: int) -> Callable[[Sequence[Float64]], Float64]:
    """A sum of terms: as they stand, backwards, or from the second one round."""

    def add(terms: Sequence[Float64]) -> Float64:
        turned = list(terms)[::-1] if order == 1 else [*terms[1:], terms[0]] if order == 2 else list(terms)
        found = turned[0]
        for term in turned[1:]:
            found = fl(found + term)
        return found

    return add


def once(fl: Rounding) -> Callable[[Sequence[Float64]], Float64]:
    """A sum of terms in float64, rounded once, as a fused operation would."""
    return lambda terms: fl(np.asarray(sum(terms[1:], terms[0])))


def reciprocal(fl: Rounding) -> Callable[[Float64, Float64], Float64]:
    """A rounded reciprocal and a product."""
    return lambda top, below: fl(top * fl(1 / below))


def quotient(fl: Rounding) -> Callable[[Float64, Float64], Float64]:
    """One division."""
    return lambda top, below: fl(top / below)


def steps(fl: Rounding) -> dict[str, Steps]:
    """Ways to take the open steps, by name."""

    def one(order: int, add: Sum, *, inverse: bool = False, tie: float = 0.0) -> Steps:
        divide = reciprocal(fl) if inverse else quotient(fl)
        return Steps(added(fl, order), summed(fl, add), divide, fl, tie)

    return {
        "as printed": one(0, arithmetic.one_by_one),
        "backwards": one(1, arithmetic.backwards, inverse=True, tie=1.0),
        "from the second": one(2, arithmetic.pairwise),
        "blocked": one(0, arithmetic.blocked, inverse=True),
        "largest first": one(1, arithmetic.descending, tie=0.5),
        "smallest first": one(2, arithmetic.ascending),
        "compensated": one(0, arithmetic.compensated),
        "float32 sums": one(1, arithmetic.in_single, inverse=True),
        "fused": Steps(once(fl), summed(fl, arithmetic.in_double), quotient(fl), fl),
    }


@dataclass(frozen=True)
class Right:
    """One right implementation of a formula in a format.

    Attributes:
        graph: Of the formula.
        fl: Rounding to the format.
        steps: What is left open.
    """

    graph: Graph
    fl: Rounding
    steps: Steps

    def __call__(
        self, arguments: Mapping[str, Any], options: Mapping[str, float], cotangent: Float64, names: Sequence[str]
    ) -> tuple[Float64, dict[str, Float64]]:
        """Value and gradients; options are converted to the format first."""
        with np.errstate(all="ignore"):
            plain = Plain(self.graph, Machine(self.fl), np.float64, self.steps)
            converted = {name: float(self.fl(np.asarray(value))) for name, value in options.items()}
            value, slopes = plain.gradient(arguments, converted, cotangent, names)
        return value, slopes


def rights(
    formula: Formula, arguments: Mapping[str, Any], settings: Mapping[str, Any], reduction: str, dtype: str
) -> dict[str, Right]:
    """Right implementations for arguments of these shapes, by name."""
    fl = arithmetic.in_format(dtype)
    shapes = {spec.name: np.shape(arguments[spec.name]) for spec in formula.arguments if spec.name in arguments}
    binding = bind({spec.name: spec.pattern for spec in formula.arguments}, shapes)
    graph = trace(formula, binding, settings, reduction)
    return {name: Right(graph, fl, chosen) for name, chosen in steps(fl).items()}
