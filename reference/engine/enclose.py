"""The exact value of every node of a formula, enclosed (:mod:`.interval`), from the arguments upwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..formats import Bool, Float64
from . import expression as e
from . import masks as m
from .functions import FUNCTIONS as PLAIN
from .functions import gathered
from .interval import Arithmetic, Interval, Numbers, both, choose, hull, point
from .layout import Layout
from .node import Node, walk
from .scale import NOTHING, SCALES, Rows, Scale


@dataclass
class Enclosed:
    """What is known of a graph's nodes for given arguments.

    Attributes:
        layout: The axes of every array.
        rows: Which of them make a row.
        numbers: How the ends of intervals are computed.
        precision: Bits that the ends hold without rounding; None if they never round.
        values: Interval of each real node; array of each integer or mask.
        scales: Grid and span of each real node.
        unsure: Where a comparison of computed numbers is not decided.
    """

    layout: Layout
    rows: Rows
    numbers: Arithmetic
    precision: int | None = 53
    values: dict[Node, Interval] = field(default_factory=dict[Node, Interval])
    truths: dict[Node, Any] = field(default_factory=dict[Node, Any])
    scales: dict[Node, Scale] = field(default_factory=dict[Node, Scale])
    unsure: dict[Node, Any] = field(default_factory=dict[Node, Any])
    xp: Any = np

    def exact(self, node: Node) -> Bool:
        """Where the node's number and its sums need no rounding in float64."""
        return self.fits(self.scales[node]) if self.precision else np.asarray(True)

    def fits(self, scale: Scale) -> Bool:
        """Where numbers of a scale and their sums need no rounding."""
        return scale.fits(self.precision, 2.0**-1074) if self.precision else np.asarray(True)

    def run(self, order: Sequence[Node], arguments: Mapping[str, Float64], options: Mapping[str, float]) -> None:
        """Enclose nodes.

        Args:
            order: The nodes, parents first; those that are known already are left as they are.
            arguments: With all axes of the layout.
            options: Numbers by name.
        """
        for node in order:
            if node in self.values:
                continue
            if isinstance(node, e.Expression):
                self._real(node, arguments, options)
            elif isinstance(node, m.IntegerArgument):
                self.truths[node] = arguments[node.name]
            elif isinstance(node, m.Compared):
                self._compared(node)
            else:
                self.truths[node] = PLAIN[type(node)](self, node, [self.truths[parent] for parent in node.parents])  # type: ignore[arg-type]

    def _real(self, node: e.Expression, arguments: Mapping[str, Float64], options: Mapping[str, float]) -> None:
        if isinstance(node, e.Argument | e.Option | e.Constant):
            given = leaf_values(node, arguments, options, len(self.layout.axes))
            self.scales[node] = self.rows.of(given) if self.precision else NOTHING
            self.values[node] = point(self.numbers.numbers(given))
            return
        self.scales[node] = self._scale(node) if self.precision else NOTHING
        self.values[node] = VALUES[type(node)](self, node)

    def _scale(self, node: e.Expression) -> Scale:
        parents = [self.scales[parent] for parent in node.parents if isinstance(parent, e.Expression)]
        scale = SCALES[type(node)](self.rows, node, parents)
        return self._with_places(node, scale) if isinstance(node, e.Where) else scale

    def _with_places(self, node: e.Where, scale: Scale) -> Scale:
        mask, other = node.parents[0], node.parents[2]
        if not isinstance(other, e.Constant) or other.value or mask in self.unsure:
            return scale
        return Scale(scale.grid, scale.span, number(self.truths[mask], self.rows.inner))

    def _compared(self, node: m.Compared) -> None:
        a, b = (self.values[parent] for parent in node.parents)
        relation = PLAIN[type(node)]
        if a.known and b.known:
            self.truths[node] = relation(self, node, [a.low, b.low])  # type: ignore[arg-type]
            return
        first, second = (relation(self, node, pair) for pair in ([a.low, b.high], [a.high, b.low]))  # type: ignore[arg-type]
        self.truths[node] = first
        self.unsure[node] = first != second


def leaf_values(
    node: e.Argument | e.Option | e.Constant,
    arguments: Mapping[str, Float64],
    options: Mapping[str, float],
    axes: int,
) -> Float64:
    """The numbers of a leaf, with so many axes."""
    if isinstance(node, e.Argument):
        return arguments[node.name]
    value = options[node.name] if isinstance(node, e.Option) else node.value
    return np.full((1,) * axes, value, dtype=np.float64)


Rule = Callable[[Enclosed, Any], Interval]


def _sum(state: Enclosed, node: e.Sum) -> Interval:
    terms = [signed(state.values[part], sign) for part, sign in zip(node.parents, node.signs, strict=True)]
    return terms[0] if len(terms) == 1 else state.numbers.add(terms, state.exact(node))


def signed(part: Interval, sign: int) -> Interval:
    """A number or its opposite."""
    return part.opposite() if sign < 0 else part


