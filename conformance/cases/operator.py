"""An operator as data: its arguments, options and axes, from which everything else about it is derived."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from conformance.cases.random_bits import RandomBits
from reference.formats import Bool, Float64, Format

if TYPE_CHECKING:
    from conformance.cases.case import Case
    from reference.enclosure import Answer
    from reference.engine.formula import Formula
    from reference.formats import Arithmetic
    from reference.nonfinite import Class

Array = npt.NDArray[Any]
"""Exact values of an argument: float64, or int64 for indices."""

Sizes = Mapping[str, int]
Role = Literal["scores", "labels", "indices", "weight"]
Property = Literal["not-negative", "convex", "grows-like-its-scores", "translation-invariant", "has-kinks"]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """A sentence of an official page, or the reason that stands for one."""

    title: str
    address: str
    version: str
    words: str


@dataclass(frozen=True)
class Example:
    """An example that a page prints.

    Attributes:
        name: Last word of its clause's id, such as ``torch-example``.
        statement: What the page prints, in a sentence.
        sources: The lines of the page.
        arrays: Its arguments, by name.
        reduction: As of the call.
        options: Further keyword arguments of the call.
    """

    name: str
    statement: str
    sources: tuple[Source, ...]
    arrays: Mapping[str, Any]
    reduction: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Signature:
    """The parameters of a function or class as a page prints them.

    Attributes:
        framework: Whose page.
        form: ``native`` or ``module``.
        versions: Of the framework, as pip writes a range.
        source: The line of the page.
        parameters: Names and the ``repr`` of their defaults; empty for a parameter without one.
    """

    framework: str
    form: Literal["native", "module"]
    versions: str
    source: Source
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Wanted:
    """What values of an argument a clause wants.

    Attributes:
        format: Format of the scores.
        sizes: Size of each axis of the case.
        shape: Shape of the array.
        kinds: The kinds of values to choose from, in the argument's own words.
    """

    format: Format
    sizes: Sizes
    shape: Shape
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Argument:
    """One tensor of an operator.

    Attributes:
        name: As the pages call it.
        axes: The axes that it has, outermost first; the batch axis and free axes may be absent from a case.
        role: ``scores``; ``labels``, numbers that say what is right; ``indices``, integers that name
            places of an axis; ``weight``, a factor.
        draw: Makes values of the wanted kinds.
        plain: The kinds of values of which the pages speak.
        every: The kinds of values that are valid; of scores, those of every size.
        few: The kinds with which a call costs least, by which costs are measured; empty for the plain ones.
        lattice: Every value that an element has in the exhaustive lattice, for C classes; empty for one that
            the lattice leaves out.
        plainer: Values by which the minimiser replaces others, the plainest first.
        optional: Whether a call may leave it out.
        place: ``positional``, or ``keyword`` for one that a module takes when it is made.
        indexes: The axis whose places its values name: they are renamed when that axis is cut.
        keep: Values that name no place, such as -1 or an ignored index.
        differentiable: Whether the loss has a derivative to it.
    """

    name: str
    axes: tuple[str, ...]
    role: Role
    draw: Callable[[RandomBits, Wanted], Array]
    plain: tuple[str, ...] = ("plain",)
    every: tuple[str, ...] = ("every",)
    few: tuple[str, ...] = ()
    lattice: Callable[[int], tuple[float, ...]] = lambda classes: ()
    plainer: tuple[float, ...] = (0.0, 1.0)
    optional: bool = False
    place: Literal["positional", "keyword"] = "positional"
    indexes: str = ""
    keep: tuple[int, ...] = ()
    differentiable: bool = False

    @property
    def whole_numbers(self) -> bool:
        """Whether its values are integers, handed over in an integer dtype."""
        return self.role == "indices"


@dataclass(frozen=True)
class Option:
    """A scalar setting of an operator.

    Attributes:
        name: As the pages call it.
        values: Values to draw, the default not among them.
        default: What holds if a call leaves it out.
        compiled: The one of them that compiled modes get, where each is another program; if None, the first.
        far: Further values, far from those that people use, such as large and tiny ones, for clauses of their own.
    """

    name: str
    values: tuple[Any, ...]
    default: Any
    compiled: Any = None
    far: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Simplifying:
    """How the minimiser treats an operator whose arguments hold more than places of one axis.

    Attributes:
        cut: The case with some places of an axis only, in each way that makes sense; replaces the usual cut.
        rounds: Further simplifications: how many things a case has, and the case without those from a place to another.
        leaps: Simplifications by large steps, tried before the axes are cut.
    """

    cut: Callable[[Case, str, Bool], Iterator[Case]] | None = None
    rounds: tuple[tuple[Callable[[Case], int], Callable[[Case, int, int], Iterator[Case]]], ...] = ()
    leaps: tuple[Callable[[Case], Iterator[Case]], ...] = ()


Oracle = Callable[["Case", "Arithmetic", bool], "Answer"]
"""Expected value and gradients of a case; the flag grants the rounding of the page's formula taken step by step."""


