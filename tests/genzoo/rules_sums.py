"""Mistakes in sums, counts and quotients."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reference.engine import expression as e
from reference.engine.formula import Graph
from reference.engine.node import Node
from tests.genzoo.changes import ONE, Change, Rule, before, first, kept, number, only_where, size_of
from tests.genzoo.sites import word

_LIMITS = (128, 1024, 65_535)
"""Places that a block of threads, a block of a kernel and a grid have."""


def of_sum(node: e.Sum, graph: Graph) -> Iterator[Change]:
    """Terms of a sum."""
    del graph
    for place in range(len(node.parents)):
        nth = f"term {place + 1}"
        yield Change(f"turned_{place}", "a sign turned", f"with the sign of {nth} turned", partial(_turned, place))
        if len(node.parents) > 1:
            yield Change(f"without_{place}", "a term dropped", f"without {nth}", partial(_without, place))
            yield Change(f"twice_{place}", "a term counted twice", f"with {nth} twice", partial(_twice, place))


def _turned(place: int, graph: Graph, node: e.Sum) -> Node:
    del graph
    return e.Sum(node.parents, tuple(-s if i == place else s for i, s in enumerate(node.signs)))


def _without(place: int, graph: Graph, node: e.Sum) -> Node:
    del graph
    rest = [i for i in range(len(node.parents)) if i != place]
    return e.Sum(tuple(node.parents[i] for i in rest), tuple(node.signs[i] for i in rest))


def _twice(place: int, graph: Graph, node: e.Sum) -> Node:
    del graph
    return e.Sum((*node.parents, node.parents[place]), (*node.signs, node.signs[place]))


def of_total(node: e.Total, graph: Graph) -> Iterator[Change]:
    """Sums over axes."""
    yield Change("mean", "a sum turned into a mean", "divided by the number of terms", _mean)
    for axis in node.over:
        yield Change(f"last_{word(axis)}_missing", "a row too few", f"without the last place of {axis}",
                     partial(_short, axis, 0))  # fmt: skip
        yield Change(f"first_{word(axis)}_missing", "a row too few", f"without the first place of {axis}",
                     partial(_late, axis))  # fmt: skip
        yield Change(f"not_over_{word(axis)}", "a sum left out", f"at the first place of {axis} alone",
                     partial(_at_first, axis))  # fmt: skip
        for limit in _LIMITS:
            words = f"over the first {limit} places of {axis} alone"
            yield Change(f"{word(axis)}_to_{limit}", "places past a limit", words, partial(_limited, axis, limit))
    for axis in graph.axes:
        if axis in first(node).axes and axis not in node.over:
            yield Change(f"over_{word(axis)}", "the wrong axis", f"over {axis} instead", partial(_over, axis))


def _mean(graph: Graph, node: e.Total) -> Node:
    del graph
    return e.Quotient((node, e.Count((), node.over)))


def _short(axis: str, less: int, graph: Graph, node: e.Total) -> Node | None:
    size = size_of(graph, axis)
    return None if size is None else _kept(node, axis, size - 1 - less)


def _limited(axis: str, limit: int, graph: Graph, node: e.Total) -> Node | None:
    size = size_of(graph, axis)
    return None if size is None or size <= limit else _kept(node, axis, limit)


def _kept(node: e.Total, axis: str, limit: int) -> Node:
    return e.Total((only_where(before(axis, limit), first(node)),), node.over)


def _late(axis: str, graph: Graph, node: e.Total) -> Node:
    del graph
    return e.Total((only_where(~before(axis, 1), first(node)),), node.over)


def _at_first(axis: str, graph: Graph, node: e.Total) -> Node:
    del graph
    return e.Total((only_where(before(axis, 1), first(node)),), node.over)


def _over(axis: str, graph: Graph, node: e.Total) -> Node | None:
    return e.Total((first(node),), (axis,)) if axis in graph.axes and axis in first(node).axes else None


def of_count(node: e.Count, graph: Graph) -> Iterator[Change]:
    """The number of places of axes."""
    own = graph.elements.axes
    every = tuple(dict.fromkeys((*own, *graph.axes)))
    choices = [(), *((axis,) for axis in every), every[:2], own, every]
    for over in dict.fromkeys(choice for choice in choices if choice != node.over):
        named = "·".join(over) or "1"
        yield Change(f"of_{word(over)}", "a count of the wrong things", f"counting {named} instead",
                     partial(_counting, over))  # fmt: skip
    yield Change("one_less", "a count of the wrong things", "less 1", partial(_shifted, -1))
    yield Change("one_more", "a count of the wrong things", "plus 1", partial(_shifted, 1))


def _counting(over: tuple[str, ...], graph: Graph, node: e.Count) -> Node | None:
    there = tuple(axis for axis in over if axis in graph.axes)
    return e.Count((), there) if there == over and over != node.over else None


def _shifted(step: int, graph: Graph, node: e.Count) -> Node:
    del graph
    return e.Sum((node, ONE), (1, 1 if step > 0 else -1))


def of_counted(node: e.Counted, graph: Graph) -> Iterator[Change]:
    """The number of places at which a mask holds."""
    del graph
    yield Change("all", "a count of the wrong things", "counting every place", _all_places)
    yield Change("one_more", "a count of the wrong things", "plus 1", lambda graph, node: e.Sum((node, ONE), (1, 1)))


def _all_places(graph: Graph, node: e.Counted) -> Node:
    del graph
    return e.Count((), node.over)


def of_quotient(node: e.Quotient, graph: Graph) -> Iterator[Change]:
    """Quotients."""
    del graph
    yield Change("not_divided", "a division dropped", "without its denominator", kept)
    yield Change("divided_twice", "a division applied twice", "over its denominator once more", _divided)
    yield Change("multiplied", "a quotient upside down", "as a product", lambda graph, node: e.Product(node.parents))
    if not isinstance(node.parents[1], e.Count):
        yield Change("over_count", "a denominator of a weighted mean", "over the number of elements", _over_elements)
        yield Change("padded", "a denominator of a weighted mean", "with 1e-7 in the denominator", _padded)


def _divided(graph: Graph, node: e.Quotient) -> Node:
    del graph
    return e.Quotient((node, node.parents[1]))


def _over_elements(graph: Graph, node: e.Quotient) -> Node:
    return e.Quotient((node.parents[0], e.Count((), graph.elements.axes)))


def _padded(graph: Graph, node: e.Quotient) -> Node:
    del graph
    return e.Quotient((node.parents[0], number(node.parents[1]) + 1e-7))


RULES: dict[type[Node], Rule] = {
    e.Sum: of_sum,
    e.Total: of_total,
    e.Count: of_count,
    e.Counted: of_counted,
    e.Quotient: of_quotient,
}
"""By the kind of node."""
