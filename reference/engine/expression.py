"""Real numbers of a formula: what a page's formula is written in.

Axes have names, and what two numbers have in common is matched by name, so that one
formula serves rows, single samples and samples with further axes. ``+`` and ``-`` make one
sum of many terms whose order stays open: ``1 - x + y`` has three terms, not two sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import frexp, isfinite
from numbers import Real

from ..arguments import DomainError
from .masks import Compared, Integers, Mask, renamed
from .node import Node, joined_axes


@dataclass(frozen=True, eq=False)
class Expression(Node):
    """A real number for every place."""

    def __add__(self, other: Expression | float) -> Expression:
        """A sum, merged with the sums among its terms."""
        return total(self, other)

    def __radd__(self, other: float) -> Expression:
        """A number and this."""
        return total(other, self)

    def __neg__(self) -> Expression:
        """The opposite: a sum of one term."""
        return _signed([self], [-1])

    def __sub__(self, other: Expression | float) -> Expression:
        """A difference, merged likewise."""
        return _signed([self, expression(other)], [1, -1])

    def __rsub__(self, other: float) -> Expression:
        """A number less this."""
        return _signed([expression(other), self], [1, -1])

    def __mul__(self, other: Expression | float) -> Expression:
        """A product."""
        return Product((self, expression(other)))

    def __rmul__(self, other: float) -> Expression:
        """A number times this."""
        return Product((expression(other), self))

    def __truediv__(self, other: Expression | float) -> Expression:
        """A quotient; by a power of two, it is a product, because both round alike."""
        divisor = expression(other)
        if (
            isinstance(divisor, Constant)
            and abs(frexp(divisor.value)[0]) == 0.5
            and 2**-9 <= abs(divisor.value) <= 2**9
        ):
            return self * (1 / divisor.value)
        return Quotient((self, divisor))

    def __rtruediv__(self, other: float) -> Expression:
        """A number over this."""
        return Quotient((expression(other), self))

    def __pow__(self, exponent: int) -> Expression:
        """A power with a small positive exponent."""
        whole = _exponent(exponent)
        return self if whole == 1 else Power((self,), whole)

    def __abs__(self) -> Expression:
        """The magnitude."""
        return Absolute((self,))

    def __lt__(self, other: Expression | float) -> Mask:
        """Where it is below another number."""
        return Compared((self, expression(other)), "<")

    def __ge__(self, other: Expression | float) -> Mask:
        """Where it is not below another number."""
        return Compared((self, expression(other)), ">=")

    def __gt__(self, other: Expression | float) -> Mask:
        """Where it is above another number."""
        return Compared((self, expression(other)), ">")

    def __le__(self, other: Expression | float) -> Mask:
        """Where it is not above another number."""
        return ~(self > other)

    def equals(self, other: Expression | float) -> Mask:
        """Where it is another number."""
        return Compared((self, expression(other)), "==")

    def at(self, index: Integers, axis: str) -> Expression:
        """The number at an index along an axis, which goes; the index's axes come."""
        return Gather((self, index), self.along_axis(axis))

    def along(self, old: str, new: str) -> Expression:
        """The same numbers with one axis under another name."""
        return Renamed((self,), self.along_axis(old), new)

    def total(self, *axes: str) -> Expression:
        """The sum over axes, in open order."""
        for axis in axes:
            self.along_axis(axis)
        if isinstance(self, Total):
            return Total(self.parents, (*self.over, *axes))
        return Total((self,), axes) if axes else self


def expression(value: Expression | float) -> Expression:
    """A number as a node.

    Raises:
        DomainError: It is none, or not finite.
    """
    if isinstance(value, Expression):
        return value
    if not isinstance(value, Real) or not isfinite(value):
        shown = type(value).__name__ if isinstance(value, Node) else repr(value)
        raise DomainError(f"{shown} in a formula; it takes expressions and finite numbers")
    return Constant((), float(value))


