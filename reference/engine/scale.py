"""Powers of two that numbers are multiples of, and how large they get: where nothing rounds.

If all terms of a sum are multiples of 2^g, and the sum of their magnitudes is below
2^(g + p), then every partial sum in every order is a multiple of 2^g below 2^(g + p), so a
format with p significant bits holds it exactly. Sums of sums, products and quotients by
powers of two keep such a grid. The size is taken from the arguments upwards, through
cancellation and max(0, a), so that it covers forms that multiply out or sort as well.

Both are known for each place of the result's axes, not of the inner ones: a row has one grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..formats import Bool, Float64
from . import expression as e
from .layout import Layout
from .node import Node


@dataclass(frozen=True)
class Scale:
    """What is known of the numbers of a node.

    Attributes:
        grid: They are multiples of 2^grid; infinite if all are 0, -inf if nothing is known.
        span: No number that leads to them is larger.
        places: How many of them may differ from 0 along the inner axes, if a mask says so.
    """

    grid: Float64
    span: Float64
    places: Float64 | None = None

    def fits(self, precision: int, smallest: float) -> Bool:
        """Where a format of so many bits, multiples of ``smallest`` down, holds all of them and their sums."""
        width, grid = self._needs
        return np.asarray((width <= precision) & (grid >= math.log2(smallest)), dtype=np.bool_)

    @cached_property
    def _needs(self) -> tuple[Float64, Float64]:
        """The bits that the largest number takes, and the grid; nothing at all where every number is 0."""
        none = self.span == 0
        width = np.where(np.isfinite(self.span), np.frexp(self.span)[1] - self.grid, np.inf)
        return np.where(none, -np.inf, width), np.where(none, np.inf, self.grid)

    @property
    def single(self) -> Bool:
        """Where each number is 0 or plus or minus one and the same power of two of at least 1."""
        return np.asarray((np.frexp(self.span)[1] == self.grid + 1) & (self.grid >= 0), dtype=np.bool_)


def lowest_bits(values: Float64) -> Float64:
    """The exponent of the last bit that is 1 in each number; infinite for 0."""
    significand, exponent = np.frexp(values)
    whole = (significand * 2.0**53).astype(np.int64)
    last = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    return np.where(values == 0, np.inf, (exponent - 53 + last).astype(np.float64))


@dataclass(frozen=True)
class Rows:
    """Which axes of a layout a row has, and which run inside it."""

    layout: Layout
    kept: tuple[str, ...]

    @property
    def inner(self) -> tuple[int, ...]:
        """Places of the axes inside a row."""
        return tuple(i for i, axis in enumerate(self.layout.axes) if axis not in self.kept)

    def of(self, values: Float64) -> Scale:
        """The scale of given numbers."""
        grid = lowest_bits(values).min(axis=self.inner, keepdims=True, initial=np.inf)
        return Scale(grid, np.abs(values).max(axis=self.inner, keepdims=True, initial=0.0))

    def constant(self, value: float) -> Scale:
        """The scale of one number."""
        return self.of(np.full((1,) * len(self.layout.axes), value))


NOTHING = Scale(np.array(-np.inf), np.array(np.inf))
"""Of a number of which nothing is known."""

Rule = Callable[[Rows, Any, list[Scale]], Scale]


def _sum(rows: Rows, node: e.Sum, parents: list[Scale]) -> Scale:
    del rows, node
    return sum_of(parents)


def sum_of(parts: list[Scale]) -> Scale:
    """The scale of a sum of terms."""
    grid, span = parts[0].grid, parts[0].span
    for part in parts[1:]:
        grid, span = np.minimum(grid, part.grid), span + part.span
    return Scale(grid, span)


def product_of(a: Scale, b: Scale) -> Scale:
    """The scale of a product."""
    return Scale(a.grid + b.grid, a.span * b.span)


def _quotient(rows: Rows, node: e.Quotient, parents: list[Scale]) -> Scale:
    divisor = node.parents[1]
    return over(parents[0], rows.layout.count(divisor.over)) if isinstance(divisor, e.Count) else NOTHING


def over(top: Scale, divisor: int) -> Scale:
    """The scale of a quotient by a count."""
    if not divisor or divisor & (divisor - 1):
        return Scale(np.where(top.span == 0, np.inf, -np.inf), top.span / max(divisor, 1))
    return Scale(top.grid - np.log2(divisor), top.span / divisor)


def _span_inside(rows: Rows, node: e.Total, part: Scale) -> Float64:
    """The span of a row's sum: as many terms as there are places inside the row."""
    inside = [axis for axis in node.over if axis not in rows.kept]
    if not inside:
        return part.span
    everything = set(inside) >= {axis for axis in node.parents[0].axes if axis not in rows.kept}
    return part.span * (part.places if part.places is not None and everything else float(rows.layout.count(inside)))


def _total(rows: Rows, node: e.Total, parents: list[Scale]) -> Scale:
    part = parents[0]
    kept = tuple(i for i in rows.layout.positions(node.over) if rows.layout.axes[i] in rows.kept)
    span = _span_inside(rows, node, part)
    if not kept:
        return Scale(part.grid, span)
    spread = np.broadcast_to(span, np.broadcast_shapes(span.shape, rows_shape(rows)))
    return Scale(
        part.grid.min(axis=kept, keepdims=True, initial=np.inf) if part.grid.ndim else part.grid,
        spread.sum(axis=kept, keepdims=True),
    )


def rows_shape(rows: Rows) -> tuple[int, ...]:
    """Shape of an array with a number for each row."""
    return tuple(rows.layout.sizes[axis] if axis in rows.kept else 1 for axis in rows.layout.axes)


def _either(rows: Rows, node: Node, parents: list[Scale]) -> Scale:
    del rows, node
    a, b = parents[-2:]
    return Scale(np.minimum(a.grid, b.grid), np.maximum(a.span, b.span))


def _power(rows: Rows, node: e.Power, parents: list[Scale]) -> Scale:
    del rows
    return Scale(parents[0].grid * node.exponent, parents[0].span ** float(node.exponent))


def _first(rows: Rows, node: Node, parents: list[Scale]) -> Scale:
    del rows, node
    return parents[0]


def _nothing(rows: Rows, node: Node, parents: list[Scale]) -> Scale:
    del rows, node, parents
    return NOTHING


SCALES: dict[type[Node], Rule] = {
    e.Count: lambda rows, node, parents: rows.constant(float(rows.layout.count(node.over))),
    e.Counted: _nothing,
    e.Sum: _sum,
    e.Product: lambda rows, node, parents: product_of(*parents),
    e.Quotient: _quotient,
    e.Power: _power,
    e.Absolute: _first,
    e.Positive: _first,
    e.Larger: _either,
    e.Where: _either,
    e.Gather: _first,
    e.Renamed: _first,
    e.Total: _total,
    e.Elementary: _nothing,
    e.LogSumExp: _nothing,
    e.Stored: _first,
}
"""The scale of a node by its kind, arguments and constants aside."""
