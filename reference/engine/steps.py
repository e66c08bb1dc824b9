"""How a plain implementation does what the page leaves open: an order, a division, a storage.

A right variant is another :class:`Steps`: sums backwards, in pairs, in blocks, in a wider
format; a reciprocal and a product for a quotient; every step rounded to a format that the
machine does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Array = Any
"""An array of the namespace that the implementation is written in."""


def left_to_right(terms: Sequence[Array]) -> Array:
    """First to last, as they stand in the formula."""
    summed = terms[0]
    for term in terms[1:]:
        summed = summed + term
    return summed


def added(xp: Any, array: Array, axes: tuple[int, ...]) -> Array:
    """The namespace's own sum; axes keep length 1."""
    return xp.sum(array, axis=axes, keepdims=True) if axes else array


def quotient(numerator: Array, denominator: Array) -> Array:
    """One division."""
    return numerator / denominator


def reciprocal(numerator: Array, denominator: Array) -> Array:
    """A reciprocal and a product."""
    return numerator * (1 / denominator)


def unchanged(array: Array) -> Array:
    """A result in its own format."""
    return array


@dataclass(frozen=True)
class Steps:
    """What is left open.

    Attributes:
        add: A sum of terms.
        total: A sum over axes, given the namespace, the numbers and the axes.
        divide: A quotient by a count.
        rounded: What every step's result passes through.
        tie: The slope of max(0, a) at 0, and half of that of |a| beyond -1.
    """

    add: Callable[[Sequence[Array]], Array] = left_to_right
    total: Callable[[Any, Array, tuple[int, ...]], Array] = added
    divide: Callable[[Array, Array], Array] = quotient
    rounded: Callable[[Array], Array] = unchanged
    tie: float = 0.0
