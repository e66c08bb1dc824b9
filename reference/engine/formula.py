"""A loss as data: its arguments, its options, and its formula as two functions over expressions.

:func:`trace` makes a :class:`Graph` of it, for arguments of given shapes. Everything else of
the engine interprets the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .expression import Argument, Count, Expression, Option, Quotient, Stored
from .masks import IntegerArgument
from .node import Node, walk
from .shapes import Binding

Setting = float | int | str | bool | None
"""What an option may be."""


DOMAINS = ("finite", "unit", "sign", "class", "block")
"""What an argument may hold."""


@dataclass(frozen=True)
class ArgumentSpec:
    """One tensor of a loss.

    Attributes:
        name: As the page names it.
        pattern: Its axes. ``N? C`` is a row or rows; ``...`` stands for any further
            axes, the same in each argument that has them.
        domain: What it may hold: ``finite``, ``unit`` (from 0 to 1), ``sign`` (1 or -1),
            ``class`` (an index of axis C) or ``block`` (indices up to the first negative one).
        optional: Whether it may be left out.
        differentiable: Whether the loss has a gradient to it.
    """

    name: str
    pattern: str
    domain: str = "finite"
    optional: bool = False
    differentiable: bool = False

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise ValueError(f"{self.name}: no domain {self.domain!r}; there are {', '.join(DOMAINS)}")

    @property
    def whole(self) -> bool:
        """Whether it holds class indices."""
        return self.domain in ("class", "block")


@dataclass(frozen=True)
class Formula:
    """A loss.

    Attributes:
        name: As in the function's name.
        arguments: Its tensors, in the page's order.
        options: Its scalar settings with their defaults; floats are numbers of the
            formula, and everything else chooses among formulas.
        documented: The formula of an element as the page prints it.
        careful: The same number in the form that keeps its digits.
        mean: Where the page's mean is not the sum over the number of elements: the
            loss and what it is divided by, for the same arguments.
        choices: The values of an option of which the pages list all.
        orders: What :func:`reference.engine.order.order_of` made of it; another formula made of this one has none.
    """

    name: str
    arguments: tuple[ArgumentSpec, ...]
    documented: Callable[..., Expression]
    careful: Callable[..., Expression]
    options: Mapping[str, Setting] = field(default_factory=dict[str, Setting])
    mean: Callable[..., Expression] | None = None
    choices: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict[str, tuple[Setting, ...]])
    orders: dict[Hashable, object] = field(
        default_factory=dict[Hashable, object], init=False, compare=False, repr=False
    )

    def argument(self, name: str) -> ArgumentSpec:
        """The argument of a name."""
        return next(spec for spec in self.arguments if spec.name == name)

    def counts(self, option: str) -> bool:
        """Whether an option is a number of the formula; else it chooses among formulas."""
        return isinstance(self.options[option], float)


@dataclass(frozen=True)
class Graph:
    """A traced formula.

    Attributes:
        root: The result.
        elements: The formula of an element; the root itself without a reduction.
        binding: Names and lengths of the axes.
        name: Of the formula.
    """

    root: Expression
    elements: Expression
    binding: Binding
    name: str = "formula"

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Every axis of the graph, those of the elements first."""
        inner = [name for node in walk(self.root) for name in node.axes]
        return tuple(dict.fromkeys((*self.elements.axes, *inner)))


def trace(
    formula: Formula,
    binding: Binding,
    settings: Mapping[str, Setting],
    reduction: str,
    *,
    documented: bool = False,
) -> Graph:
    """The graph of a formula.

    Args:
        formula: What to trace.
        binding: Axes of the arguments that are given.
        settings: Options that differ from their defaults.
        reduction: ``none``, ``sum`` or ``mean``.
        documented: The page's own form instead of the careful one.
    """
    given = {spec.name: _leaf(spec, binding) for spec in formula.arguments}
    options = {name: _option(name, default, settings) for name, default in formula.options.items()}
    chosen = formula.documented if documented else formula.careful
    elements = Stored((chosen(**given, **options),))
    if reduction == "none":
        return Graph(elements, elements, binding, formula.name)
    if reduction == "mean" and formula.mean is not None:
        return Graph(Stored((formula.mean(**given, **options),)), elements, binding, formula.name)
    return Graph(Stored((_reduced(elements, reduction),)), elements, binding, formula.name)


def _leaf(spec: ArgumentSpec, binding: Binding) -> Node | None:
    if spec.name not in binding.axes:
        return None
    axes = binding.axes[spec.name]
    return IntegerArgument((), spec.name, axes) if spec.whole else Argument((), spec.name, axes)


def _option(name: str, default: Setting, settings: Mapping[str, Setting]) -> Expression | Setting:
    return Option((), name) if isinstance(default, float) else settings.get(name, default)


def _reduced(elements: Expression, reduction: str) -> Expression:
    summed = elements.total(*elements.axes)
    return summed if reduction == "sum" else Quotient((summed, Count((), elements.axes)))
