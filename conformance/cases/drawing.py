"""Where cases come from: drawn from numbered random bits, or written down."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Operator, Option, Shape, Wanted
from conformance.cases.random_bits import RandomBits
from conformance.cases.values import cotangents
from reference.formats import FORMATS, Format

_LATTICE_OF_EXPENSIVE_ROWS = 2

_OF_ROLE = {"scores": "scores", "labels": "labels", "indices": "labels", "weight": "weights"}


@dataclass(frozen=True)
class Domain:
    """What may be drawn for a variant.

    Attributes:
        operator: Whose cases.
        dtype: Format of the scores.
        dtypes: How arguments are handed over that are not of the scores' dtype, by name.
        shapes: Sizes to choose from, rows first, for a variant that pays for each new shape; empty
            if any small shape is cheap.
        lattice: Largest C of an exhaustive lattice.
        classes: Largest C of all that a variant can afford.
        exhaustive: Whether every value of a format of 32 bits may be asked.
        programs: Whether another value of an option is another program, so that options keep their
            defaults where they are not the question.
    """

    operator: Operator
    dtype: str
    dtypes: tuple[tuple[str, str], ...] = ()
    shapes: tuple[Shape, ...] = ()
    lattice: int = 3
    classes: int = 2**16 + 3
    exhaustive: bool = False
    programs: bool = False

    @property
    def format(self) -> Format:
        """Format of the scores."""
        return FORMATS[self.dtype]

    @property
    def expensive_rows(self) -> bool:
        """Whether a row takes milliseconds, so that even its lattice is the smallest."""
        return self.lattice <= _LATTICE_OF_EXPENSIVE_ROWS

    @property
    def one_shape(self) -> bool:
        """Whether every shape but one is another program, so that few others are asked."""
        return self.programs and len(self.shapes) == 1

    def values(self, option: Option) -> tuple[Any, ...]:
        """The values of an option that are asked beside its default."""
        one = (option.compiled,) if option.compiled in option.values else option.values[:1]
        return one if self.programs else option.values

    def case(self, **parts: Any) -> Case:
        """A case of the domain: arguments by name, and fields of :class:`Case`."""
        return Case(self.operator, self.dtype, {}, dict(self.dtypes)).replace(**parts)


class Draw(Protocol):
    """Where a clause's cases come from."""

    def cases(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        """Different cases of a domain: the same ones for the same name and seed."""
        ...


Build = Callable[[RandomBits, Domain], Case]


@dataclass(frozen=True)
class Drawn:
    """Cases that are made of random bits.

    Attributes:
        build: Makes one case.
        few: How many at most, where every shape but one is another program; None for as many as elsewhere.
        most: How many at most in every domain; None for as many as the profile asks.
    """

    build: Build
    few: int | None = None
    most: int | None = None

    def map(self, change: Callable[[Case], Case]) -> Drawn:
        """The same cases, each changed."""
        return Drawn(lambda bits, domain: change(self.build(bits, domain)), self.few, self.most)

    def then(self, change: Callable[[Case, RandomBits, Domain], Case]) -> Drawn:
        """The same cases, each changed with further random bits, as the domain allows."""
        return Drawn(lambda bits, domain: change(self.build(bits, domain), bits, domain), self.few, self.most)

    def fewer(self, count: int) -> Drawn:
        """The same cases, so many at most of a domain in which each is compiled anew."""
        return dataclasses.replace(self, few=count)

    def at_most(self, count: int) -> Drawn:
        """The same cases, so many at most: for what depends on ranks, reductions and options, not on numbers."""
        return dataclasses.replace(self, most=count)

    def cases(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        """Draw them with the name and the run's seed, as many of each shape of the domain.

        What is drawn of fewer shapes, or fewer of each, is among them. Equal cases count once.
        """
        limits = (self.few if domain.one_shape else None, self.most)
        count = min([count, *(limit for limit in limits if limit is not None)])
        alone = [dataclasses.replace(domain, shapes=(shape,)) for shape in domain.shapes] or [domain]
        return [case for each in alone for case in self._some(each, -(-count // len(alone)), name, seed)]

    def _some(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        found: dict[str, Case] = {}
        for bits in itertools.islice(RandomBits.streams(name, seed), count):
            case = self.build(bits, domain)
            found.setdefault(case.digest(), case)
        return list(found.values())


@dataclass(frozen=True)
class Fixed:
    """Cases that are written down, whatever the count.

    Attributes:
        build: Makes them; none for a domain that they do not concern.
        whole: A case is shown as it is; else it is made smaller, like a drawn one.
        long: There are so many, or they are so large, that a variant of slow calls gets some of them.
    """

    build: Callable[[Domain], list[Case]]
    whole: bool = True
    long: bool = False

    def cases(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        """All of them."""
        del count, name, seed
        return self.build(domain)


Kinds = str | tuple[str, ...]
Options = Literal["none", "any", "many", "one", "all"]
Setting = Mapping[str, Any]
Further = Callable[[Domain], list[Setting]]


@dataclass(frozen=True)
class _Choice:
    reductions: tuple[str | None, ...]
    kinds: Mapping[str, Kinds]
    given: tuple[str, ...]
    sometimes: tuple[str, ...]
    sizes: Mapping[str, int]
    least: Mapping[str, int]
    options: Options
    further: Further | None
    cotangent: bool


def drawn(
    reductions: tuple[str | None, ...] = ("none",),
    *,
    scores: Kinds = "every",
    labels: Kinds = "every",
    weights: Kinds = "every",
    given: tuple[str, ...] = (),
    sometimes: tuple[str, ...] = (),
    sizes: Mapping[str, int] | None = None,
    least: Mapping[str, int] | None = None,
    options: Options = "any",
    further: Further | None = None,
    cotangent: bool = False,
) -> Drawn:
    """Valid cases of an operator.

    Args:
        reductions: To take in turn, with each number of free axes and each value of an option.
        scores: ``plain``, of which the pages speak; ``every``, of every size; ``few``, of which a call
            costs least; or kinds by name.
        labels: The same for labels and indices.
        weights: The same for weights.
        given: Optional arguments, by role or name, that a case has; others are left out.
        sometimes: Further ones, that every other case has.
        sizes: Fixed sizes of axes.
        least: Smallest sizes of axes.
        options: Which options have another value than their default: ``none``; ``any``, but none where that is
            another program; ``many``, any, and there none or all; ``one``; ``all``.
        further: Further settings of a domain, of which each case has one.
        cotangent: Draw an upstream gradient of the result's shape.
    """
    kinds = {"scores": scores, "labels": labels, "weights": weights}
    choice = _Choice(reductions, kinds, given, sometimes, sizes or {}, least or {}, options, further, cotangent)
    return Drawn(lambda bits, domain: _build(bits, domain, choice))


def _build(bits: RandomBits, domain: Domain, choice: _Choice) -> Case:
    """A case: what has few values is chosen in turn, the rest is drawn in an order that never changes."""
    operator = domain.operator
    reduction, free, given, *settings = bits.in_turn(
        choice.reductions, _free(domain, choice), _given(operator, choice), *_settings(domain, choice)
    )
    sizes = _sizes(bits, domain, choice, free)
    arrays = {
        argument.name: argument.draw(bits, _wanted(argument, sizes, domain, choice.kinds))
        for argument in operator.arguments
        if not argument.optional or {argument.name, argument.role} & set(given)
    }
    options = {name: value for setting in settings for name, value in setting.items()}
    case = domain.case(reduction=reduction, arrays=arrays, options=options)
    if choice.cotangent:
        case = case.replace(cotangent=cotangents(bits, domain.format, case.result_shape))
    return case


def _settings(domain: Domain, choice: _Choice) -> list[list[Setting]]:
    """Choices of options."""
    alone: list[list[Setting]] = [[{o.name: value} for value in domain.values(o)] for o in domain.operator.options]
    any_of: list[list[Setting]] = [[{}, *each] for each in alone]
    of: dict[Options, list[list[Setting]]] = {
        "none": [],
        "any": [] if domain.programs else any_of,
        "many": _together(alone) if domain.programs else any_of,
        "one": [[setting for each in alone for setting in each]],
        "all": alone,
    }
    return [*of[choice.options], *([choice.further(domain)] if choice.further else [])]


def _together(alone: list[list[Setting]]) -> list[list[Setting]]:
    """The defaults of all options, or another value of each."""
    return [[{}, dict(setting for each in alone for setting in each[0].items())]] if alone else []


def _given(operator: Operator, choice: _Choice) -> list[tuple[str, ...]]:
    """The optional arguments that a case may have."""
    may = any(
        argument.optional and {argument.name, argument.role} & set(choice.sometimes) for argument in operator.arguments
    )
    return [choice.given, (*choice.given, *choice.sometimes)] if may else [choice.given]


def _wanted(argument: Argument, sizes: Mapping[str, int], domain: Domain, kinds: Mapping[str, Kinds]) -> Wanted:
    asked = kinds[_OF_ROLE[argument.role]]
    words = {"plain": argument.plain, "every": argument.every, "few": argument.few or argument.plain}
    chosen = words.get(asked, (asked,)) if isinstance(asked, str) else asked
    shape = tuple(sizes[axis] for axis in argument.axes if axis in sizes)
    return Wanted(domain.format, sizes, shape, chosen)


def _free(domain: Domain, choice: _Choice) -> list[tuple[str, ...]]:
    """The free axes that a case may have: the first ones, with those whose size is fixed."""
    operator = domain.operator
    free = [axis for axis in operator.free if axis in operator.sizes]
    if domain.shapes:
        return [()]
    least = max((place + 1 for place, axis in enumerate(free) if axis in choice.sizes), default=0)
    return [tuple(free[:count]) for count in range(least, len(free) + 1)]


def _sizes(bits: RandomBits, domain: Domain, choice: _Choice, free: tuple[str, ...]) -> dict[str, int]:
    operator = domain.operator
    if domain.shapes:
        found = operator.program(bits.one_of(domain.shapes))
    else:
        drawn = {axis: _size(bits, axis, ends, choice) for axis, ends in operator.sizes.items()}
        found = {axis: size for axis, size in drawn.items() if axis not in operator.free or axis in free}
    return {**found, **{axis: size for axis, size in choice.sizes.items() if axis in found or axis in operator.free}}


def _size(bits: RandomBits, axis: str, ends: tuple[int, int], choice: _Choice) -> int:
    return bits.integer(max(ends[0], choice.least.get(axis, 0)), ends[1] + 1)


FIRST = (2, 4)
"""Sizes of the case that a variant is asked before all others: rows, then places of the next axis."""


def plain_case(domain: Domain, sizes: Shape, reduction: str = "none") -> Case:
    """A plain valid case: scores in quarters, few labels, options at their defaults.

    Args:
        domain: Whose case.
        sizes: Rows, then the size of the next axis.
        reduction: As of the call.
    """
    build = drawn((reduction,), scores="grid", labels="few", options="none").build
    return build(RandomBits(*sizes), dataclasses.replace(domain, shapes=(sizes,)))
