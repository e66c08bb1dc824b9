"""Where an intermediate of a right implementation may exceed the format, upwards or downwards.

Most batches are far from it, which one look at the spans (:mod:`.scale`) shows. Elsewhere
a sum may pass the sum of its positive terms and that of its negative ones. What exceeds
the format goes on as an infinity, and two that meet as NaN. A quotient of a sum by a count may
be taken after further sums, so these count with the sum undivided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeVar

import numpy as np

from ..formats import Bool, Float64
from . import expression as e
from .error import Error
from .error_rules import turnable
from .layout import Layout
from .node import Node
from .rounding import Rounding

T = TypeVar("T")
_MULTIPLYING = (e.Elementary, e.LogSumExp, e.Product, e.Power, e.Quotient)
"""Nodes whose slope is made of values."""


@dataclass(frozen=True)
class Flags:
    """Where plus and minus infinity may stand; both where NaN may."""

    up: Bool
    down: Bool

    def swapped(self) -> Flags:
        """Of the opposite number."""
        return Flags(self.down, self.up)

    def __or__(self, other: Flags) -> Flags:
        """Of either."""
        return Flags(self.up | other.up, self.down | other.down)

    @property
    def anything(self) -> Flags:
        """Where one infinity makes any of them."""
        both = self.up | self.down
        return Flags(both, both)


def overflows(
    run: Rounding, order: Sequence[Node], known: Mapping[Node, Flags], lifts: Mapping[Node, float]
) -> dict[Node, Flags]:
    """The flags of every node that has some; those of some nodes may be known."""
    found: dict[Node, Flags] = dict(known)
    for node in order:
        if isinstance(node, e.Expression) and node not in found:
            flags = _handed_on(run, node, found)
            own = _own(run, node, lifts[node])
            flags = own if flags is None else flags if own is None else flags | own
            if flags is not None and (flags.up.any() or flags.down.any()):
                found[node] = flags
    return found


def lifts(layout: Layout, order: Sequence[Node]) -> dict[Node, float]:
    """By how much each sum is larger before the quotients by counts in it are taken."""
    found: dict[Node, float] = {}
    for node in order:
        found[node] = 1.0
        if isinstance(node, e.Stored | e.Total | e.Sum):
            found[node] = max(found[parent] for parent in node.parents)
        elif isinstance(node, e.Quotient) and isinstance(node.parents[1], e.Count):
            found[node] = found[node.parents[0]] * max(layout.count(node.parents[1].over), 1)
    return found


def _own(run: Rounding, node: Node, lift: float) -> Flags | None:
    limit = run.arithmetic.format.largest
    if isinstance(node, e.Argument | e.Option | e.Constant | e.Stored | e.Where | e.Gather | e.Renamed | e.Count):
        return None
    span = run.state.scales[node].span
    if np.isfinite(span).all() and span.max(initial=0.0) * lift * (1 + 8 * run.u) <= limit / 2:
        return None
    up, down = _extents(run, node)
    return Flags(np.asarray(~(up * lift <= limit)), np.asarray(~(down * lift <= limit)))


def _extents(run: Rounding, node: Node) -> tuple[Any, Any]:
    """The largest partial result upwards and downwards."""
    if isinstance(node, e.Sum):
        parts = [_ends(run, part) if sign > 0 else _ends(run, part)[::-1] for part, sign in _terms(node)]
        return reduce(np.add, [part[0] for part in parts]), reduce(np.add, [part[1] for part in parts])
    size = run.errors[node].size
    if isinstance(node, e.Total | e.Quotient) and size is not None:
        return _of_open_sum(run, node, run.errors[node], size)
    if isinstance(node, e.Total):
        axes = run.state.layout.positions(node.over)
        up, down = _ends(run, node.parents[0])
        return np.sum(up, axis=axes, keepdims=True), np.sum(down, axis=axes, keepdims=True)
    return _ends(run, node)


def _of_open_sum(run: Rounding, node: Node, error: Error, size: Float64) -> tuple[Any, Any]:
    """The positive and the negative terms apart: half of the magnitudes plus and minus the sum.

    A partial sum may round by (n - 1) u times the magnitudes, but sums of terms of one sign
    keep that sign.
    """
    value, terms = run.state.values[node], error.terms
    rounded = size * np.minimum(terms * run.u, 1.0) if terms is not None else np.zeros(())
    parts = [np.maximum(size + value.high, 0.0) / 2, np.maximum(size - value.low, 0.0) / 2]
    up, down = (part + np.where(part - error.base / 2 > size * 2.0**-30, rounded, 0.0) for part in parts)
    return up, down


def _terms(node: e.Sum) -> list[tuple[Node, int]]:
    return list(zip(node.parents, node.signs, strict=True))


def _ends(run: Rounding, node: Node) -> tuple[Float64, Float64]:
    value, error = run.state.values[node], run.error(node)
    return np.maximum(value.high + error, 0.0), np.maximum(error - value.low, 0.0)


def _handed_on(run: Rounding, node: Node, found: dict[Node, Flags]) -> Flags | None:
    given = [found[parent] for parent in node.parents if parent in found]
    if not given:
        return None
    if isinstance(node, e.Sum):
        return reduce(Flags.__or__, [found[p] if s > 0 else found[p].swapped() for p, s in _terms(node) if p in found])
    if isinstance(node, e.Where):
        return _of_parts(_sides(run, node, found))
    moved = _moved(run, node, given)
    if moved is not None:
        return moved
    return reduce(Flags.__or__, given).anything


def _moved(run: Rounding, node: Node, given: list[Flags]) -> Flags | None:
    """Through what keeps the direction; None for anything else."""
    layout = run.state.layout
    if isinstance(node, e.Stored) or (isinstance(node, e.Quotient) and isinstance(node.parents[1], e.Count)):
        return given[0]
    if isinstance(node, e.Total):
        axes = layout.positions(node.over)
        shape = run.state.values[node.parents[0]].low.shape
        up, down = (np.broadcast_to(part, shape).any(axis=axes, keepdims=True) for part in (given[0].up, given[0].down))
        return Flags(np.asarray(up), np.asarray(down))
    if isinstance(node, e.Positive):
        return Flags(given[0].up, given[0].down & False)
    if isinstance(node, e.Elementary) and node.function in ("exp", "softplus", "sqrt", "sigmoid"):
        return Flags(given[0].up, given[0].down & False)
    return None


def _of_parts(parts: list[tuple[Flags, Bool]]) -> Flags:
    """Of what a choice may take."""
    return reduce(Flags.__or__, (Flags(flags.up & place, flags.down & place) for flags, place in parts))


def _sides(run: Rounding, node: e.Where, found: Mapping[Node, T]) -> list[tuple[T, Bool]]:
    """What is known of either part of a choice, with the places at which rounding lets the mask take it."""
    mask = run.state.truths[node.parents[0]]
    turned = turnable(run, node.parents[0])
    places = (mask, ~mask) if turned is None else (mask | turned, ~mask | turned)
    return [
        (found[part], np.asarray(place)) for part, place in zip(node.parents[1:], places, strict=True) if part in found
    ]


def broken_slopes(run: Rounding, order: Sequence[Node], found: Mapping[Node, Flags]) -> Bool | None:
    """Rows in which a slope is made of a number that may have overflowed: it may be anything.

    A part that no choice takes has no slope: 0 times infinity is a mistake there.
    """
    broken = [
        (node, part) for node in order if isinstance(node, _MULTIPLYING) for part in _slope_parts(node) if part in found
    ]
    if not broken:
        return None
    taken, inner = _taken(run, order), run.state.rows.inner
    parts = [found[part].anything.up & taken.get(node, False) for node, part in broken]
    whole = [np.asarray(part).any(axis=inner, keepdims=True) for part in parts]
    return np.asarray(np.logical_or.reduce(np.broadcast_arrays(*whole)))


def _taken(run: Rounding, order: Sequence[Node]) -> dict[Node, Bool]:
    """Where the result depends on each node, as far as its choices say."""
    everywhere = np.ones((1,) * len(run.state.layout.axes), dtype=bool)
    found: dict[Node, Bool] = {order[-1]: everywhere}
    for node in reversed(order):
        if node not in found:
            continue
        own = found[node]
        parts = [(parent, everywhere if isinstance(node, e.Gather | e.Renamed) else own) for parent in node.parents]
        if isinstance(node, e.Where):
            both = {part: part for part in node.parents[1:]}
            parts = [(part, own & side) for part, side in _sides(run, node, both)]
        for parent, place in parts:
            found[parent] = place if parent not in found else found[parent] | place
    return found


def _slope_parts(node: Node) -> list[Node]:
    if isinstance(node, e.Quotient):
        return [] if isinstance(node.parents[1], e.Count) else [node, *node.parents]
    return [node, *node.parents] if isinstance(node, e.Elementary | e.LogSumExp) else list(node.parents)
