r"""How far any evaluation that the page leaves open may be from the exact value, node by node.

u is the unit roundoff of the subject's format, η its smallest subnormal number, or the
smallest normal one where the subject flushes. e is the error of a part, v its value.

=============================  =========================================================
argument                       exact
option, constant               u \|v\|, unless it is a value of the format
sum of two terms               Σ e + u (\|s\| + Σ e)
sum of three                   Σ e + u (m + \|s\| + Σ e)(1 + 2 u), m the largest sum of two of them
sum of n, sum over axes        Σ e + (n - 1) u Σ (\|v\| + e), n the terms that may differ from 0
product                        \|a\| e_b + \|b\| e_a + e_a e_b + u (\|a b\| + these) + η; where an
                               operand may be subnormal and flushed, \|a b\| as well
quotient by a count            e / n + 2 u (...) + η: a quotient, or a reciprocal and a product
quotient by a number           through both ends, + u + η
max(0, a)                      e, but no more than the true value 0 can be left by
choice by labels               that of the choice; by computed numbers, the union
elementary function            e times the largest slope nearby + k u \|v\| + η
result                         one more conversion, from a wider accumulator
=============================  =========================================================

A sum of three known terms that is exactly 0 has no error: each partial sum is the
opposite of a term. What an open sum may still round (its n and its size) goes with it
through products and quotients by a count into the next sum, because sum and factor may
change places. A row whose numbers stay on a grid (:mod:`.scale`) rounds nowhere.

The bound (n - 1) u of a sum in any order is Jeannerod and Rump's, "Improved error bounds
for inner products in floating-point arithmetic", 2013.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from ..formats import Arithmetic, Bool, Float64
from . import expression as e
from .enclose import Enclosed, leaf_values, uncertain
from .functions import gathered
from .interval import Interval
from .node import Node, walk
from .scale import Scale

ACCURACY = {"exp": 6.0, "log": 6.0, "log1p": 8.0, "sigmoid": 8.0, "softplus": 15.0, "sqrt": 1.0}
"""Units of u that an elementary function may be off: twice the units in the last place that
OpenCL asks of it in float32 or that were measured in NumPy, torch, JAX and TensorFlow (exp 2.4,
log1p 3.9), whichever is more; a sigmoid has two further roundings, a softplus the sum's."""


@dataclass(frozen=True)
class Error:
    """Of a node, for each place.

    Attributes:
        base: What is certain to be granted.
        terms: Of the sum that is still open, how many may differ from 0; None if there is none.
        size: Of that sum, the magnitudes of the terms with their errors.
    """

    base: Float64
    terms: Float64 | None = None
    size: Float64 | None = None

    def closed(self, u: float) -> Float64:
        """The error with every rounding of the open sum."""
        if self.terms is None or self.size is None:
            return self.base
        return self.base + np.maximum(self.terms - 1, 0) * u * self.size

    @property
    def none(self) -> bool:
        """Whether there is no error anywhere, known without looking at every place."""
        return self.base.ndim == 0 and not self.base and self.terms is None

    def map(self, function: Callable[[Float64], Float64]) -> Error:
        """The same for places chosen otherwise."""
        moved = [part if part is None or not part.ndim else function(part) for part in (self.terms, self.size)]
        return Error(function(self.base) if self.base.ndim else self.base, *moved)


NONE = Error(np.zeros(()))
"""Of exact numbers."""


