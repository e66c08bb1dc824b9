"""Wrong nodes in the place of right ones: what the rules for numbers, masks and steps build with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reference.engine import expression as e
from reference.engine import masks as m
from reference.engine.formula import Graph
from reference.engine.node import Node
from tests.genzoo.mutation import Rewrite

ZERO = e.Constant((), 0.0)
ONE = e.Constant((), 1.0)


@dataclass(frozen=True)
class Change:
    """A rewriting of a node.

    Attributes:
        name: What it does, as part of an identifier.
        kind: What sort of mistake.
        words: What becomes of the node, to be read behind its formula.
        rewrite: Makes the other node.
    """

    name: str
    kind: str
    words: str
    rewrite: Rewrite


Rule = Callable[[Any, Graph], Iterator[Change]]
"""Changes of a node of one kind, in a graph that shows it."""


def first(node: Node) -> e.Expression:
    """The first parent, a number."""
    return number(node.parents[0])


def number(node: Node) -> e.Expression:
    """A node that is a number."""
    assert isinstance(node, e.Expression)
    return node


def size_of(graph: Graph, axis: str) -> int | None:
    """The length of an axis, under whatever name; None if the graph lacks it."""
    if axis in graph.binding.sizes:
        return graph.binding.sizes[axis]
    for node in _renamed(graph):
        if node.new == axis:
            return graph.binding.sizes.get(node.old)
    return None


def _renamed(graph: Graph) -> list[Any]:
    from reference.engine.node import walk

    return [node for node in walk(graph.root) if isinstance(node, e.Renamed | m.RenamedIntegers)]


def only_where(mask: m.Mask, node: e.Expression) -> e.Expression:
    """A number where a mask holds, and 0 elsewhere."""
    return e.Where((mask, node, ZERO))


def before(axis: str, limit: int) -> m.Mask:
    """The places of an axis before a limit."""
    return m.Position((), axis).below(limit)


def kept(graph: Graph, node: Any) -> Node:
    """The first parent in the place of the node."""
    del graph
    return first(node)
