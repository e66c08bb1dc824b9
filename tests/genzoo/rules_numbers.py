"""Mistakes in products, maxima, choices, options and arguments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reference.engine import expression as e
from reference.engine import masks as m
from reference.engine.formula import Graph
from reference.engine.node import Node
from reference.engine.words import exp, log
from tests.genzoo.changes import ONE, ZERO, Change, Rule, first, kept, number, only_where

_TINY = 1e-6


def of_product(node: e.Product, graph: Graph) -> Iterator[Change]:
    """Factors of a product."""
    del graph
    for place in (0, 1):
        nth = f"factor {place + 1}"
        yield Change(f"without_{place}", "a factor dropped", f"without {nth}", partial(_other, place))
        yield Change(f"twice_{place}", "a factor applied twice", f"with {nth} twice", partial(_twice, place))
        if isinstance(node.parents[1 - place], e.Sum) and len(node.parents[1 - place].parents) > 1:
            yield Change(f"one_side_{place}", "a factor on the wrong side",
                         f"with {nth} on the other's first term alone", partial(_one_side, place))  # fmt: skip
    yield from _moved(node)


def _other(place: int, graph: Graph, node: e.Product) -> Node:
    del graph
    return number(node.parents[1 - place])


def _twice(place: int, graph: Graph, node: e.Product) -> Node:
    del graph
    return e.Product((node, node.parents[place]))


def _one_side(place: int, graph: Graph, node: e.Product) -> Node | None:
    del graph
    inner = node.parents[1 - place]
    if not isinstance(inner, e.Sum):
        return None
    product = e.Product((node.parents[place], inner.parents[0]))
    return e.Sum((product, *inner.parents[1:]), inner.signs)


def _moved(node: Node) -> Iterator[Change]:
    """A maximum taken after the step that follows it."""
    for place, parent in enumerate(node.parents):
        if isinstance(parent, e.Positive):
            yield Change(f"maximum_later_{place}", "a maximum moved", "with the maximum of the whole instead",
                         partial(_maximum_later, place))  # fmt: skip


def _maximum_later(place: int, graph: Graph, node: Node) -> Node | None:
    del graph
    inner = node.parents[place]
    if not isinstance(inner, e.Positive):
        return None
    return e.Positive((node.rebuild([inner.parents[0] if i == place else p for i, p in enumerate(node.parents)]),))


def of_positive(node: e.Positive, graph: Graph) -> Iterator[Change]:
    """max(0, a)."""
    del graph
    yield Change("removed", "a maximum removed", "without the maximum", kept)
    yield Change("opposite", "a maximum of the wrong side", "as max(0, -a)", lambda g, n: e.Positive((-first(n),)))
    yield Change("magnitude", "a maximum of the wrong side", "as |a|", lambda g, n: abs(first(n)))
    yield Change("leaky", "a maximum removed", "with a slope of 0.01 below 0", _leaky)
    yield Change("from_tiny", "a threshold that is not 0", f"as 0 up to {_TINY:g}", _from_tiny)
    if isinstance(node.parents[0], e.Sum) and len(node.parents[0].parents) > 1:
        yield Change("of_each_term", "a maximum moved", "as the sum of the maxima of its terms", _of_each_term)


def _leaky(graph: Graph, node: e.Positive) -> Node:
    del graph
    return e.Larger((first(node), first(node) * 0.01))


def _from_tiny(graph: Graph, node: e.Positive) -> Node:
    del graph
    return only_where(first(node) > _TINY, first(node))


def _of_each_term(graph: Graph, node: e.Positive) -> Node | None:
    del graph
    inner = node.parents[0]
    if not isinstance(inner, e.Sum):
        return None
    terms = [number(term) if sign > 0 else -number(term) for term, sign in zip(inner.parents, inner.signs, strict=True)]
    return e.Sum(tuple(e.Positive((term,)) for term in terms), (1,) * len(terms))


def of_absolute(node: e.Absolute, graph: Graph) -> Iterator[Change]:
    """|a|."""
    del node, graph
    yield Change("removed", "a magnitude removed", "without the magnitude", kept)
    yield Change("positive", "a magnitude removed", "as max(0, a)", lambda g, n: e.Positive((first(n),)))


def of_larger(node: e.Larger, graph: Graph) -> Iterator[Change]:
    """max(a, b)."""
    del node, graph
    yield Change("first", "a maximum removed", "as its first number", kept)
    yield Change("second", "a maximum removed", "as its second number", lambda g, n: number(n.parents[1]))
    yield Change("smaller", "a maximum of the wrong side", "as the smaller of the two",
                 lambda g, n: -e.Larger((-first(n), -number(n.parents[1]))))  # fmt: skip


def of_power(node: e.Power, graph: Graph) -> Iterator[Change]:
    """Powers."""
    del graph
    yield Change("dropped", "a power dropped", "without the power", kept)
    yield Change("more", "another power", "with a power one higher", lambda g, n: e.Power(n.parents, n.exponent + 1))
    yield Change("multiple", "another power", "as a multiple", lambda g, n: first(n) * float(n.exponent))
    yield from _moved(node)


def of_where(node: e.Where, graph: Graph) -> Iterator[Change]:
    """Choices by a mask."""
    del node, graph
    yield Change("inverted", "a mask inverted", "with its branches exchanged",
                 lambda g, n: e.Where((n.parents[0], n.parents[2], n.parents[1])))  # fmt: skip
    yield Change("always", "a mask left out", "with its first branch everywhere", lambda g, n: number(n.parents[1]))
    yield Change("never", "a mask left out", "with its second branch everywhere", _never)
    yield Change("one_elsewhere", "a mask that fills with another number", "plus 1 where the mask does not hold",
                 lambda g, n: e.Where((n.parents[0], n.parents[1], number(n.parents[2]) + 1)))  # fmt: skip
    yield Change("product", "a mask as a factor", "as a product with the mask as 0 and 1", _as_product)


def _never(graph: Graph, node: e.Where) -> Node:
    """A choice still, so that the axes of the mask stay."""
    del graph
    mask = node.parents[0]
    return e.Where((m.And((mask, m.Not((mask,)))), node.parents[1], node.parents[2]))


def _as_product(graph: Graph, node: e.Where) -> Node:
    del graph
    chosen = e.Where((node.parents[0], ONE, ZERO)) * number(node.parents[1])
    return chosen + e.Where((node.parents[0], ZERO, ONE)) * number(node.parents[2])


def of_constant(node: e.Constant, graph: Graph) -> Iterator[Change]:
    """Numbers of the formula."""
    del graph
    yield Change("one_more", "another constant", f"as {node.value + 1:g}", partial(_constant, 1.0, 1.0))
    if node.value:
        yield Change("nearly", "another constant", f"as {node.value * 0.999:g}", partial(_constant, 0.999, 0.0))


def _constant(factor: float, more: float, graph: Graph, node: e.Constant) -> Node:
    del graph
    return e.Constant((), node.value * factor + more)


def of_option(node: e.Option, graph: Graph) -> Iterator[Change]:
    """Numbers among the options."""
    del node, graph
    yield Change("zero", "an option ignored", "as 0", lambda g, n: ZERO)
    yield Change("turned", "a sign turned", "with its sign turned", lambda g, n: -n)
    yield Change("twice", "a factor applied twice", "twice", lambda g, n: 2 * n)
    yield Change("nearly", "another constant", "times 0.999", lambda g, n: 0.999 * n)
    yield Change("magnitude", "another option", "as its magnitude", lambda g, n: abs(n))


def of_argument(node: e.Argument, graph: Graph) -> Iterator[Change]:
    """Tensors of numbers along another axis, where the shapes allow it."""
    if len(node.names) == 1 and node.names[0] != "d":
        for axis in graph.elements.axes:
            if axis not in node.names:
                yield Change(f"along_{axis}", "the wrong axis", f"along {axis} where it is as long",
                             partial(_along, axis))  # fmt: skip
    if len(node.names) == 2:
        yield Change("transposed", "the wrong axis", "transposed where it is square", _transposed)


def _along(axis: str, graph: Graph, node: e.Argument) -> Node | None:
    sizes = graph.binding.sizes
    fits = len(node.names) == 1 and sizes.get(axis) == sizes[node.names[0]]
    return e.Argument((), node.name, (axis,)) if fits else None


def _transposed(graph: Graph, node: e.Argument) -> Node | None:
    sizes = [graph.binding.sizes[axis] for axis in node.names]
    return e.Argument((), node.name, node.names[::-1]) if len(sizes) == 2 and sizes[0] == sizes[1] else None


def of_gather(node: e.Gather, graph: Graph) -> Iterator[Change]:
    """Numbers at indices."""
    del node, graph
    yield Change("own_place", "an index of another thing", "at its own place instead", kept)


def of_log_sum_exp(node: e.LogSumExp, graph: Graph) -> Iterator[Change]:
    """Logarithms of sums of exponentials."""
    del node, graph
    yield Change("naive", "a naive step", "as the logarithm of the sum", _naive_log_sum_exp)


def _naive_log_sum_exp(graph: Graph, node: e.LogSumExp) -> Node:
    del graph
    return log(exp(first(node)).total(node.axis))


RULES: dict[type[Node], Rule] = {
    e.Product: of_product,
    e.Positive: of_positive,
    e.Absolute: of_absolute,
    e.Larger: of_larger,
    e.Power: of_power,
    e.Where: of_where,
    e.Constant: of_constant,
    e.Option: of_option,
    e.Argument: of_argument,
    e.Gather: of_gather,
    e.LogSumExp: of_log_sum_exp,
}
"""By the kind of node."""
