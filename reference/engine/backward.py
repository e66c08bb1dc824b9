"""Gradients of a formula: enclosures and errors from the result down to the arguments.

Reverse mode over the same nodes. What reaches a node is a sum in open order; it stays open
through factors and quotients, as in :mod:`.rounding`. At a kink the slope is the interval
between the one-sided slopes if the number is exactly at it, and known elsewhere; where the
number is closer to the kink than its error, rounding may carry it over, and the bound
grants the other slope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from ..formats import Bool, Float64
from . import expression as e
from .adjoint import Adjoint
from .compound import added, multiplied
from .error import NONE, Error
from .interval import Interval, Numbers, choose, point
from .layout import stretched
from .node import Node, walk
from .rounding import Rounding
from .scale import Scale, product_of
from .slopes import SLOPES, UNKNOWN


@dataclass
class Backward:
    """Adjoints of a graph's nodes.

    Attributes:
        run: The errors of the nodes, and with them their enclosures.
        wanted: Names of the arguments to which the gradient is taken.
        ties: Rows with a number exactly at a kink.
        undecided: Rows with a number of which it is not known on which side of a kink it is.
    """

    run: Rounding
    wanted: Sequence[str]
    ties: Any = None
    undecided: Any = None

    def descend(self, root: Node, adjoint: Adjoint, leaf: Node | None = None) -> dict[Node, Adjoint]:
        """Hand an adjoint down.

        Args:
            root: Where it starts.
            adjoint: Of the root.
            leaf: Where it ends; the wanted arguments if absent.

        Returns:
            Adjoints of the nodes where it ended; arguments may stand in several nodes.
        """
        order = walk(root)
        needed = {leaf, *_above(order, leaf)} if leaf is not None else self._needed(order)
        waiting: dict[Node, list[Adjoint]] = {root: [adjoint]}
        found: dict[Node, Adjoint] = {}
        for node in reversed(order):
            if node not in waiting:
                continue
            reached = self.joined(waiting.pop(node))
            if node is leaf or isinstance(node, e.Argument):
                found[node] = reached
                continue
            for place, parent in enumerate(node.parents):
                if parent in needed:
                    waiting.setdefault(parent, []).append(self._handed(node, place, reached))
        return found

    def _handed(self, node: Node, place: int, adjoint: Adjoint) -> Adjoint:
        given = SLOPES[type(node)](self, node, place, adjoint)
        return given if isinstance(node, e.Gather) else self.fitted(given, node, node.parents[place])

    def note(self, open_side: Bool, part: Interval) -> None:
        """Remember the rows in which a slope is an interval, and why."""
        tie = open_side if part.known else open_side & (part.low == part.high)
        inner = self.run.state.rows.inner
        tied = tie.any(axis=inner, keepdims=True)
        self.ties = tied if self.ties is None else self.ties | tied
        if not part.known:
            doubtful = (open_side & ~tie).any(axis=inner, keepdims=True)
            self.undecided = doubtful if self.undecided is None else self.undecided | doubtful

    def tied(self, found: Adjoint) -> Bool:
        """Rows whose interval comes from a tie alone, as far as the format can tell."""
        if self.ties is None or self.undecided is not None:
            sure = np.asarray(False) if self.ties is None else self.ties & ~self.undecided
        else:
            sure = self.ties
        return sure if self.run.arithmetic.format.precision < 53 else sure & self.exact(found.scale)

    def _needed(self, order: Sequence[Node]) -> set[Node]:
        needed: set[Node] = set()
        for node in order:
            wanted = isinstance(node, e.Argument) and node.name in self.wanted
            if wanted or (isinstance(node, e.Expression) and any(parent in needed for parent in node.parents)):
                needed.add(node)
        return needed

    def upstream(self, cotangent: Float64) -> Adjoint:
        """The cotangent as an adjoint; its own product is granted at the end (:meth:`finished`)."""
        numbers = self.run.state.numbers.numbers(cotangent)
        return Adjoint(point(numbers), NONE, UNKNOWN if self.run.trivial else self.run.state.rows.of(cotangent))

    def finished(self, found: Adjoint) -> Float64:
        """The error of a gradient: with the product by the cotangent, and one more conversion."""
        fits = self.fits(found.scale)
        if fits.all() and found.error.none:
            return np.zeros(())
        closed = found.error.closed(self.run.u)
        size = np.asarray(found.value.magnitude, dtype=np.float64) + closed
        own = np.where(size > 0, 2 * self.run.u * (1 + 2 * self.run.u) * size + 2 * self.run.tiny, 0.0)
        return closed + np.where(fits, 0.0, own)

    def fits(self, scale: Scale) -> Bool:
        """Where nothing rounds in the subject's format."""
        return self.run.on_grid(scale)

    def exact(self, scale: Scale) -> Bool:
        """Where nothing rounds in float64."""
        return self.run.state.fits(scale)

    def joined(self, parts: Sequence[Adjoint]) -> Adjoint:
        """The sum of what reaches a node, still open."""
        if len(parts) == 1:
            return parts[0]
        if self.run.trivial:
            return replace(parts[0], value=self.run.state.numbers.add([part.value for part in parts], np.asarray(True)))
        sizes = [self.size(part) for part in parts]
        summed = reduce(np.add, sizes)
        scale = Scale(reduce(np.minimum, [part.scale.grid for part in parts]), self.peak(summed))
        value = self.run.state.numbers.add([part.value for part in parts], self.exact(scale))
        error = self._of_sum(parts, sizes, summed, self.fits(scale))
        return Adjoint(value, error, scale, max(part.lift for part in parts))

    def _of_sum(self, parts: Sequence[Adjoint], sizes: Sequence[Float64], summed: Float64, fits: Bool) -> Error:
        """The error of a sum that is still open; what fits a grid is one term at most."""
        if fits.all() and all(part.error.none for part in parts):
            return NONE
        base = reduce(np.add, [part.error.base for part in parts])
        terms = reduce(np.add, [self.terms(part, size) for part, size in zip(parts, sizes, strict=True)])
        return Error(base, np.where(fits, np.minimum(terms, 1.0), terms), summed)

    def size(self, part: Adjoint) -> Float64:
        """The magnitudes of a sum's terms."""
        if part.error.size is not None:
            return part.error.size
        return np.asarray(part.value.magnitude + part.error.base, dtype=np.float64)

    def terms(self, part: Adjoint, size: Float64) -> Float64:
        """How many terms of a sum may differ from 0."""
        return part.error.terms if part.error.terms is not None else np.asarray(size > 0, dtype=np.float64)

    def peak(self, size: Float64) -> Float64:
        """The largest of a row."""
        return np.asarray(np.max(size, axis=self.run.state.rows.inner, keepdims=True, initial=0.0), dtype=np.float64)

    def coarsest(self, grid: Float64, axes: tuple[int, ...]) -> Float64:
        """The grid that all rows along some axes have in common."""
        kept = tuple(i for i in axes if i not in self.run.state.rows.inner)
        return np.asarray(np.min(grid, axis=kept, keepdims=True, initial=np.inf)) if kept and grid.ndim else grid

    def fitted(self, given: Adjoint, node: Node, parent: Node) -> Adjoint:
        """Summed over the axes along which the parent is the same everywhere."""
        whole, own = self.shape(node), self.shape(parent)
        axes = tuple(i for i, (size, kept) in enumerate(zip(whole, own, strict=True)) if kept == 1 and size != 1)
        return self.over(given, axes, whole) if axes else given

    def shape(self, node: Node) -> tuple[int, ...]:
        """Of the node's array."""
        layout = self.run.state.layout
        return tuple(layout.sizes[axis] if axis in node.axes else 1 for axis in layout.axes)

    def over(self, given: Adjoint, axes: tuple[int, ...], whole: tuple[int, ...]) -> Adjoint:
        """A sum over axes, still open."""
        spread = given.value.map(lambda end: stretched(end, whole))
        if self.run.trivial:
            return replace(given, value=self.run.state.numbers.total(spread, axes, np.asarray(True)))
        size = stretched(self.size(given), whole)
        span = self.peak(np.sum(size, axis=axes, keepdims=True))
        scale = Scale(self.coarsest(given.scale.grid, axes), span)
        value = self.run.state.numbers.total(spread, axes, self.exact(scale))
        fits, error = self.fits(scale), NONE
        if not (fits.all() and given.error.none):
            magnitude = stretched(np.asarray(given.value.magnitude, dtype=np.float64), whole)
            error = added(self.run, given.error, magnitude, axes, fits)
        return Adjoint(value, error, scale, given.lift)

    def times(self, given: Adjoint, value: Interval, error: Float64, scale: Scale) -> Adjoint:
        """A product with a slope that was computed."""
        run = self.run
        made = product_of(Scale(given.scale.grid, given.scale.span), scale)
        fits = self.fits(made) | scale.single
        product = run.state.numbers.multiply(given.value, value, self.exact(made))
        if run.trivial:
            return replace(given, value=product)
        if fits.all() and given.error.none and not np.any(error):
            return replace(given, value=product, scale=made)
        magnitude = np.asarray(given.value.magnitude, dtype=np.float64)
        factor = np.asarray(value.magnitude, dtype=np.float64)
        found = multiplied(run, factor, error, magnitude, given.error, lambda grant: np.where(fits, 0.0, grant))
        return replace(given, value=product, error=found, scale=made)

    def chosen(self, given: Adjoint, low: Any, high: Any, flips: Any) -> Adjoint:
        """Times a slope between two of 0, 1 and -1, and where rounding may take the other of them.

        Args:
            given: What is handed on.
            low: Smallest slope, a truth for 0 and 1 or numbers.
            high: Largest one.
            flips: Where the other slope is granted; None for nowhere.
        """
        slopes = Interval(low, high)
        value = _by_slopes(given.value, slopes)
        if given.error.none and flips is None:
            return replace(given, value=value)
        size = self.size(given)
        reached = np.asarray(np.maximum(np.abs(slopes.low), np.abs(slopes.high)), dtype=np.bool_)
        reached = reached if flips is None else reached | flips
        base = np.where(reached, given.error.base, 0.0)
        if flips is not None:
            base = base + np.where(flips, np.asarray(given.value.magnitude, dtype=np.float64), 0.0)
        terms = np.where(reached, self.terms(given, size), 0.0)
        return replace(given, value=value, error=Error(base, terms, np.where(reached, size, 0.0)))


def masked(mask: Bool, numbers: Numbers) -> Numbers:
    """Numbers where a mask holds, and zeros."""
    return choose(mask, numbers, 0 * numbers)


def _by_slopes(value: Interval, slopes: Interval) -> Interval:
    """Products with slopes 0, 1 and -1, which are exact."""
    if slopes.known and slopes.low.dtype == np.bool_:
        return value.map(lambda end: masked(slopes.low, end))
    low, high = (np.asarray(end, dtype=np.int64) for end in (slopes.low, slopes.high))
    products = [end * slope for end in (value.low, value.high) for slope in (low, high)]
    return Interval(reduce(np.minimum, products), reduce(np.maximum, products))


def _above(order: Sequence[Node], leaf: Node) -> set[Node]:
    """Nodes that are made of one."""
    found = {leaf}
    for node in order:
        if any(parent in found for parent in node.parents):
            found.add(node)
    return found