@dataclass
class Rounding:
    """Errors of a graph's nodes.

    Attributes:
        state: Their enclosures.
        arithmetic: Of the subject.
        errors: Found so far.
    """

    state: Enclosed
    arithmetic: Arithmetic
    errors: dict[Node, Error] = field(default_factory=dict[Node, Error])

    @property
    def u(self) -> float:
        """The unit roundoff."""
        return self.arithmetic.unit_roundoff

    @property
    def tiny(self) -> float:
        """The absolute error of one operation."""
        return self.arithmetic.underflow

    @property
    def trivial(self) -> bool:
        """Whether only enclosures are wanted, because they never round."""
        return self.state.precision is None

    def fits(self, node: Node) -> Bool:
        """Where a node's operation does not round in the subject's format."""
        return self.on_grid(self.state.scales[node])

    def on_grid(self, scale: Scale) -> Bool:
        """Where numbers of a scale and their sums are values of the subject's format."""
        if self.trivial:
            return np.asarray(True)
        format = self.arithmetic.format
        least = format.smallest_normal if self.arithmetic.flushes else format.smallest_subnormal
        return scale.fits(format.precision, least)

    def run(self, order: Sequence[Node], options: Mapping[str, float]) -> None:
        """Find the errors of nodes, parents first."""
        for node in order:
            if node in self.errors:
                continue
            if self.trivial or isinstance(node, e.Argument):
                self.errors[node] = NONE
            elif isinstance(node, e.Option | e.Constant):
                self.errors[node] = self._converted(leaf_values(node, {}, options, 1))
            elif isinstance(node, e.Expression):
                self.errors[node] = ERRORS[type(node)](self, node)

    def _converted(self, value: Float64) -> Error:
        if self.arithmetic.format.round(value) == value:
            return NONE
        return Error(np.asarray(abs(value[0]) * self.u + self.tiny))

    def error(self, node: Node) -> Float64:
        """The error of a node, closed."""
        return self.errors[node].closed(self.u)

    def operand(self, node: Node) -> Float64:
        """The error of a node as an operand, which is zero instead if it is subnormal and flushed."""
        error = self.error(node)
        if not self.arithmetic.flushes:
            return error
        size = self.magnitude(node)
        return error + np.where(size - error < self.tiny, size, 0.0)

    def magnitude(self, node: Node) -> Float64:
        """The largest magnitude of the exact value."""
        return np.asarray(self.state.values[node].magnitude)

    def largest(self, node: Node) -> Float64:
        """The largest magnitude that a subject may have."""
        return self.magnitude(node) + self.error(node)

    def own(self, node: Node, grant: Float64, exact: Bool | None = None) -> Float64:
        """What a node's own operation rounds by: nothing on a grid, and nothing of nothing."""
        fits = self.fits(node) if exact is None else exact
        return np.where(fits, 0.0, grant) if fits.any() else grant


Rule = Callable[[Rounding, Any], Error]


def _sum(run: Rounding, node: e.Sum) -> Error:
    parents = list(node.parents)
    if len(parents) == 1:
        return run.errors[parents[0]]
    fits = run.fits(node)
    if fits.all() and all(run.errors[parent].none for parent in parents):
        return NONE
    errors = [run.error(parent) for parent in parents]
    brought = reduce(np.add, errors)
    open_terms = any(run.errors[parent].terms is not None for parent in parents)
    if len(parents) > 3 or open_terms:
        return _many(run, node, brought, fits)
    total = run.magnitude(node)
    between = total if len(parents) == 2 else total + _largest_pair(run, node)
    u = run.u
    rounded = u * (between + brought) * (1 + 2 * u)
    if run.arithmetic.flushes:
        rounded = rounded + len(parents) * run.tiny
    if not brought.any():
        fits = fits | (total == 0)
    return Error(brought + run.own(node, rounded, fits))


def _flushed(parts: Sequence[Node]) -> int:
    """How often a sum may lose a number to zero: each operand but constants, or each partial sum."""
    return max(sum(not isinstance(part, e.Constant | e.Option | e.Count) for part in parts), len(parts) - 1)


def _largest_pair(run: Rounding, node: e.Sum) -> Float64:
    """The largest magnitude that a sum of two of three terms may have."""
    values = [run.state.values[parent] for parent in node.parents]
    terms = [value if sign > 0 else value.opposite() for value, sign in zip(values, node.signs, strict=True)]
    pairs = [(terms[0], terms[1]), (terms[0], terms[2]), (terms[1], terms[2])]
    return reduce(np.maximum, [_pair(one, other) for one, other in pairs])


def _pair(one: Interval, other: Interval) -> Float64:
    if one.known and other.known:
        return np.asarray(np.abs(one.low + other.low))
    return np.asarray(np.maximum(np.abs(one.low + other.low), np.abs(one.high + other.high)))