def _product(state: Enclosed, node: e.Product) -> Interval:
    a, b = (state.values[parent] for parent in node.parents)
    return state.numbers.multiply(a, b, state.exact(node))


def _quotient(state: Enclosed, node: e.Quotient) -> Interval:
    a, b = (state.values[parent] for parent in node.parents)
    return state.numbers.divide(a, b, state.exact(node))


def _power(state: Enclosed, node: e.Power) -> Interval:
    part = state.values[node.parents[0]]
    base = hull_of_magnitudes(part) if node.exponent % 2 == 0 else part
    found = base
    for _ in range(node.exponent - 1):
        found = state.numbers.multiply(found, base, state.exact(node))
    return found


def hull_of_magnitudes(part: Interval) -> Interval:
    """|a| of every a inside."""
    if part.known:
        return point(abs(part.low))
    around = (part.low < 0) & (part.high > 0)
    nearest = np.minimum(abs(part.low), abs(part.high))
    return Interval(np.where(around, 0 * nearest, nearest), part.magnitude)


def _where(state: Enclosed, node: e.Where) -> Interval:
    mask = state.truths[node.parents[0]]
    a, b = (state.values[parent] for parent in node.parents[1:])

    def chosen(one: Numbers, other: Numbers) -> Numbers:
        return choose(mask, one, other)

    found = both(chosen, a, b)
    unsure = uncertain(state, node.parents[0])
    if unsure is None or not np.any(unsure):
        return found
    wide = hull(a, b)
    return Interval(np.where(unsure, wide.low, found.low), np.where(unsure, wide.high, found.high))


def uncertain(state: Enclosed, mask: Node) -> Any:
    """Where a mask rests on a comparison that is not decided; None if nowhere."""
    found = [state.unsure[node] for node in walk(mask) if node in state.unsure] if state.unsure else []
    return np.logical_or.reduce(np.broadcast_arrays(*found)) if found else None


def _gather(state: Enclosed, node: e.Gather) -> Interval:
    index = state.truths[node.parents[1]]
    return state.values[node.parents[0]].map(lambda end: gathered(np, state.layout, node.axis, end, index))


def _renamed(state: Enclosed, node: e.Renamed) -> Interval:
    return state.values[node.parents[0]].map(lambda end: np.swapaxes(end, *state.layout.swap(node.old, node.new)))


def _total(state: Enclosed, node: e.Total) -> Interval:
    return state.numbers.total(state.values[node.parents[0]], state.layout.positions(node.over), state.exact(node))


def _log_sum_exp(state: Enclosed, node: e.LogSumExp) -> Interval:
    part, (axis,), never = state.values[node.parents[0]], state.layout.positions([node.axis]), np.False_
    largest = np.max(part.low, axis=axis, keepdims=True)
    shift = point(largest)
    powers = state.numbers.function("exp", state.numbers.add([part, shift.opposite()], np.asarray(never)))
    summed = state.numbers.total(powers, (axis,), np.asarray(never))
    return state.numbers.add([shift, state.numbers.function("log", summed)], np.asarray(never))


def positive_part(part: Interval) -> Interval:
    """max(0, a); the upper end of a ball around 0 stays as it is."""
    if part.low.dtype != object:
        return part.map(lambda end: np.maximum(end, 0.0))
    above, below = part.low > 0, part.high < 0
    low = choose(above, part.low, 0 * part.low)
    return point(low) if part.known and (above | below).all() else Interval(low, choose(below, low, part.high))


def _counted(state: Enclosed, node: e.Counted) -> Interval:
    counts = number(state.truths[node.parents[0]], state.layout.positions(node.over))
    return point(state.numbers.numbers(counts))


def number(mask: Bool, axes: tuple[int, ...]) -> Float64:
    """At how many places along axes a mask holds."""
    return np.asarray(np.sum(mask, axis=axes, keepdims=True, dtype=np.float64), dtype=np.float64)


VALUES: dict[type[Node], Rule] = {
    e.Count: lambda state, node: point(state.numbers.number(float(state.layout.count(node.over)))),
    e.Counted: _counted,
    e.Sum: _sum,
    e.Product: _product,
    e.Quotient: _quotient,
    e.Power: _power,
    e.Absolute: lambda state, node: hull_of_magnitudes(state.values[node.parents[0]]),
    e.Positive: lambda state, node: positive_part(state.values[node.parents[0]]),
    e.Larger: lambda state, node: both(np.maximum, *(state.values[parent] for parent in node.parents)),
    e.Where: _where,
    e.Gather: _gather,
    e.Renamed: _renamed,
    e.Total: _total,
    e.Elementary: lambda state, node: state.numbers.function(node.function, state.values[node.parents[0]]),
    e.LogSumExp: _log_sum_exp,
    e.Stored: lambda state, node: state.values[node.parents[0]],
}
"""The enclosure of a node by its kind, leaves aside."""
