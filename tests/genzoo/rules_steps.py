"""Mistakes in how a step is computed: its width, its indices, what is kept of another row or another call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from reference.engine import expression as e
from reference.engine import masks as m
from reference.engine.formula import Formula, Graph
from reference.engine.functions import clamped
from reference.engine.node import Node
from reference.engine.steps import Array
from tests.genzoo import tools
from tests.genzoo.evaluation import Altered
from tests.genzoo.mutation import Mutation
from tests.genzoo.sites import batch_of, below, is_label
from tests.genzoo.text import short

_WIDTHS = ((8, True), (8, False), (16, True), (16, False), (32, True), (32, False))
_KEPT: dict[tuple[Any, ...], Array] = {}
"""What stale steps keep from their first call of a shape."""


def mutations(formula: Formula, site: str, node: Node, graph: Graph) -> Iterator[Mutation]:
    """Every mistake of this kind at a node."""
    if isinstance(node, e.Expression):
        yield from _widths(site, node)
    if isinstance(node, m.IntegerArgument):
        yield from _narrow(site, node)
    if is_label(node, formula) or isinstance(node, e.Argument | m.Mask | m.RenamedIntegers):
        yield from _of_another_row(site, node, graph)
    if is_label(node, formula) and isinstance(node, e.Argument):
        yield from _labels(site, node)
    if isinstance(node, e.Gather):
        yield from _indices(site, node)
    if any(isinstance(part, e.Argument | e.Option | m.IntegerArgument) for part in below(node)):
        yield Mutation(f"stale_{site}", "a stale result", f"{short(node)} from the first call of these shapes",
                       site=site, after=_stale)  # fmt: skip


def _widths(site: str, node: e.Expression) -> Iterator[Mutation]:
    if isinstance(node, e.Constant) and node.value == int(node.value):
        return
    yield Mutation(f"half_{site}", "an intermediate in half precision", f"{short(node)} in half the width",
                   site=site, after=lambda plain, node, value: tools.halved(plain.xp, value))  # fmt: skip
    if isinstance(node, e.Total):
        yield Mutation(f"half_sums_{site}", "a sum in half precision", f"{short(node)} added up in half the width",
                       site=site, inputs=_halved_inputs, after=_added_in_half)  # fmt: skip
    if isinstance(node, e.Option):
        yield Mutation(f"whole_{site}", "another option", f"{short(node)} cut to a whole number",
                       site=site, after=lambda plain, node, value: plain.xp.trunc(value))  # fmt: skip


def _halved_inputs(plain: Altered, node: e.Total, parents: list[Array]) -> list[Array]:
    return [tools.halved(plain.xp, parents[0])]


def _added_in_half(plain: Altered, node: e.Total, value: Array) -> Array:
    """The sum was taken over numbers of half the width; its own width is half too."""
    return tools.halved(plain.xp, value)


def _narrow(site: str, node: m.IntegerArgument) -> Iterator[Mutation]:
    for bits, signed in _WIDTHS:
        name = f"{'int' if signed else 'uint'}{bits}"
        yield Mutation(f"{name}_{site}", "a label narrowed", f"{node.name} narrowed to {name}", site=site,
                       after=partial(_narrowed, bits, signed))  # fmt: skip
    yield Mutation(f"in_scores_dtype_{site}", "a label narrowed", f"{node.name} in the dtype of the scores", site=site,
                   after=_in_scores_dtype)  # fmt: skip
    yield Mutation(f"magnitude_{site}", "an index wrapped", f"{node.name} as its magnitude", site=site,
                   after=lambda plain, node, value: abs(value))  # fmt: skip
    yield Mutation(f"wrapped_{site}", "an index wrapped", f"{node.name} modulo the number of classes", site=site,
                   after=_wrapped)  # fmt: skip
    yield Mutation(f"clamped_{site}", "an index clamped", f"{node.name} moved to the nearest class", site=site,
                   after=lambda plain, node, value: clamped(plain.xp, plain.layout, value, "C"))  # fmt: skip
    for step in (-1, 1):
        yield Mutation(f"shifted_{'down' if step < 0 else 'up'}_{site}", "an index shifted", f"{node.name} {step:+d}",
                       site=site, after=partial(_moved, step))  # fmt: skip


def _narrowed(bits: int, signed: bool, plain: Altered, node: Node, value: Array) -> Array:
    return tools.narrowed(value, bits, signed=signed)


def _in_scores_dtype(plain: Altered, node: Node, value: Array) -> Array:
    return tools.cast(tools.cast(value, plain.dtype), value.dtype)


def _wrapped(plain: Altered, node: Node, value: Array) -> Array:
    return value % max(plain.layout.sizes["C"], 1)


def _moved(step: int, plain: Altered, node: Node, value: Array) -> Array:
    return value + step


def _of_another_row(site: str, node: Node, graph: Graph) -> Iterator[Mutation]:
    if batch_of(graph) not in node.axes or not batch_of(graph):
        return
    yield Mutation(f"of_first_row_{site}", "a row for another", f"{short(node)} of the first row for every row",
                   site=site, after=_of_first_row)  # fmt: skip
    yield Mutation(f"of_row_before_{site}", "a row for another", f"{short(node)} of the row before", site=site,
                   after=_of_row_before)  # fmt: skip


def _of_first_row(plain: Altered, node: Node, value: Array) -> Array:
    batch = batch_of(plain.graph)
    return tools.first_along(plain.xp, value, plain.axis(batch)) if batch in node.axes else value


def _of_row_before(plain: Altered, node: Node, value: Array) -> Array:
    batch = batch_of(plain.graph)
    return tools.rolled(plain.xp, value, plain.axis(batch)) if batch in node.axes else value


def _labels(site: str, node: e.Argument) -> Iterator[Mutation]:
    yield Mutation(f"thresholded_{site}", "a label as a truth", f"{node.name} as 1 above 0.5 and as 0 elsewhere",
                   site=site, after=_thresholded)  # fmt: skip
    yield Mutation(f"whole_{site}", "a label narrowed", f"{node.name} cut to a whole number", site=site,
                   after=lambda plain, node, value: plain.xp.trunc(value))  # fmt: skip
    yield Mutation(f"signs_{site}", "labels of another kind", f"{node.name} from 0 and 1 to -1 and 1", site=site,
                   after=lambda plain, node, value: 2 * value - 1)  # fmt: skip
    yield Mutation(f"units_{site}", "labels of another kind", f"{node.name} from -1 and 1 to 0 and 1", site=site,
                   after=lambda plain, node, value: (value + 1) / 2)  # fmt: skip


def _thresholded(plain: Altered, node: Node, value: Array) -> Array:
    return plain.xp.where(value > 0.5, plain.xp.ones_like(value), plain.xp.zeros_like(value))


def _indices(site: str, node: e.Gather) -> Iterator[Mutation]:
    for step in (-1, 1):
        word = "before" if step < 0 else "after"
        yield Mutation(f"{word}_{site}", "an index shifted", f"{short(node)} at the place {word}", site=site,
                       inputs=partial(_shifted_index, step))  # fmt: skip
        yield Mutation(f"{word}_round_{site}", "an index wrapped", f"{short(node)} at the place {word}, round the end",
                       site=site, inputs=partial(_turned_index, step))  # fmt: skip
    yield Mutation(f"at_first_{site}", "an index left out", f"{short(node)} at the first place", site=site,
                   inputs=lambda plain, node, parents: [parents[0], parents[1] * 0])  # fmt: skip
    yield Mutation(f"at_first_rows_index_{site}", "a row for another", f"{short(node)} at the index of the first row",
                   site=site, inputs=_first_rows_index)  # fmt: skip


def _shifted_index(step: int, plain: Altered, node: e.Gather, parents: list[Array]) -> list[Array]:
    return [parents[0], parents[1] + step]


def _turned_index(step: int, plain: Altered, node: e.Gather, parents: list[Array]) -> list[Array]:
    size = max(plain.layout.sizes[node.axis], 1)
    return [parents[0], (clamped(plain.xp, plain.layout, parents[1], node.axis) + step) % size]


def _first_rows_index(plain: Altered, node: e.Gather, parents: list[Array]) -> list[Array]:
    batch = batch_of(plain.graph)
    if batch not in node.parents[1].axes:
        return parents
    return [parents[0], tools.first_along(plain.xp, parents[1], plain.axis(batch))]


def _stale(plain: Altered, node: Node, value: Array) -> Array:
    assert plain.mutation is not None
    call = plain.call
    shapes = tuple((name, tuple(array.shape)) for name, array in call.arrays.items())
    key = (plain.mutation.name, call.formula.name, plain.xp.__name__, call.reduction, str(call.dtype), shapes)
    held = value.detach() if hasattr(value, "detach") else value
    return _KEPT.setdefault(key, held)
