"""What each kind of node computes in a plain implementation, and the slope of each to its parents."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import expression as e
from . import masks as m
from .layout import Layout
from .node import Node
from .steps import Array

if TYPE_CHECKING:
    from .plain import Plain

Function = Callable[["Plain", Any, list[Array]], Array]
Slope = Callable[["Plain", Any, int, list[Array], Array, Array], Array]

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
    "<": operator.lt,
}


def function(node: Node) -> Function:
    """How a node's value comes from its parents'."""
    return FUNCTIONS[type(node)]


def slope(node: Node) -> Slope | None:
    """What a node hands on to one of its parents; None where it is not differentiable."""
    return SLOPES.get(type(node))


def _sum(plain: Plain, node: e.Sum, parents: list[Array]) -> Array:
    return plain.steps.add([-part if sign < 0 else part for part, sign in zip(parents, node.signs, strict=True)])


def _positive(xp: Any, array: Array) -> Array:
    """max(0, a), which keeps NaN and makes 0 of minus infinity."""
    return xp.where(array > 0, array, xp.where(array < 0, xp.zeros_like(array), array * 1))


def _quotient(plain: Plain, node: e.Quotient, parents: list[Array]) -> Array:
    if isinstance(node.parents[1], e.Count):
        return plain.steps.divide(parents[0], parents[1])
    return parents[0] / parents[1]


def _gather(plain: Plain, node: e.Gather, parents: list[Array]) -> Array:
    return gathered(plain.xp, plain.layout, node.axis, *parents)


def gathered(xp: Any, layout: Layout, axis: str, array: Array, index: Array) -> Array:
    """Numbers at indices along an axis; array and index meet along the others."""
    place = layout.positions([axis])[0]
    sizes = [max(pair) if 0 not in pair else 0 for pair in zip(array.shape, index.shape, strict=True)]
    own = tuple(array.shape[i] if i == place else size for i, size in enumerate(sizes))
    other = tuple(index.shape[i] if i == place else size for i, size in enumerate(sizes))
    taken = xp.take_along_axis if hasattr(xp, "take_along_axis") else xp.take_along_dim
    return taken(xp.broadcast_to(array, own), xp.broadcast_to(clamped(xp, layout, index, axis), other), place)


def clamped(xp: Any, layout: Layout, index: Array, axis: str) -> Array:
    """Indices moved into an axis: those out of range stand where a mask leaves them out."""
    return xp.clip(index, 0, max(layout.sizes[axis] - 1, 0))


def _swapped(plain: Plain, node: e.Renamed | m.RenamedIntegers, parents: list[Array]) -> Array:
    return plain.xp.swapaxes(parents[0], *plain.layout.swap(node.old, node.new))


def _any(plain: Plain, node: m.AnyOf, parents: list[Array]) -> Array:
    place = plain.layout.positions([node.axis])[0]
    return (parents[0] * 1).sum(place, keepdims=True) > 0


def _leading(plain: Plain, node: m.Leading, parents: list[Array]) -> Array:
    return plain.xp.cumprod(parents[0] * 1, plain.layout.positions([node.axis])[0]) > 0


def _position(plain: Plain, node: m.Position, parents: list[Array]) -> Array:
    del parents
    return plain.layout.place(plain.xp.arange(plain.layout.sizes[node.axis]), [node.axis])


def _log_sum_exp(plain: Plain, node: e.LogSumExp, parents: list[Array]) -> Array:
    xp, steps, place = plain.xp, plain.steps, plain.layout.positions([node.axis])
    largest = xp.amax(parents[0], place, keepdims=True)
    summed = steps.rounded(steps.total(xp, steps.rounded(xp.exp(steps.rounded(parents[0] - largest))), place))
    return largest + steps.rounded(xp.log(summed))


def _elementary(plain: Plain, node: e.Elementary, parents: list[Array]) -> Array:
    xp, rounded, a = plain.xp, plain.steps.rounded, parents[0]
    if node.function == "sigmoid":
        decay = rounded(xp.exp(-abs(a)))
        return xp.where(a >= 0, 1 / rounded(1 + decay), decay / rounded(1 + decay))
    if node.function == "softplus":
        return _positive(xp, a) + rounded(xp.log1p(rounded(xp.exp(-abs(a)))))
    return getattr(xp, node.function)(a)


FUNCTIONS: dict[type[Node], Function] = {
    e.Constant: lambda plain, node, parents: plain.real(node.value),
    e.Count: lambda plain, node, parents: plain.real(plain.layout.count(node.over)),
    e.Counted: lambda plain, node, parents: plain.steps.total(
        plain.xp, plain.real(parents[0] * 1), plain.layout.positions(node.over)
    ),
    e.Sum: _sum,
    e.Product: lambda plain, node, parents: parents[0] * parents[1],
    e.Quotient: _quotient,
    e.Power: lambda plain, node, parents: parents[0] ** node.exponent,
    e.Absolute: lambda plain, node, parents: abs(parents[0]),
    e.Positive: lambda plain, node, parents: _positive(plain.xp, parents[0]),
    e.Larger: lambda plain, node, parents: plain.xp.where(parents[0] > parents[1], parents[0], parents[1]),
    e.Where: lambda plain, node, parents: plain.xp.where(*parents),
    e.Gather: _gather,
    e.Renamed: _swapped,
    e.Total: lambda plain, node, parents: plain.steps.total(plain.xp, parents[0], plain.layout.positions(node.over)),
    e.Elementary: _elementary,
    e.LogSumExp: _log_sum_exp,
    e.Stored: lambda plain, node, parents: parents[0],
    m.IntegerConstant: lambda plain, node, parents: node.value,
    m.Position: _position,
    m.RenamedIntegers: _swapped,
    m.Related: lambda plain, node, parents: _RELATIONS[node.relation](*parents),
    m.Compared: lambda plain, node, parents: _RELATIONS[node.relation](*parents),
    m.And: lambda plain, node, parents: parents[0] & parents[1],
    m.Or: lambda plain, node, parents: parents[0] | parents[1],
    m.Not: lambda plain, node, parents: ~parents[0],
    m.AnyOf: _any,
    m.Leading: _leading,
}
"""Value of a node by its kind."""


def _of_quotient(
    plain: Plain, node: e.Quotient, place: int, parents: list[Array], value: Array, adjoint: Array
) -> Array:
    if isinstance(node.parents[1], e.Count):
        return plain.steps.divide(adjoint, parents[1]) if place == 0 else plain.xp.zeros_like(adjoint)
    share = plain.steps.rounded(adjoint / parents[1])
    return share if place == 0 else -share * value


def _of_positive(
    plain: Plain, node: e.Positive, place: int, parents: list[Array], value: Array, adjoint: Array
) -> Array:
    at_tie = adjoint * plain.real(plain.steps.tie)
    return plain.xp.where(
        parents[0] > 0, adjoint, plain.xp.where(parents[0] == 0, at_tie, plain.xp.zeros_like(adjoint))
    )


def _of_absolute(
    plain: Plain, node: e.Absolute, place: int, parents: list[Array], value: Array, adjoint: Array
) -> Array:
    at_tie = adjoint * plain.real(2 * plain.steps.tie - 1 if plain.steps.tie else 0.0)
    beside = plain.xp.where(parents[0] > 0, adjoint, -adjoint)
    return plain.xp.where(parents[0] == 0, at_tie, beside)


def _of_larger(plain: Plain, node: e.Larger, place: int, parents: list[Array], value: Array, adjoint: Array) -> Array:
    first = parents[0] > parents[1]
    return plain.xp.where(first if place == 0 else ~first, adjoint, plain.xp.zeros_like(adjoint))


def _of_where(plain: Plain, node: e.Where, place: int, parents: list[Array], value: Array, adjoint: Array) -> Array:
    return plain.xp.where(parents[0] if place == 1 else ~parents[0], adjoint, plain.xp.zeros_like(adjoint))


def _of_gather(plain: Plain, node: e.Gather, place: int, parents: list[Array], value: Array, adjoint: Array) -> Array:
    """Each number gets what all places that took it are given: one place of the axis after the other."""
    axis = plain.layout.positions([node.axis])[0]
    shared = tuple(
        i
        for i, name in enumerate(plain.layout.axes)
        if name in node.parents[1].axes and name not in node.parents[0].axes
    )
    index = clamped(plain.xp, plain.layout, parents[1], node.axis)
    taken = [
        plain.steps.total(plain.xp, plain.xp.where(index == i, adjoint, plain.xp.zeros_like(adjoint)), shared)
        for i in range(plain.layout.sizes[node.axis])
    ]
    return plain.xp.concatenate(taken, axis)


def _of_elementary(
    plain: Plain, node: e.Elementary, place: int, parents: list[Array], value: Array, adjoint: Array
) -> Array:
    a, rounded = parents[0], plain.steps.rounded
    if node.function == "exp":
        return adjoint * value
    if node.function == "log":
        return adjoint / a
    if node.function == "log1p":
        return adjoint / rounded(1 + a)
    if node.function == "sqrt":
        return adjoint / rounded(2 * value)
    if node.function == "softplus":
        return adjoint * rounded(_elementary(plain, e.Elementary(node.parents, "sigmoid"), parents))
    return rounded(adjoint * value) * rounded(1 - value)


def _of_total(plain: Plain, node: e.Total, place: int, parents: list[Array], value: Array, adjoint: Array) -> Array:
    return plain.xp.broadcast_to(adjoint, parents[0].shape)


def _of_log_sum_exp(
    plain: Plain, node: e.LogSumExp, place: int, parents: list[Array], value: Array, adjoint: Array
) -> Array:
    return adjoint * plain.steps.rounded(plain.xp.exp(plain.steps.rounded(parents[0] - value)))


def _of_power(plain: Plain, node: e.Power, place: int, parents: list[Array], value: Array, adjoint: Array) -> Array:
    return adjoint * plain.steps.rounded(node.exponent * parents[0] ** (node.exponent - 1))


SLOPES: dict[type[Node], Slope] = {
    e.Sum: lambda plain, node, place, parents, value, adjoint: -adjoint if node.signs[place] < 0 else adjoint,
    e.Product: lambda plain, node, place, parents, value, adjoint: adjoint * parents[1 - place],
    e.Quotient: _of_quotient,
    e.Power: _of_power,
    e.Absolute: _of_absolute,
    e.Positive: _of_positive,
    e.Larger: _of_larger,
    e.Where: _of_where,
    e.Gather: _of_gather,
    e.Renamed: lambda plain, node, place, parents, value, adjoint: _swapped(plain, node, [adjoint]),
    e.Total: _of_total,
    e.Elementary: _of_elementary,
    e.LogSumExp: _of_log_sum_exp,
    e.Stored: lambda plain, node, place, parents, value, adjoint: adjoint,
}
"""What a node hands on by its kind."""
