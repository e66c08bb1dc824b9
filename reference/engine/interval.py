"""Intervals that contain the exact numbers of a formula, in float64 or in numbers that do not round.

Arithmetic in float64 is done at both ends, which are one array where the number is known
exactly, and moved outwards by what that arithmetic may be off, unless a grid
(:mod:`.scale`) shows that it is not. Sums of up to three known numbers keep their sign:
if it is in doubt, error-free sums decide it.

``Exact`` numbers are rationals, or balls that hold a transcendental number; the same
rules run over them for the rows that float64 leaves too wide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import numpy as np

from ..exact import two_sum
from ..formats import Bool, Float64
from .elementary import LogisticParts, enclosed
from .layout import stretched

_ULP = 2.0**-52
_LEAST = 2.0**-1073
Numbers = Any
"""An array of float64, of rationals or of balls."""


@dataclass(frozen=True)
class Interval:
    """The ends, which are one array where the number is known."""

    low: Numbers
    high: Numbers

    @property
    def known(self) -> bool:
        """Whether every number is known exactly."""
        return self.low is self.high

    def map(self, function: Callable[[Numbers], Numbers]) -> Interval:
        """The same done to both ends, or once."""
        low = function(self.low)
        return Interval(low, low if self.known else function(self.high))

    def opposite(self) -> Interval:
        """The number with the other sign."""
        return Interval(-self.high, -self.low) if not self.known else point(-self.low)

    @property
    def magnitude(self) -> Numbers:
        """The largest magnitude inside."""
        return abs(self.low) if self.known else np.maximum(abs(self.low), abs(self.high))


_numpy: Any = np


def choose(mask: Any, one: Numbers, other: Numbers) -> Numbers:
    """Numbers of any kind, by a mask."""
    return _numpy.where(mask, one, other)


def point(number: Numbers) -> Interval:
    """A known number."""
    return Interval(number, number)


def both(function: Callable[..., Numbers], *parts: Interval) -> Interval:
    """A function that rises with each of its arguments, at the lower ends and at the upper ones."""
    low = function(*(part.low for part in parts))
    known = all(part.known for part in parts)
    return Interval(low, low if known else function(*(part.high for part in parts)))


class Arithmetic(Protocol):
    """How numbers of one kind are combined."""

    def number(self, value: float) -> Numbers:
        """A float as one of them."""
        ...

    def numbers(self, values: Float64) -> Numbers:
        """An array of floats likewise."""
        ...

    def add(self, terms: Sequence[Interval], exact: Bool) -> Interval:
        """A sum."""
        ...

    def total(self, part: Interval, axes: tuple[int, ...], exact: Bool) -> Interval:
        """A sum over axes."""
        ...

    def multiply(self, a: Interval, b: Interval, exact: Bool) -> Interval:
        """A product."""
        ...

    def divide(self, a: Interval, b: Interval, exact: Bool) -> Interval:
        """A quotient; from -inf to inf where the denominator may be 0."""
        ...

    def function(self, name: str, part: Interval) -> Interval:
        """An elementary function that rises."""
        ...


class InFloat64:
    """Float64, rounded outwards."""

    def __init__(self) -> None:
        self._parts = LogisticParts()

    def number(self, value: float) -> Float64:
        """The number itself."""
        return np.array(value, dtype=np.float64)

    def numbers(self, values: Float64) -> Float64:
        """The numbers themselves."""
        return values

    def add(self, terms: Sequence[Interval], exact: Bool) -> Interval:
        """A sum; its error is at most (n - 1) u times the magnitudes, and 2 n u are granted."""
        found = both(lambda *ends: reduce(np.add, ends), *terms)
        if exact.all():
            return found
        doubt = reduce(np.add, [term.magnitude for term in terms]) * (len(terms) * _ULP)
        wide = _widened(found, doubt, exact)
        if len(terms) > 3 or not all(term.known for term in terms):
            return wide
        return _settled(wide, [term.low for term in terms])

    def total(self, part: Interval, axes: tuple[int, ...], exact: Bool) -> Interval:
        """The same for a sum over axes."""
        found = part.map(lambda end: np.sum(end, axis=axes, keepdims=True))
        if exact.all():
            return found
        terms = np.prod([part.low.shape[axis] for axis in axes])
        return _widened(found, np.sum(part.magnitude, axis=axes, keepdims=True) * (terms * _ULP), exact)

    def multiply(self, a: Interval, b: Interval, exact: Bool) -> Interval:
        """The hull of the products of ends; one rounding."""
        found = corners(a, b)
        if exact.all():
            return found
        nothing = exact | (a.magnitude == 0) | (b.magnitude == 0)
        return _widened(found, found.magnitude * _ULP + _LEAST, nothing)

    def divide(self, a: Interval, b: Interval, exact: Bool) -> Interval:
        """The hull of the quotients of ends; one rounding."""
        found = quotients(a, b, np.inf)
        if exact.all():
            return found
        return _widened(found, found.magnitude * _ULP + _LEAST, exact | (a.magnitude == 0))

    def function(self, name: str, part: Interval) -> Interval:
        """With the proved error of :mod:`.elementary`."""
        return Interval(*enclosed(name, part.low, part.high, self._parts))


def _widened(found: Interval, doubt: Float64, exact: Bool) -> Interval:
    doubt = np.where(exact, 0.0, doubt)
    return Interval(found.low - doubt, found.high + doubt)


def _settled(wide: Interval, terms: list[Float64]) -> Interval:
    """Replace intervals that cancellation left wide, and those around 0, by exactly signed ones.

    Two error-free sums leave the sum as t + f + e. If f is not 0 then t did not cancel and
    outweighs f + e; if f is 0, t + e is rounded once. Either way the sign of t + (f + e) is
    exact, and its error is one unit at most; sums of tiny numbers do not round at all.
    """
    chosen = np.nonzero(wide.high - wide.low > np.maximum(np.abs(wide.low), np.abs(wide.high)) * 2.0**-40)
    if not len(chosen[0]):
        return wide
    parts = [stretched(term, wide.low.shape)[chosen] for term in terms]
    s, first = two_sum(parts[0], parts[1])
    t, second = two_sum(s, parts[2]) if len(parts) == 3 else (s, np.zeros_like(s))
    found = t + (second + first)
    exact = np.abs(found) < 2.0**-1020
    wide.low[chosen] = np.where(exact, found, np.nextafter(found, -np.inf))
    wide.high[chosen] = np.where(exact, found, np.nextafter(found, np.inf))
    return wide


def corners(a: Interval, b: Interval) -> Interval:
    """The hull of the products of two intervals' ends."""
    if a.known and b.known:
        return point(a.low * b.low)
    products = [one * other for one in {id(a.low): a.low, id(a.high): a.high}.values() for other in (b.low, b.high)]
    return Interval(reduce(np.minimum, products), reduce(np.maximum, products))


def quotients(a: Interval, b: Interval, beyond: Numbers) -> Interval:
    """The hull of the quotients of two intervals' ends, unbounded where the denominator may be 0."""
    if a.known and b.known and not np.any(b.low == 0):
        return point(a.low / b.low)
    apart = (b.low > 0) | (b.high < 0)
    below, above = np.where(apart, b.low, 1), np.where(apart, b.high, 1)
    found = [one / other for one in (a.low, a.high) for other in (below, above)]
    low, high = reduce(np.minimum, found), reduce(np.maximum, found)
    return Interval(np.where(apart, low, -beyond), np.where(apart, high, beyond))


def hull(a: Interval, b: Interval) -> Interval:
    """The smallest interval around two."""
    return Interval(np.minimum(a.low, b.low), np.maximum(a.high, b.high))
