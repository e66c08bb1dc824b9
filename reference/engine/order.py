"""A graph in the order in which it is evaluated: what the arguments' numbers do not change, kept with the formula."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from . import expression as e
from .formula import Formula, Graph, Setting, trace
from .layout import Layout
from .node import Node, walk
from .overflow import lifts
from .plain import layout_of
from .shapes import Binding

_AT_ONCE, _LEAST_ROWS = 1 << 15, 64
_MOST_KEPT = 512
"""Graphs of a formula that are kept; a graph holds no arrays."""


@dataclass(frozen=True)
class Order:
    """The nodes of a graph and the blocks that its arguments are cut into.

    Attributes:
        graph: What is computed.
    """

    graph: Graph

    @cached_property
    def elements(self) -> e.Expression:
        """What is computed block by block: the elements, or all of it for a mean of its own."""
        return self.graph.elements if self.graph.elements in self.whole else self.graph.root

    @cached_property
    def whole(self) -> list[Node]:
        """Every node, parents first."""
        return walk(self.graph.root)

    @cached_property
    def inside(self) -> list[Node]:
        """Nodes of an element, parents first."""
        return walk(self.elements)

    @cached_property
    def above(self) -> list[Node]:
        """Nodes of the reduction."""
        inner = set(self.inside)
        return [node for node in self.whole if node not in inner]

    @cached_property
    def lifts(self) -> dict[Node, float]:
        """By how much sums are larger before the quotients in them."""
        return lifts(self.layout, self.whole)

    @cached_property
    def batch(self) -> str | None:
        """The axis that blocks are taken along: the longest of the elements'."""
        sizes = self.graph.binding.sizes
        return max(self.elements.axes, key=lambda axis: sizes[axis], default=None)

    @cached_property
    def layout(self) -> Layout:
        """With the batch last, where NumPy's loops run along it."""
        return layout_of(self.graph, last=self.batch)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Slices of the batch that stay in the processor's cache."""
        sizes = self.layout.sizes
        if self.batch is None:
            return (slice(None),)
        inner = max(1, *(math.prod(sizes[a] for a in node.axes if a != self.batch) for node in self.inside))
        step = max(_LEAST_ROWS if inner < _AT_ONCE else 1, _AT_ONCE // inner)
        return tuple(slice(start, start + step) for start in range(0, max(1, sizes[self.batch]), step))

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """How many rows each block has."""
        size = 1 if self.batch is None else self.layout.sizes[self.batch]
        return tuple(len(range(*chosen.indices(size))) for chosen in self.blocks)

    def shape(self, axes: Sequence[str]) -> tuple[int, ...]:
        """Of an array with some axes: 1 for all others."""
        return tuple(self.layout.sizes[axis] if axis in axes else 1 for axis in self.layout.axes)


def order_of(
    formula: Formula, binding: Binding, settings: Mapping[str, Setting], reduction: str, *, documented: bool
) -> Order:
    """The graph of a formula (see :func:`reference.engine.formula.trace`); made once for the same shapes and settings.

    A setting that is a number of the formula does not change the graph.
    """
    choices = tuple((name, type(value), value) for name, value in sorted(settings.items()) if not formula.counts(name))
    shapes = (*binding.axes.items(), *binding.sizes.items(), binding.further)
    key = (shapes, choices, reduction, documented)
    found = formula.orders.get(key)
    if not isinstance(found, Order):
        found = Order(trace(formula, binding, settings, reduction, documented=documented))
        if len(formula.orders) >= _MOST_KEPT:
            formula.orders.clear()
        formula.orders[key] = found
    return found
