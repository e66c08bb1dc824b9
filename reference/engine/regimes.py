"""Which branches, kinks and limits of a formula its cases met: read off the graph's own nodes.

The names say the formula, the node and its place among its kind: ``multi_margin_loss: max(0, a) 1:
at its kink``. Nothing is evaluated while nobody watches (:mod:`reference.regimes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..formats import Bool
from ..regimes import Regimes
from . import expression as e
from . import masks as m
from .adjoint import Adjoint
from .error_rules import turnable
from .node import Node
from .rounding import Rounding

_TITLES: dict[type[Node], str] = {
    e.Positive: "max(0, a)",
    e.Absolute: "|a|",
    e.Larger: "max(a, b)",
    e.Where: "choice",
    e.Sum: "sum",
    e.Total: "sum over axes",
    e.Quotient: "quotient",
    e.Argument: "argument",
    e.Elementary: "function",
    m.Leading: "block",
}


def regimes(name: str, run: Rounding, order: Sequence[Node], slopes: dict[str, Adjoint]) -> Regimes:
    """Those of one block of cases."""
    found: dict[str, Bool] = {}
    places: dict[str, int] = {}
    for node in order:
        title = _title(node)
        if title is None:
            continue
        places[title] = places.get(title, 0) + 1
        found |= {f"{name}: {title} {places[title]}: {what}": holds for what, holds in _predicates(run, node)}
    for argument, slope in slopes.items():
        low, high = slope.value.low, slope.value.high
        found[f"{name}: gradient to {argument}: 0"] = (low == 0) & (high == 0)
        found[f"{name}: gradient to {argument}: on both sides of 0"] = (low < 0) & (high > 0)
    return found


def _title(node: Node) -> str | None:
    if isinstance(node, e.Argument):
        return f"argument {node.name}"
    return node.function if isinstance(node, e.Elementary) else _TITLES.get(type(node))


def _predicates(run: Rounding, node: Node) -> Iterator[tuple[str, Bool]]:
    if isinstance(node, e.Positive | e.Absolute):
        yield from _kink(run, node.parents[0])
    elif isinstance(node, e.Argument):
        value = run.state.values[node].low
        yield from (("0", value == 0), ("negative", value < 0))
    elif isinstance(node, e.Where):
        yield "taken", np.asarray(run.state.truths[node.parents[0]])
        turned = turnable(run, node.parents[0])
        if turned is not None:
            yield "rounding may turn it", np.asarray(turned)
    elif isinstance(node, e.Sum | e.Total | e.Quotient):
        yield "nothing rounds", run.fits(node)
        yield "may overflow", run.largest(node) > run.arithmetic.format.largest
    elif isinstance(node, m.Leading):
        mask = np.asarray(run.state.truths[node])
        axis = run.state.layout.positions([node.axis])
        yield "empty", np.asarray(~mask.any(axis=axis))
        yield "without an end", np.asarray(mask.all(axis=axis))
    elif isinstance(node, e.Elementary):
        value, error = run.state.values[node], run.error(node)
        yield "vanishes", value.high < run.tiny
        yield "lost in its error", np.abs(value.high) < error


def _kink(run: Rounding, part: Node) -> Iterator[tuple[str, Bool]]:
    value, error = run.state.values[part], run.error(part)
    tie = (value.low == 0) & (value.high == 0)
    near = (value.low <= error) & (value.high >= -error) & ~tie & (error > 0)
    yield "active", value.low > 0
    yield "at its kink", tie
    yield "beside its kink", near
