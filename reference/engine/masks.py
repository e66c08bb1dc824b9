"""Integers and truths of a formula: labels, positions, and the choices made by them.

They are exact in every format, except a comparison of numbers that were computed from
scores (:class:`Compared`): rounding may turn that, and the bounds grant both sides then.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .node import Node, joined_axes


@dataclass(frozen=True, eq=False)
class Mask(Node):
    """A truth for every place."""

    def __and__(self, other: Mask) -> Mask:
        """Where both hold."""
        return And((self, other))

    def __or__(self, other: Mask) -> Mask:
        """Where one of them holds."""
        return Or((self, other))

    def __invert__(self) -> Mask:
        """Where it does not hold."""
        return Not((self,))

    def any(self, axis: str) -> Mask:
        """Where it holds somewhere along an axis."""
        return AnyOf((self,), self.along_axis(axis))

    def leading(self, axis: str) -> Mask:
        """Where it holds and has held at every earlier place of an axis."""
        return Leading((self,), self.along_axis(axis))


@dataclass(frozen=True, eq=False)
class Integers(Node):
    """An integer for every place."""

    def along(self, old: str, new: str) -> Integers:
        """The same integers with one axis under another name."""
        return RenamedIntegers((self,), self.along_axis(old), new)

    def equals(self, other: Integers | int) -> Mask:
        """Where two integers are equal."""
        return Related((self, integer(other)), "==")

    def at_least(self, other: Integers | int) -> Mask:
        """Where an integer is not below another."""
        return Related((self, integer(other)), ">=")

    def below(self, other: Integers | int) -> Mask:
        """Where an integer is below another."""
        return Related((self, integer(other)), "<")


def integer(value: Integers | int) -> Integers:
    """An integer as a node."""
    return value if isinstance(value, Integers) else IntegerConstant((), value)


@dataclass(frozen=True, eq=False)
class IntegerArgument(Integers):
    """An argument of class indices; shape: its axes."""

    name: str
    names: tuple[str, ...]

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The argument's own."""
        return self.names


@dataclass(frozen=True, eq=False)
class IntegerConstant(Integers):
    """One integer everywhere."""

    value: int


@dataclass(frozen=True, eq=False)
class Position(Integers):
    """0, 1, 2... along an axis."""

    axis: str

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The one axis."""
        return (self.axis,)


@dataclass(frozen=True, eq=False)
class RenamedIntegers(Integers):
    """Integers with axis ``old`` under the name ``new``."""

    old: str
    new: str

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The parent's, with the other name."""
        return renamed(self.parents[0].axes, self.old, self.new)


@dataclass(frozen=True, eq=False)
class Related(Mask):
    """Two integers in a relation: ``==``, ``>=`` or ``<``."""

    relation: str


@dataclass(frozen=True, eq=False)
class Compared(Mask):
    """Two numbers in a relation: ``==``, ``>=``, ``>`` or ``<``; exact where both are arguments or constants."""

    relation: str


@dataclass(frozen=True, eq=False)
class And(Mask):
    """Both."""


@dataclass(frozen=True, eq=False)
class Or(Mask):
    """At least one of two."""


@dataclass(frozen=True, eq=False)
class Not(Mask):
    """The opposite."""


@dataclass(frozen=True, eq=False)
class AnyOf(Mask):
    """Whether it holds anywhere along an axis, which goes."""

    axis: str

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """The parent's without the axis."""
        return tuple(name for name in self.parents[0].axes if name != self.axis)


@dataclass(frozen=True, eq=False)
class Leading(Mask):
    """Whether it holds from the start of an axis up to here."""

    axis: str


def renamed(axes: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    """Axes with one of them under another name."""
    return joined_axes([tuple(new if name == old else name for name in axes)])
