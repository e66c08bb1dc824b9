"""The error of each kind of node, by the rules of :mod:`.rounding`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from ..formats import Bool, Float64
from . import expression as e
from . import masks as m
from .compound import added, divided, multiplied, stored
from .enclose import uncertain
from .error import ACCURACY, NONE, Error
from .functions import gathered
from .interval import Interval
from .layout import stretched
from .node import Node, walk

if TYPE_CHECKING:
    from .rounding import Rounding

Rule = Callable[["Rounding", Any], Error]


def _sum(run: Rounding, node: e.Sum) -> Error:
    parents = list(node.parents)
    if len(parents) == 1:
        return run.errors[parents[0]]
    fits = run.fits(node)
    if fits.all() and all(run.errors[parent].none for parent in parents):
        return NONE
    brought = reduce(np.add, [run.error(parent) for parent in parents])
    if len(parents) > 3 or any(run.errors[parent].terms is not None for parent in parents):
        return _many(run, node, brought, fits)
    return _of_few(run, node, brought, fits)


def _of_few(run: Rounding, node: e.Sum, brought: Float64, fits: Bool) -> Error:
    """Of two or three terms, in any order."""
    parents, total = list(node.parents), run.magnitude(node)
    between = total if len(parents) == 2 else total + _largest_pair(run, node)
    u = run.u
    rounded = u * (between + (len(parents) - 1) * brought) * (1 + 2 * u)
    if run.arithmetic.flushes:
        rounded = rounded + _flushed(parents) * run.tiny
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


def _quotient(run: Rounding, node: e.Quotient) -> Error:
    a, b = node.parents
    if isinstance(b, e.Count):
        fits, divisor = run.fits(node), run.state.layout.count(b.over)
        if fits.all() and run.errors[a].none:
            return NONE
        return divided(run, run.magnitude(a), run.errors[a], divisor, lambda grant: run.own(node, grant, fits))
    return Error(_by_number(run, node))


def _by_number(run: Rounding, node: e.Quotient) -> Float64:
    a, b = node.parents
    value, below = run.magnitude(node), run.state.values[b]
    least = np.maximum(np.minimum(np.abs(below.low), np.abs(below.high)) - run.error(b), 0.0)
    brought = (run.error(a) + value * run.error(b)) / least
    brought = np.where(np.isnan(brought), np.inf, brought) + run.beyond(run.largest(b), value)
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
    found = [_may_turn(run, node) for node in walk(mask) if isinstance(node, m.Compared)]
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
    error = np.max(stretched(run.error(a), part.low.shape), axis=axis, keepdims=True)
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


def _gather(run: Rounding, node: e.Gather) -> Error:
    index = run.state.truths[node.parents[1]]
    error = run.errors[node.parents[0]]
    shape = run.state.values[node.parents[0]].low.shape
    return error.map(lambda part: gathered(np, run.state.layout, node.axis, stretched(part, shape), index))


def _renamed(run: Rounding, node: e.Renamed) -> Error:
    shape = run.state.values[node.parents[0]].low.shape
    swap = run.state.layout.swap(node.old, node.new)
    return run.errors[node.parents[0]].map(lambda part: np.swapaxes(stretched(part, shape), *swap))


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