def _many(run: Rounding, node: e.Sum, brought: Float64, fits: Bool) -> Error:
    """A sum of more terms, or of sums that are still open: their terms count."""
    found = [run.errors[parent] for parent in node.parents]
    base = reduce(np.add, [part.base for part in found])
    terms = reduce(np.add, [np.ones(()) if part.terms is None else part.terms for part in found])
    sizes = [
        run.largest(parent) if part.size is None else part.size
        for parent, part in zip(node.parents, found, strict=True)
    ]
    rounded = np.maximum(terms - 1, 0) * run.u * reduce(np.add, sizes)
    if run.arithmetic.flushes:
        rounded = rounded + terms * run.tiny
    del brought
    return Error(base + run.own(node, rounded, fits))


def _total(run: Rounding, node: e.Total) -> Error:
    axes, child = run.state.layout.positions(node.over), run.errors[node.parents[0]]
    fits = run.fits(node)
    if fits.all() and child.none:
        return NONE
    return added(run, child, run.magnitude(node.parents[0]), axes, fits)


def added(run: Rounding, part: Error, magnitude: Float64, axes: tuple[int, ...], fits: Bool) -> Error:
    """The error of a sum over axes, still open."""
    shape = np.broadcast_shapes(magnitude.shape, part.base.shape, () if part.size is None else part.size.shape)

    def over(array: Float64) -> Float64:
        if array.ndim == 0 and not array:
            return array
        return np.asarray(np.sum(np.broadcast_to(array, shape), axis=axes, keepdims=True))

    size = part.size if part.size is not None else magnitude + part.base
    terms = part.terms if part.terms is not None else np.asarray(size > 0, dtype=np.float64)
    base, terms, size = over(part.base), over(terms), over(size)
    if run.arithmetic.flushes:
        base = base + np.where(fits, 0.0, terms * run.tiny)
    return Error(base, np.where(fits, np.minimum(terms, 1.0), terms), size)


def _product(run: Rounding, node: e.Product) -> Error:
    a, b = node.parents
    fits = run.fits(node) | run.state.scales[a].single | run.state.scales[b].single
    if fits.all() and run.errors[a].none and run.errors[b].none:
        return NONE
    if run.errors[a].terms is not None:
        a, b = b, a
    return multiplied(
        run, run.magnitude(a), run.error(a), run.magnitude(b), run.errors[b], lambda grant: run.own(node, grant, fits)
    )


def multiplied(
    run: Rounding,
    factor: Float64,
    factor_error: Float64,
    magnitude: Float64,
    error: Error,
    own: Callable[[Float64], Float64],
) -> Error:
    """The error of a product with a number whose sum may still be open."""
    closed = error.closed(run.u)
    reach = magnitude + closed
    brought = factor * error.base + reach * factor_error
    size = (factor + factor_error) * reach
    if run.arithmetic.flushes:
        brought = brought + np.where((factor - factor_error < run.tiny) | (magnitude - closed < run.tiny), size, 0.0)
    terms = 1.0 if error.terms is None else np.maximum(error.terms, 1.0)
    base = brought + own(np.where(size > 0, run.u * size + terms * run.tiny, 0.0))
    if error.terms is None or error.size is None:
        return Error(base)
    return Error(base, error.terms, (factor + factor_error) * error.size)


def _quotient(run: Rounding, node: e.Quotient) -> Error:
    a, b = node.parents
    if isinstance(b, e.Count):
        fits, divisor = run.fits(node), run.state.layout.count(b.over)
        if fits.all() and run.errors[a].none:
            return NONE
        return divided(run, run.magnitude(a), run.errors[a], divisor, lambda grant: run.own(node, grant, fits))
    return Error(_by_number(run, node))