@dataclass(frozen=True, eq=False)
class Operator:
    """A loss with its contract.

    Attributes:
        name: As the frameworks call the function.
        word: First word of its clauses' ids.
        title: In plain words, for pages and help.
        arguments: In the order of a positional call; the first holds scores.
        result: Axes of the result of reduction ``none``.
        formula: What is expected of a case, and of infinities and NaN, follows from it, and the page shows it.
        options: Beside ``reduction``.
        sizes: The axes, the batch axis first, with the smallest and largest size to draw. A free axis that is missing
            here is in no case that is drawn, but in those of clauses about many axes.
        unbatched: Whether the pages allow a case without the batch axis.
        batched_in: Frameworks whose own page asks for the batch axis, where another page does not.
        free: Axes that may be absent.
        cuts: Axes that the minimiser may shorten.
        default_reduction: What a reduction that is left out means.
        pages: Sentences of official pages by topic, such as ``formula``, ``reductions`` or ``weight``.
        examples, signatures: That the pages print.
        properties: What the formula implies about all its losses.
        away: For each score of the first argument, the direction (1, -1 or 0) in which the loss does not fall.
        oracle: Written by hand: the fast path in the formula's stead, or what there is without a formula.
        limits: What the formula's limit and IEEE 754 make of a case with infinities or NaN, by hand likewise.
        simplifying: Where cutting an axis takes more than cutting arrays.
    """

    name: str
    word: str
    title: str
    arguments: tuple[Argument, ...]
    result: tuple[str, ...]
    formula: Formula | None = None
    options: tuple[Option, ...] = ()
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=lambda: {"N": (1, 4), "C": (1, 6)})
    unbatched: bool = True
    batched_in: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ("N", "C")
    default_reduction: str = "mean"
    pages: Mapping[str, tuple[Source, ...]] = field(default_factory=dict[str, tuple[Source, ...]])
    examples: tuple[Example, ...] = ()
    signatures: tuple[Signature, ...] = ()
    properties: frozenset[Property] = frozenset()
    away: Callable[[Case], Float64] | None = None
    oracle: Oracle | None = None
    limits: Callable[[Case], list[Class]] | None = None
    simplifying: Simplifying = Simplifying()

    def __str__(self) -> str:
        return self.name

    @property
    def batch(self) -> str:
        """The axis of independent rows."""
        return next(iter(self.sizes))

    @property
    def scores(self) -> tuple[Argument, ...]:
        """The arguments that hold scores."""
        return tuple(argument for argument in self.arguments if argument.role == "scores")

    @property
    def target(self) -> Argument | None:
        """What goes with the first argument: labels or indices, else further scores; None if there is no other."""
        others = [argument for argument in self.arguments[1:] if not argument.optional]
        return next((each for each in others if each.role in ("labels", "indices")), others[0] if others else None)

    @property
    def weights(self) -> tuple[Argument, ...]:
        """The arguments that are factors of each class."""
        return tuple(argument for argument in self.arguments if argument.role == "weight")

    def quoted(self, *topics: str) -> tuple[Source, ...]:
        """What the pages say on some topics."""
        return tuple(source for topic in topics for source in self.pages.get(topic, ()))

    def argument(self, name: str) -> Argument:
        """An argument by its name.

        Raises:
            KeyError: There is none.
        """
        for argument in self.arguments:
            if argument.name == name:
                return argument
        raise KeyError(f"{self.name} has no argument {name!r}; it has {', '.join(a.name for a in self.arguments)}")

    def has(self, name: str) -> bool:
        """Whether there is such an argument."""
        return any(argument.name == name for argument in self.arguments)

    def axes_of(self, argument: Argument, dimensions: int) -> tuple[str, ...]:
        """The axes of an array of so many dimensions: the last free axis is absent first, the batch axis last.

        An array of another rank than the pages allow has none.
        """
        axes = list(argument.axes)
        for axis in (*reversed(self.free), self.batch):
            if len(axes) > dimensions and axis in axes:
                axes.remove(axis)
        return tuple(axes) if len(axes) == dimensions else ()

    def allows(self, argument: Argument, dimensions: int) -> bool:
        """Whether an array of so many dimensions has every axis that it must have, and no more than it may."""
        least = sum(axis != self.batch and axis not in self.free for axis in argument.axes)
        return least <= dimensions <= len(argument.axes)

    def program(self, shape: Shape) -> dict[str, int]:
        """The sizes of a program's fixed shape: rows first, the next axis after them, free axes absent."""
        axes = [axis for axis in self.sizes if axis not in self.free or axis == self._second]
        return dict(zip(axes, shape, strict=False))

    @property
    def _second(self) -> str:
        return next((axis for axis in self.sizes if axis != self.batch), "")
