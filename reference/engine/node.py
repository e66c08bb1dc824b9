"""What every node of a formula's graph has, and how to walk the graph and make another of it.

A graph is immutable. A node holds its ``parents``, what they are combined by, and the names
of its ``axes``; two nodes are equal only if they are one object, so a node can be a key.

Walk it from the leaves up with :func:`walk`. Make a changed graph from an unchanged one with
:func:`replaced`, which rebuilds what stands above the changed nodes and keeps the rest:

    for node in walk(root):
        if isinstance(node, Total):                     # a mutant: forget to sum
            mutant = replaced(root, {node: node.parents[0]})

``node.rebuild(parents)`` is the same node over other parents, its other fields kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from ..arguments import DomainError, ShapeError


@dataclass(frozen=True, eq=False)
class Node:
    """A number, an integer or a truth for every place of its axes.

    Attributes:
        parents: What it is made of, in the order of its kind's docstring.
    """

    parents: tuple[Node, ...]

    __array_ufunc__ = None
    """NumPy's functions refuse a node, and its arrays and scalars leave an operator to the node."""

    def __bool__(self) -> bool:
        """None: ``if``, ``and``, ``not`` and Python's ``max`` would silently choose for all places at once."""
        raise DomainError("a part of a formula is neither true nor false; take where, maximum, &, | or ~")

    def along_axis(self, axis: str) -> str:
        """The axis, if the node has it.

        Raises:
            ShapeError: It has not.
        """
        if axis not in self.axes:
            raise ShapeError(f"axis {axis!r}: no such axis in this part; there are {', '.join(self.axes) or 'none'}")
        return axis

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes along which it varies, those of its parents unless its kind says otherwise."""
        return joined_axes(parent.axes for parent in self.parents)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node that it is made of, and itself, each once, parents before what they make."""
        return tuple(_walked(self))

    def rebuild(self, parents: Sequence[Node]) -> Self:
        """The same node over other parents."""
        return replace(self, parents=tuple(parents))


def joined_axes(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Every name of several groups once, in the order of appearance."""
    return tuple(dict.fromkeys(name for group in groups for name in group))


def walk(root: Node) -> list[Node]:
    """Every node below a root and the root itself, each once, parents before what they make."""
    return list(root.nodes)


def _walked(root: Node) -> list[Node]:
    order: dict[Node, None] = {}
    waiting: list[tuple[Node, bool]] = [(root, False)]
    while waiting:
        node, ready = waiting.pop()
        if node in order:
            continue
        if ready:
            order[node] = None
            continue
        waiting.append((node, True))
        waiting += [(parent, False) for parent in reversed(node.parents)]
    return list(order)


def replaced(root: Node, others: Mapping[Node, Node]) -> Node:
    """The graph with some nodes replaced, wherever they stand; a replacement is taken as it is."""
    made: dict[Node, Node] = {}
    for node in walk(root):
        if node in others:
            made[node] = others[node]
            continue
        parents = tuple(made[parent] for parent in node.parents)
        same = all(new is old for new, old in zip(parents, node.parents, strict=True))
        made[node] = node if same else node.rebuild(parents)
    return made[root]