def divided(run: Rounding, magnitude: Float64, error: Error, divisor: int, own: Callable[[Float64], Float64]) -> Error:
    """The error of a quotient by a count: a quotient, or a reciprocal and a product."""
    share = 1 / max(divisor, 1)
    size = (magnitude + error.closed(run.u)) * share
    terms = 1.0 if error.terms is None else np.maximum(error.terms, 1.0)
    grant = 2 * run.u * (1 + 2 * run.u) * size + terms * run.tiny
    base = error.base * share + own(np.where(size > 0, grant, 0.0))
    if error.terms is None or error.size is None:
        return Error(base)
    return Error(base, error.terms, error.size * share)


def _by_number(run: Rounding, node: e.Quotient) -> Float64:
    a, b = node.parents
    value, below = run.magnitude(node), run.state.values[b]
    least = np.maximum(np.minimum(np.abs(below.low), np.abs(below.high)) - run.error(b), 0.0)
    brought = (run.error(a) + value * run.error(b)) / least
    brought = np.where(np.isnan(brought), np.inf, brought)
    return np.asarray(brought + run.u * (value + brought) + run.tiny)


def _power(run: Rounding, node: e.Power) -> Error:
    (a,) = node.parents
    fits = run.fits(node)
    if fits.all() and run.errors[a].none:
        return NONE
    size, error = run.magnitude(a), run.error(a)
    brought = (size + error) ** node.exponent - size**node.exponent
    brought = np.minimum(brought * (1 + 2.0**-40), node.exponent * error * (size + error) ** (node.exponent - 1))
    grant = (node.exponent - 1) * (run.u * (size + error) ** node.exponent * (1 + 2 * run.u) + run.tiny)
    return Error(brought + run.own(node, np.where(size + error > 0, grant, 0.0), fits))


def _positive(run: Rounding, node: e.Positive) -> Error:
    error = run.errors[node.parents[0]]
    if error.none:
        return NONE
    closed = error.closed(run.u)
    return Error(np.clip(run.state.values[node.parents[0]].high + closed, 0.0, closed))


def _where(run: Rounding, node: e.Where) -> Error:
    mask, a, b = node.parents
    one, other = run.errors[a], run.errors[b]
    turned = turnable(run, mask)
    if turned is None and one.none and other.none:
        return NONE
    chosen = run.state.truths[mask]
    found = np.where(chosen, one.closed(run.u), other.closed(run.u))
    if turned is None:
        return Error(found)
    first, second = run.state.values[a], run.state.values[b]
    apart = np.maximum(first.high - second.low, second.high - first.low)
    either = np.maximum(one.closed(run.u), other.closed(run.u)) + np.maximum(apart, 0.0)
    return Error(np.where(turned, either, found))


def turnable(run: Rounding, mask: Node) -> Any:
    """Where rounding may turn a mask; None if it is made of labels and arguments alone."""
    found = [_may_turn(run, node) for node in walk(mask) if type(node).__name__ == "Compared"]
    found = [part for part in found if part is not None]
    unsure = uncertain(run.state, mask)
    found += [] if unsure is None else [unsure]
    return np.logical_or.reduce(np.broadcast_arrays(*found)) if found else None


def _may_turn(run: Rounding, node: Node) -> Any:
    a, b = node.parents
    if run.errors[a].none and run.errors[b].none:
        return None
    one, other, slack = run.state.values[a], run.state.values[b], run.error(a) + run.error(b)
    return (one.low - other.high <= slack) & (other.low - one.high <= slack) & (slack > 0)


def _larger(run: Rounding, node: e.Larger) -> Error:
    if all(run.errors[parent].none for parent in node.parents):
        return NONE
    return Error(np.maximum(*(run.error(parent) for parent in node.parents)))


def _elementary(run: Rounding, node: e.Elementary) -> Error:
    (a,) = node.parents
    value, error = run.state.values[node], run.operand(a)
    brought = _brought(run, node, run.state.values[a], error)
    size = np.maximum(np.abs(value.low), np.abs(value.high)) + brought
    return Error(np.asarray(brought + ACCURACY[node.function] * run.u * (1 + 8 * run.u) * size + run.tiny))