def _exponent(exponent: object) -> int:
    if not isinstance(exponent, int) or exponent < 1:
        raise DomainError(f"power {exponent!r}: no such power; an exponent is an integer from 1 on")
    return exponent


def total(*terms: Expression | float) -> Expression:
    """The sum of terms, in open order."""
    return _signed([expression(term) for term in terms], [1] * len(terms))


def _signed(terms: Sequence[Expression], signs: Sequence[int]) -> Expression:
    parents: list[Node] = []
    merged: list[int] = []
    for term, sign in zip(terms, signs, strict=True):
        inner = (term.parents, term.signs) if isinstance(term, Sum) else ((term,), (1,))
        parents += inner[0]
        merged += [sign * own for own in inner[1]]
    if len(parents) == 1 and merged == [1] and isinstance(parents[0], Expression):
        return parents[0]
    return Sum(tuple(parents), tuple(merged))


@dataclass(frozen=True, eq=False)
class Argument(Expression):
    """An argument of real numbers, exact in the subject's format."""

    name: str
    names: tuple[str, ...]

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The argument's own."""
        return self.names


@dataclass(frozen=True, eq=False)
class Option(Expression):
    """A Python float among the arguments, which the framework converts to its format."""

    name: str


@dataclass(frozen=True, eq=False)
class Constant(Expression):
    """A number of the formula; converted like an option if no value of the format."""

    value: float


@dataclass(frozen=True, eq=False)
class Count(Expression):
    """How many places some axes have together: a positive integer, or 0 if one of them is empty."""

    over: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Counted(Expression):
    """At how many places of some axes a mask holds."""

    over: tuple[str, ...]

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The mask's without those."""
        return tuple(name for name in self.parents[0].axes if name not in self.over)


@dataclass(frozen=True, eq=False)
class Sum(Expression):
    """Terms with signs, added in open order."""

    signs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Product(Expression):
    """Two factors."""


@dataclass(frozen=True, eq=False)
class Quotient(Expression):
    """A numerator over a denominator: a :class:`Count`, or computed."""


@dataclass(frozen=True, eq=False)
class Power(Expression):
    """A base to an integer exponent of at least 2."""

    exponent: int


@dataclass(frozen=True, eq=False)
class Absolute(Expression):
    """|a|."""


@dataclass(frozen=True, eq=False)
class Positive(Expression):
    """max(0, a)."""


@dataclass(frozen=True, eq=False)
class Larger(Expression):
    """max(a, b)."""


@dataclass(frozen=True, eq=False)
class Where(Expression):
    """A mask, what stands where it holds, and what stands elsewhere."""


@dataclass(frozen=True, eq=False)
class Gather(Expression):
    """Numbers and an index: the number at the index along ``axis``."""

    axis: str

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The numbers' without the axis, and the index's."""
        kept = tuple(name for name in self.parents[0].axes if name != self.axis)
        return joined_axes([kept, self.parents[1].axes])


@dataclass(frozen=True, eq=False)
class Renamed(Expression):
    """Numbers with axis ``old`` under the name ``new``."""

    old: str
    new: str

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The parent's, with the other name."""
        return renamed(self.parents[0].axes, self.old, self.new)


@dataclass(frozen=True, eq=False)
class Total(Expression):
    """The sum over some axes, in open order."""

    over: tuple[str, ...]

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The parent's without those."""
        return tuple(name for name in self.parents[0].axes if name not in self.over)


@dataclass(frozen=True, eq=False)
class Elementary(Expression):
    """A function of one number: ``exp``, ``log``, ``log1p``, ``sigmoid``, ``softplus`` or ``sqrt``."""

    function: str


@dataclass(frozen=True, eq=False)
class LogSumExp(Expression):
    """log of the sum of exponentials over an axis, which goes; taken with the largest number set apart."""

    axis: str

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The parent's without the axis."""
        return tuple(name for name in self.parents[0].axes if name != self.axis)


@dataclass(frozen=True, eq=False)
class Stored(Expression):
    """The same number, once more rounded to the format: what a wider accumulator needs at the end."""
