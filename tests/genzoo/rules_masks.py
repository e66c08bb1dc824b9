"""Mistakes in masks, indices and labels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reference.engine import expression as e
from reference.engine import masks as m
from reference.engine.formula import Graph
from reference.engine.node import Node
from tests.genzoo.changes import Change, Rule

_OTHER_RELATIONS = {"==": (">=", "<"), ">=": (">", "<", "=="), ">": (">=", "<"), "<": ("<=", ">=")}


def of_mask(node: m.Mask, graph: Graph) -> Iterator[Change]:
    """What may happen to any mask."""
    del node, graph
    yield Change("not", "a mask inverted", "inverted", lambda g, n: ~n)
    yield Change("true", "a mask left out", "true everywhere", lambda g, n: n | ~n)
    yield Change("false", "a mask left out", "false everywhere", lambda g, n: n & ~n)


def of_related(node: m.Related, graph: Graph) -> Iterator[Change]:
    """Two integers in a relation."""
    yield from of_mask(node, graph)
    for relation in _OTHER_RELATIONS[node.relation]:
        yield Change(f"as_{_word(relation)}", "another relation", f"with {relation}", partial(_relation, relation))
    if isinstance(node.parents[1], m.IntegerConstant):
        for step in (-1, 1):
            yield Change(f"limit_{_word(step)}", "another limit", f"with {node.parents[1].value + step} as the limit",
                         partial(_limit, step))  # fmt: skip


def _word(value: str | int) -> str:
    words = {"==": "equal", ">=": "at_least", ">": "above", "<": "below", "<=": "at_most"}
    return words.get(str(value), "more" if value == 1 else "less")


def _relation(relation: str, graph: Graph, node: m.Related | m.Compared) -> Node:
    """The node with another relation; ``>`` and ``<=`` of integers by their opposites."""
    del graph
    if relation == "<=":
        return ~m.Related((node.parents[1], node.parents[0]), "<") if isinstance(node, m.Related) else _at_most(node)
    if relation == ">" and isinstance(node, m.Related):
        return m.Related((node.parents[1], node.parents[0]), "<")
    return type(node)(node.parents, relation)


def _at_most(node: m.Compared) -> Node:
    return ~m.Compared(node.parents, ">")


def _limit(step: int, graph: Graph, node: m.Related) -> Node | None:
    del graph
    limit = node.parents[1]
    if not isinstance(limit, m.IntegerConstant):
        return None
    return m.Related((node.parents[0], m.IntegerConstant((), limit.value + step)), node.relation)


def of_compared(node: m.Compared, graph: Graph) -> Iterator[Change]:
    """Two numbers in a relation."""
    yield from of_mask(node, graph)
    for relation in _OTHER_RELATIONS[node.relation]:
        yield Change(f"as_{_word(relation)}", "another relation", f"with {relation}", partial(_relation, relation))
    if isinstance(node.parents[1], e.Constant):
        yield Change("opposite", "another limit", "with the opposite limit", _opposite)


def _opposite(graph: Graph, node: m.Compared) -> Node | None:
    del graph
    limit = node.parents[1]
    other = e.Constant((), -limit.value) if isinstance(limit, e.Constant) else None
    return m.Compared((node.parents[0], other), node.relation) if other is not None else None


def of_and(node: m.And, graph: Graph) -> Iterator[Change]:
    """Both of two."""
    yield from of_mask(node, graph)
    yield Change("first", "a mask left out", "as its first mask", lambda g, n: n.parents[0])
    yield Change("second", "a mask left out", "as its second mask", lambda g, n: n.parents[1])
    yield Change("or", "a mask for another", "with or", lambda g, n: m.Or(n.parents))


def of_or(node: m.Or, graph: Graph) -> Iterator[Change]:
    """At least one of two."""
    yield from of_mask(node, graph)
    yield Change("first", "a mask left out", "as its first mask", lambda g, n: n.parents[0])
    yield Change("second", "a mask left out", "as its second mask", lambda g, n: n.parents[1])
    yield Change("and", "a mask for another", "with and", lambda g, n: m.And(n.parents))


def of_any(node: m.AnyOf, graph: Graph) -> Iterator[Change]:
    """Whether a mask holds anywhere along an axis."""
    yield from of_mask(node, graph)
    yield Change("all", "a mask for another", "as all", lambda g, n: ~m.AnyOf((~n.parents[0],), n.axis))
    yield Change("first_alone", "a row too few", f"of the first place of {node.axis} alone", _first_alone)


def _first_alone(graph: Graph, node: m.AnyOf) -> Node:
    del graph
    return m.AnyOf((m.And((node.parents[0], m.Position((), node.axis).below(1))),), node.axis)


def of_leading(node: m.Leading, graph: Graph) -> Iterator[Change]:
    """Whether a mask has held from the start of an axis."""
    yield from of_mask(node, graph)
    yield Change("anywhere", "a mask left out", "wherever the mask holds", lambda g, n: n.parents[0])
    yield Change("first_alone", "a row too few", "at the first place alone",
                 lambda g, n: m.And((n.parents[0], m.Position((), n.axis).below(1))))  # fmt: skip


RULES: dict[type[Node], Rule] = {
    m.Related: of_related,
    m.Compared: of_compared,
    m.And: of_and,
    m.Or: of_or,
    m.Not: of_mask,
    m.AnyOf: of_any,
    m.Leading: of_leading,
}
"""By the kind of node."""
