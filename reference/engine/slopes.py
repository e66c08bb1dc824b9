"""What each kind of node hands down to its parents, enclosed and with its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..formats import Bool
from . import expression as e
from .adjoint import Adjoint
from .compound import divided
from .derivatives import DERIVATIVES, as_floats, inverse
from .enclose import uncertain
from .error import ACCURACY, NONE, Error
from .error_rules import turnable
from .functions import clamped
from .interval import Interval, point
from .layout import stretched
from .node import Node
from .scale import NOTHING, Scale, over, product_of

if TYPE_CHECKING:
    from .backward import Backward
    from .rounding import Rounding

Slope = Callable[["Backward", Any, int, Adjoint], Adjoint]


def _sum(back: Backward, node: e.Sum, place: int, given: Adjoint) -> Adjoint:
    del back
    return replace(given, value=given.value.opposite()) if node.signs[place] < 0 else given


def _product(back: Backward, node: e.Product, place: int, given: Adjoint) -> Adjoint:
    other = node.parents[1 - place]
    state = back.run.state
    return back.times(given, state.values[other], back.run.error(other), state.scales[other])


def _quotient(back: Backward, node: e.Quotient, place: int, given: Adjoint) -> Adjoint:
    below, run = node.parents[1], back.run
    if isinstance(below, e.Count):
        count = run.state.layout.count(below.over)
        return _shared(back, given, count, run.state.values[below])
    slope, error = inverse(run, run.state.values[below], run.error(below))
    share = back.times(given, slope, error, UNKNOWN)
    if place == 0:
        return share
    found = back.times(share, run.state.values[node], run.error(node), UNKNOWN)
    return replace(found, value=found.value.opposite())


UNKNOWN = NOTHING
"""Of a slope that stays on no grid."""


def _shared(back: Backward, given: Adjoint, count: int, divisor: Interval) -> Adjoint:
    scale = over(given.scale, count)
    fits = back.fits(scale)
    value = back.run.state.numbers.divide(given.value, divisor, back.exact(scale))
    error = NONE
    if not (fits.all() and given.error.none):
        magnitude = np.asarray(given.value.magnitude, dtype=np.float64)
        error = divided(back.run, magnitude, given.error, count, lambda grant: np.where(fits, 0.0, grant))
    return Adjoint(value, error, scale, given.lift * max(count, 1))


def _power(back: Backward, node: e.Power, place: int, given: Adjoint) -> Adjoint:
    del place
    (base,) = node.parents
    run, count = back.run, node.exponent
    numbers, scale = run.state.numbers, run.state.scales[base]
    slope, part = point(numbers.number(float(count))), run.state.values[base]
    own = Scale(np.asarray(run.state.rows.constant(float(count)).grid), np.array(float(count)))
    for _ in range(count - 1):
        own = product_of(own, scale)
        slope = numbers.multiply(slope, part, back.exact(own))
    if run.trivial:
        return back.times(given, slope, np.zeros(()), own)
    size, error = run.magnitude(base), run.error(base)
    brought = count * (count - 1) * error * (size + error) ** (count - 2)
    if count > 2:
        brought = brought + (count - 1) * run.u * (1 + count * run.u) * count * (size + error) ** (count - 1)
    return back.times(given, slope, np.asarray(brought, dtype=np.float64), own)


def _positive(back: Backward, node: e.Positive, place: int, given: Adjoint) -> Adjoint:
    del place
    (a,) = node.parents
    return back.chosen(given, *_side(back, back.run.state.values[a], back.run.errors[a]))


def _side(back: Backward, part: Interval, error: Error) -> tuple[Any, Any, Any]:
    """The slope of max(0, a) at the ends, and where rounding may carry a over 0."""
    low, high = part.low > 0, ~(part.high < 0)
    if np.array_equal(low, high):
        high = low
    else:
        back.note(low != high, part)
    if error.none:
        return low, high, None
    closed = error.closed(back.run.u) * (1 + 2.0**-40)
    tie = (part.low == 0) & (part.high == 0)
    near = (part.low <= closed) & (part.high >= -closed) & (closed > 0) & ~tie
    return low, high, near if near.any() else None


def _absolute(back: Backward, node: e.Absolute, place: int, given: Adjoint) -> Adjoint:
    del place
    (a,) = node.parents
    low, high, near = _side(back, back.run.state.values[a], back.run.errors[a])
    low, high = 2 * low.astype(np.int64) - 1, 2 * high.astype(np.int64) - 1
    found = back.chosen(given, low, high, None)
    if near is None:
        return found
    flipped = 2 * np.where(near, np.asarray(given.value.magnitude, dtype=np.float64), 0.0)
    return replace(found, error=replace(found.error, base=found.error.base + flipped))


def _larger(back: Backward, node: e.Larger, place: int, given: Adjoint) -> Adjoint:
    a, b = node.parents
    run = back.run
    terms = [run.state.values[a], run.state.values[b].opposite()]
    apart = run.state.numbers.add(terms, np.asarray(False))
    errors = run.error(a) + run.error(b)
    low, high, near = _side(back, apart, Error(errors) if np.any(errors) else NONE)
    return back.chosen(given, *((low, high) if place == 0 else (~high, ~low)), near)


def _where(back: Backward, node: e.Where, place: int, given: Adjoint) -> Adjoint:
    run, mask = back.run, node.parents[0]
    chosen = np.asarray(run.state.truths[mask] if place == 1 else ~run.state.truths[mask])
    turned = turnable(run, mask)
    if turned is None or not np.any(turned):
        return back.chosen(given, chosen, chosen, None)
    unsure = _undecided(run, mask, chosen)
    return back.chosen(given, chosen & ~unsure, chosen | unsure, turned)


def _undecided(run: Rounding, mask: Node, chosen: Bool) -> Bool:
    found = uncertain(run.state, mask)
    return np.zeros(chosen.shape, dtype=bool) if found is None else found


def _gather(back: Backward, node: e.Gather, place: int, given: Adjoint) -> Adjoint:
    """Each number gets what all the places that took it are given."""
    del place
    return scattered(back, node, given)


def _total(back: Backward, node: e.Total, place: int, given: Adjoint) -> Adjoint:
    del back, node, place
    return given


def _renamed(back: Backward, node: e.Renamed, place: int, given: Adjoint) -> Adjoint:
    del place
    whole, swap = back.shape(node), back.run.state.layout.swap(node.old, node.new)

    def moved(part: Any) -> Any:
        return np.swapaxes(stretched(part, whole), *swap)

    return replace(given, value=given.value.map(moved), error=given.error.map(moved))


def _stored(back: Backward, node: e.Stored, place: int, given: Adjoint) -> Adjoint:
    del back, node, place
    return given


def _gone(own: Sequence[int], whole: Sequence[int]) -> tuple[int, ...]:
    """The axes that are summed away."""
    return tuple(i for i, kept in enumerate(own) if kept == 1 and whole[i] != 1)


def _widened(value: Interval, doubt: Any) -> Interval:
    return Interval(value.low - doubt, value.high + doubt)


def scattered(back: Backward, node: e.Gather, given: Adjoint) -> Adjoint:
    """Sums over the places that took the same number, still open."""
    state, parent = back.run.state, node.parents[0]
    layout, whole, own = state.layout, back.shape(node), back.shape(parent)
    (axis,) = layout.positions([node.axis])
    index = clamped(np, layout, state.truths[node.parents[1]], node.axis)
    places = _places(own, whole, axis, index)

    def gathered_up(part: Any) -> Any:
        spread: Any = stretched(part, whole)
        if spread.dtype == object:
            found = np.full(own, 0 * state.numbers.number(0.0), dtype=object).reshape(-1)
            np.add.at(found, places.reshape(-1), spread.reshape(-1))
            return found.reshape(own)
        return np.bincount(places.reshape(-1), spread.reshape(-1), int(np.prod(own))).reshape(own)

    value = given.value.map(gathered_up)
    if back.run.trivial:
        return replace(given, value=value)
    size = gathered_up(back.size(given))
    gone = _gone(own, whole)
    scale = Scale(back.coarsest(given.scale.grid, gone), back.peak(size))
    exact, fits = back.exact(scale), back.fits(scale)
    if not exact.all():
        terms = layout.count([name for i, name in enumerate(layout.axes) if name in node.axes and own[i] == 1])
        value = _widened(value, np.where(exact, 0.0, size * (terms * 2.0**-52)))
    if fits.all() and given.error.none:
        return Adjoint(value, NONE, scale, given.lift)
    base = gathered_up(stretched(given.error.base, whole))
    counted = as_floats(gathered_up(back.terms(given, back.size(given))))
    return Adjoint(value, Error(base, np.where(fits, np.minimum(counted, 1.0), counted), size), scale, given.lift)


def _places(own: tuple[int, ...], whole: tuple[int, ...], axis: int, index: Any) -> Any:
    """For each place of the gathered array, where its number came from."""
    strides = [int(np.prod(own[step + 1 :])) for step in range(len(own))]
    found = stretched(index, whole) * strides[axis]
    for place, size in enumerate(own):
        if place != axis and size != 1:
            shape = [1] * len(own)
            shape[place] = size
            found = found + np.arange(size).reshape(shape) * strides[place]
    return np.ascontiguousarray(found)


def _elementary(back: Backward, node: e.Elementary, place: int, given: Adjoint) -> Adjoint:
    del place
    value, error = DERIVATIVES[node.function](back.run, node)  # errors of balls are not used
    return back.times(given, value, error, UNKNOWN)


def _log_sum_exp(back: Backward, node: e.LogSumExp, place: int, given: Adjoint) -> Adjoint:
    """The softmax: e^(a - v) with the errors of both, or e^(a - max) over the sum."""
    del place
    (a,), run = node.parents, back.run
    numbers, part, value = run.state.numbers, run.state.values[a], run.state.values[node]
    apart = numbers.add([part, value.opposite()], np.asarray(False))
    found = numbers.function("exp", apart)
    soft = Interval(found.low, np.minimum(found.high, numbers.number(1.0)))
    u, count = run.u, run.state.layout.sizes[node.axis]
    if run.trivial:
        return back.times(given, soft, np.zeros(()), UNKNOWN)
    size = as_floats(soft.high)
    relative = (2 * ACCURACY["exp"] + count + 2 + 2 * as_floats(apart.magnitude)) * u * (1 + 8 * u)
    brought = run.error(a) + run.error(node)
    return back.times(
        given, soft, size * (relative + brought * np.exp(np.minimum(brought, 1.0))) + 2 * run.tiny, UNKNOWN
    )


SLOPES: dict[type[Node], Slope] = {
    e.Sum: _sum,
    e.Product: _product,
    e.Quotient: _quotient,
    e.Power: _power,
    e.Absolute: _absolute,
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
"""By the kind of the node."""
