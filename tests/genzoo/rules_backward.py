"""Mistakes that only a backward pass can have: a step left out, turned or taken twice, another cotangent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from reference.engine import expression as e
from reference.engine.formula import Formula
from reference.engine.functions import clamped, slope
from reference.engine.node import Node
from reference.engine.steps import Array
from tests.genzoo import tools
from tests.genzoo.evaluation import Altered
from tests.genzoo.mutation import Mutation, Step
from tests.genzoo.sites import reaches_scores
from tests.genzoo.text import short


def at_node(formula: Formula, site: str, node: Node) -> Iterator[Mutation]:
    """Every mistake in what a node hands on to the numbers that it is made of."""
    if slope(node) is None:
        return
    for place, parent in enumerate(node.parents):
        if reaches_scores(parent, formula):
            where = f"the step from {short(node)} to {short(parent)}"
            yield Mutation(f"detached_{place}_{site}", "detached", f"{where} left out", site=site, place=place,
                           edge=lambda plain, step, given: given * 0)  # fmt: skip
            yield Mutation(f"turned_{place}_{site}", "a sign turned", f"{where} with its sign turned", site=site,
                           place=place, edge=lambda plain, step, given: -given)  # fmt: skip
            yield Mutation(f"doubled_{place}_{site}", "counted twice", f"{where} counted twice", site=site,
                           place=place, edge=lambda plain, step, given: given + given)  # fmt: skip
            if not isinstance(node, e.Sum | e.Total | e.Stored | e.Renamed | e.Gather | e.Where):
                yield Mutation(f"scaled_twice_{place}_{site}", "scaled twice", f"{where} scaled twice", site=site,
                               place=place, edge=_scaled_twice)  # fmt: skip
            yield Mutation(f"half_{place}_{site}", "an intermediate in half precision", f"{where} in half the width",
                           site=site, place=place,
                           edge=lambda plain, step, given: tools.halved(plain.xp, given))  # fmt: skip
    if isinstance(node, e.Gather):
        yield from _scattered(site, node)


def _scaled_twice(plain: Altered, step: Step, given: Array) -> Array:
    return step.again(given)


def _scattered(site: str, node: e.Gather) -> Iterator[Mutation]:
    """Mistakes where several places took one number."""
    if set(node.parents[1].axes) - set(node.parents[0].axes):
        yield Mutation(f"last_alone_{site}", "duplicates counted once",
                       f"what reaches {short(node)} written, not added, where an index comes twice", site=site,
                       edge=_last_alone)  # fmt: skip


def _last_alone(plain: Altered, step: Step, given: Array) -> Array:
    """Each number gets what the last place that took it is given."""
    node, xp = step.node, plain.xp
    shared = [axis for axis in node.parents[1].axes if axis not in node.parents[0].axes]
    along = plain.axis(shared[0])
    index = clamped(xp, plain.layout, step.parents[1], node.axis)
    adjoint = xp.broadcast_to(step.adjoint, tuple(max(a, b) for a, b in zip(step.adjoint.shape, index.shape,
                                                                            strict=True)))  # fmt: skip
    found: list[Any] = []
    for place in range(plain.layout.sizes[node.axis]):
        chosen = xp.zeros_like(tools.taken(adjoint, along, 0, 1))
        for other in range(index.shape[along]):
            here = tools.taken(index, along, other, other + 1) == place
            given_here = tools.taken(adjoint, along, other, other + 1)
            chosen = xp.where(here & (given_here != 0), given_here, chosen)
        found.append(chosen)
    return xp.concatenate(found, plain.axis(node.axis))


def everywhere(formula: Formula) -> Iterator[Mutation]:
    """Mistakes in the cotangent, and slopes of kinks that no subgradient has."""
    del formula
    changes: tuple[tuple[str, str, Callable[[Any, Any], Any]], ...] = (
        ("ignored", "as ones", lambda plain, given: tools.ones_like(plain.xp, given)),
        ("of_first_row", "of the first row for every row", _of_first),
        ("as_mean", "as its mean", lambda plain, given: given * 0 + given.mean()),
        ("twice", "applied twice", lambda plain, given: given * given),
        ("magnitude", "as its magnitude", lambda plain, given: abs(given)),
        ("sign", "as its sign", lambda plain, given: plain.xp.sign(given)),
        ("in_half", "in half the width", lambda plain, given: tools.halved(plain.xp, given)),
        ("row_before", "of the row before", _of_row_before),
        ("as_if_contiguous", "read as if contiguous", lambda p, given: tools.as_if_contiguous(p.xp, given)),
        ("of_none_alone", "as ones unless the reduction is none", _of_none_alone),
        ("of_reductions_alone", "as ones if the reduction is none", _of_reductions_alone),
    )
    for name, words, change in changes:
        yield Mutation(f"cotangent_{name}", "the cotangent", f"the cotangent {words}", cotangent=change)
    for name, value in (("2", 2.0), ("minus_1", -1.0), ("nan", float("nan"))):
        yield Mutation(f"kink_{name}", "a slope at a kink", f"a slope of {value:g} at the kink of a maximum", tie=value)


def _of_first(plain: Altered, given: Array) -> Array:
    return tools.first_along(plain.xp, given, 0) if len(given.shape) else given


def _of_row_before(plain: Altered, given: Array) -> Array:
    return tools.rolled(plain.xp, given, 0) if len(given.shape) else given


def _of_none_alone(plain: Altered, given: Array) -> Array:
    return given if plain.call.reduction == "none" else tools.ones_like(plain.xp, given)


def _of_reductions_alone(plain: Altered, given: Array) -> Array:
    return given if plain.call.reduction != "none" else tools.ones_like(plain.xp, given)
