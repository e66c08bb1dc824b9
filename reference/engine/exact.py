"""Numbers that do not round: rationals for formulas of polynomials and kinks, balls for the others.

Both are arrays of Python objects (python-flint's ``fmpq`` and ``arb``), over which the rules of
:mod:`.enclose` and :mod:`.slopes` run as over float64. A ball of so many bits holds sums and
products of float64 numbers exactly in all usual rows, so that kinks are decided; where a
ball still lies around a kink, more bits are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import flint
import numpy as np

from ..exact import neighbours
from ..formats import Bool, Float64
from .interval import Interval, Numbers, both, corners, quotients

_FAR = 4096.0
_NOTHING = flint.arb(2) ** -4000 * flint.arb(0.5, 0.5)


class Rationals:
    """Arrays of ``fmpq``.

    Attributes:
        axes: How many axes every array has.
    """

    def __init__(self, axes: int) -> None:
        self.axes = axes

    def one(self, value: float) -> Any:
        """A float as a rational."""
        return flint.fmpq(*value.as_integer_ratio())

    def number(self, value: float) -> Numbers:
        """A float as an array of one."""
        found = np.empty((1,) * self.axes, dtype=object)
        found.fill(self.one(value))
        return found

    def numbers(self, values: Float64) -> Numbers:
        """An array of floats."""
        found = np.empty(values.size, dtype=object)
        found[:] = [self.one(value) for value in values.reshape(-1).tolist()]
        return found.reshape(values.shape)

    def add(self, terms: Sequence[Interval], exact: Bool) -> Interval:
        """A sum."""
        del exact
        return both(lambda *ends: reduce(np.add, ends), *terms)

    def total(self, part: Interval, axes: tuple[int, ...], exact: Bool) -> Interval:
        """A sum over axes."""
        del exact
        zero = self.one(0.0)
        return part.map(lambda end: np.sum(end, axis=axes, keepdims=True, initial=zero))

    def multiply(self, a: Interval, b: Interval, exact: Bool) -> Interval:
        """A product."""
        del exact
        return corners(a, b)

    def divide(self, a: Interval, b: Interval, exact: Bool) -> Interval:
        """A quotient."""
        del exact
        return quotients(a, b, self.one(float(2.0**1023)))

    def function(self, name: str, part: Interval) -> Interval:
        """There is none among rationals."""
        raise NotImplementedError(f"{name} of a rational; take balls")

    def ends(self, part: Interval) -> tuple[Float64, Float64, Float64]:
        """Float64 numbers below, nearest to and above."""
        lows = [neighbours(int(x.p), int(x.q)) for x in part.low.reshape(-1).tolist()]
        low = np.array([x[0] for x in lows], dtype=np.float64).reshape(part.low.shape)
        middle = np.array([x[1] for x in lows], dtype=np.float64).reshape(part.low.shape)
        highs = lows if part.known else [neighbours(int(x.p), int(x.q)) for x in part.high.reshape(-1).tolist()]
        high = np.array([x[2] for x in highs], dtype=np.float64).reshape(part.low.shape)
        return low, middle, high


class Balls(Rationals):
    """Arrays of ``arb``, in the working precision of the context."""

    def one(self, value: float) -> Any:
        """A float as a ball without radius."""
        return flint.arb(value)

    def function(self, name: str, part: Interval) -> Interval:
        """An elementary function of each ball."""
        return part.map(lambda end: _each(FUNCTIONS[name], end))

    def ends(self, part: Interval) -> tuple[Float64, Float64, Float64]:
        """Float64 numbers below and above; between them the one nearest to the middle."""
        lows, highs = part.low.reshape(-1).tolist(), part.high.reshape(-1).tolist()
        low = np.array([_end(ball.lower(), -np.inf) for ball in lows], dtype=np.float64)
        high = np.array([_end(ball.upper(), np.inf) for ball in highs], dtype=np.float64)
        if part.known:
            middle = np.array([float(ball.mid()) for ball in lows], dtype=np.float64)
        else:
            middle = low + (high - low) / 2
        low, middle, high = (found.reshape(part.low.shape) for found in (low, middle, high))
        return low, middle, high


def _end(bound: Any, direction: float) -> float:
    """The bound, rounded away from the ball."""
    value = float(bound)
    beyond = flint.arb(value) <= bound if direction < 0 else flint.arb(value) >= bound
    return value if beyond else float(np.nextafter(value, direction))


def _each(function: Callable[[Any], Any], array: Numbers) -> Numbers:
    found: Numbers = np.empty(array.size, dtype=object)
    found[:] = [function(ball) for ball in array.reshape(-1).tolist()]
    return found.reshape(array.shape)


def _exponential(x: Any) -> Any:
    return _NOTHING if x < -_FAR else x.exp()


def _softplus(x: Any) -> Any:
    """max(x, 0) + log(1 + e^-|x|)."""
    decay = _exponential(-abs(x))
    rest = decay if x < -_FAR or x > _FAR else decay.log1p()
    return x + rest if x > 0 else rest if x <= 0 else x.exp().log1p()


def _sigmoid(x: Any) -> Any:
    if x > 0:
        return 1 / (1 + _exponential(-x))
    decay = _exponential(x)
    return decay if x < -_FAR else decay / (1 + decay)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": _exponential,
    "log": lambda x: x.log(),
    "log1p": lambda x: x.log1p(),
    "sqrt": lambda x: x.sqrt(),
    "softplus": _softplus,
    "sigmoid": _sigmoid,
}
"""By name."""