def _brought(run: Rounding, node: e.Elementary, part: Interval, error: Float64) -> Float64:
    """The error of the argument through the largest slope nearby."""
    if not np.any(error):
        return np.zeros(())
    if node.function in ("log", "log1p", "sqrt"):
        least = part.low - error + (1.0 if node.function == "log1p" else 0.0)
        slope = 1 / np.maximum(least, 0.0) if node.function != "sqrt" else 0.5 / np.sqrt(np.maximum(least, 0.0))
        return np.asarray(error * slope)
    above = run.state.numbers.function(node.function, Interval(part.low, part.high + error)).high
    if node.function == "softplus":
        above = run.state.numbers.function("sigmoid", Interval(part.low, part.high + error)).high
    return np.asarray(error * np.minimum(above, 0.25) if node.function == "sigmoid" else error * above)


def _log_sum_exp(run: Rounding, node: e.LogSumExp) -> Error:
    """Shift, exponentials, a sum in open order, a logarithm; the largest term is 1, so the sum is at least 1."""
    (a,), (axis,) = node.parents, run.state.layout.positions([node.axis])
    part, u, count = run.state.values[a], run.u, run.state.layout.sizes[node.axis]
    error = np.max(np.broadcast_to(run.error(a), part.low.shape), axis=axis, keepdims=True)
    largest = np.max(part.high, axis=axis, keepdims=True)
    apart = np.max(part.high, axis=axis, keepdims=True) - part.low
    weight = np.exp(-np.minimum(apart, 700.0))
    spread = (weight * np.minimum(apart, 700.0)).sum(axis=axis, keepdims=True) / weight.sum(axis=axis, keepdims=True)
    logarithm = np.log(weight.sum(axis=axis, keepdims=True)) * (1 + 2.0**-40)
    inside = (ACCURACY["exp"] + count - 1 + spread) * u * (1 + 8 * u) + count * run.tiny
    size = np.abs(largest) + logarithm + error
    return Error(np.asarray(error + inside + ACCURACY["log"] * u * logarithm + u * size * (1 + 8 * u) + 2 * run.tiny))


def _stored(run: Rounding, node: e.Stored) -> Error:
    return stored(run, run.magnitude(node), run.errors[node.parents[0]], run.fits(node))


def stored(run: Rounding, magnitude: Float64, error: Error, fits: Bool) -> Error:
    """One more conversion."""
    if fits.all() and error.none:
        return NONE
    size = magnitude + error.closed(run.u)
    grant = np.where(size > 0, run.u * (1 + 2 * run.u) * size + run.tiny, 0.0)
    return Error(error.base + (np.where(fits, 0.0, grant) if fits.any() else grant), error.terms, error.size)


def _gather(run: Rounding, node: e.Gather) -> Error:
    index = run.state.truths[node.parents[1]]
    error = run.errors[node.parents[0]]
    shape = run.state.values[node.parents[0]].low.shape
    return error.map(lambda part: gathered(np, run.state.layout, node.axis, np.broadcast_to(part, shape), index))


def _renamed(run: Rounding, node: e.Renamed) -> Error:
    shape = run.state.values[node.parents[0]].low.shape
    swap = run.state.layout.swap(node.old, node.new)
    return run.errors[node.parents[0]].map(lambda part: np.swapaxes(np.broadcast_to(part, shape), *swap))


def _counted(run: Rounding, node: Node) -> Error:
    size = run.magnitude(node)
    return NONE if (size <= 1 / run.u).all() else Error(size * run.u)


ERRORS: dict[type[Node], Rule] = {
    e.Count: _counted,
    e.Counted: _counted,
    e.Sum: _sum,
    e.Product: _product,
    e.Quotient: _quotient,
    e.Power: _power,
    e.Absolute: lambda run, node: run.errors[node.parents[0]],
    e.Positive: _positive,
    e.Larger: _larger,
    e.Where: _where,
    e.Gather: _gather,
    e.Renamed: _renamed,
    e.Total: _total,
    e.Elementary: _elementary,
    e.LogSumExp: _log_sum_exp,
    e.Stored: _stored,
}
"""The error of a node by its kind, leaves aside."""
