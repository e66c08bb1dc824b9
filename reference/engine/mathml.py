"""A formula as mathematics for a page: its graph as a tree of MathML elements.

It is written for one sample, without the batch axis and without further ones, with every
optional argument; ``C`` is how long an axis is, and ``c`` a place along it, counted from 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from . import expression as e
from . import masks as m
from .formula import Formula, Setting, trace
from .markup import Tree, between, called, fenced, listed, row, sign
from .node import Node
from .shapes import FURTHER, Binding

Places = Mapping[str, Tree]
"""Which place of each axis is meant."""


def written(formula: Formula) -> dict[str, Tree]:
    """The loss of one sample, by the settings of options that choose among formulas, the defaults first.

    Args:
        formula: Which loss.

    Returns:
        A tree for each setting, by its words, such as ``p=2``; the words are empty for a formula
        without such options. Under ``mean`` stands a mean that is not the sum over the number of losses.
    """
    chosen = [{name: value} for name, values in formula.choices.items() for value in values]
    found = {_words(formula, each): _traced(formula, each, "none") for each in chosen or [{}]}
    return {**found, **({"mean": _traced(formula, {}, "mean")} if formula.mean else {})}


def _words(formula: Formula, settings: Mapping[str, Setting]) -> str:
    whole = {name: formula.options[name] for name in formula.choices} | dict(settings)
    return ", ".join(f"{name}={value}" for name, value in whole.items())


def _traced(formula: Formula, settings: Mapping[str, Setting], reduction: str) -> Tree:
    """One sample, or all of a batch for a mean."""
    words = {spec.name: spec.pattern.split() for spec in formula.arguments}
    axes = {name: tuple(word.rstrip("?") for word in own if _kept(word, reduction)) for name, own in words.items()}
    sizes = {axis: 1 for own in axes.values() for axis in own}
    root = trace(formula, Binding(axes, sizes), settings, reduction, documented=True).root
    return tree_of(root, {axis: _letter(axis) for axis in root.axes})


def _kept(word: str, reduction: str) -> bool:
    return reduction == "mean" or not (word == FURTHER or word.endswith("?"))


def _letter(axis: str) -> Tree:
    return ["mi", "i" if axis == FURTHER else axis.lower()]


@singledispatch
def tree_of(node: Any, places: Places) -> Tree:
    """What a node says of some places."""
    del places
    raise TypeError(f"{type(node).__name__}: a node without a rule for pages")


@tree_of.register(e.Argument)
@tree_of.register(m.IntegerArgument)
def _named(node: Any, places: Places) -> Tree:
    """A name with the places along its axes."""
    where = [places[axis] for axis in node.axes]
    return ["msub", ["mi", node.name], listed(where)] if where else ["mi", node.name]


@tree_of.register(e.Option)
def _option(node: e.Option, places: Places) -> Tree:
    del places
    return ["mi", node.name]


@tree_of.register(e.Constant)
@tree_of.register(m.IntegerConstant)
def _number(node: Any, places: Places) -> Tree:
    del places
    digits: Tree = ["mn", f"{abs(node.value):g}"]
    return row(sign("−"), digits) if node.value < 0 else digits


@tree_of.register(e.Count)
def _count(node: e.Count, places: Places) -> Tree:
    del places
    sizes = [["mi", "n" if axis == FURTHER else axis] for axis in node.over]
    return row(*between(sizes, "·")) if sizes else ["mn", "1"]


@tree_of.register(e.Counted)
def _counted(node: e.Counted, places: Places) -> Tree:
    inner = _with_places(places, node.over)
    bound = listed([inner[axis] for axis in node.over])
    return row(sign("#"), fenced(row(bound, sign(":"), tree_of(node.parents[0], inner)), "{", "}"))


@tree_of.register(e.Sum)
def _sum(node: e.Sum, places: Places) -> Tree:
    parts: list[Tree] = []
    for place, (term, factor) in enumerate(zip(node.parents, node.signs, strict=True)):
        if place or factor < 0:
            parts.append(sign("+" if factor > 0 else "−"))
        parts.append(_tight(term, places, _OPEN))
    return row(*parts)


_OPEN: tuple[type[Node], ...] = (e.Where,)
"""What stands in brackets as a term."""

_LOOSE: tuple[type[Node], ...] = (e.Sum, e.Where, e.Total)
"""What stands in brackets as a factor."""

_COMPOUND: tuple[type[Node], ...] = (*_LOOSE, e.Product, e.Quotient, e.Power, e.LogSumExp, e.Elementary)
"""What stands in brackets as a base."""


def _tight(node: Node, places: Places, loose: tuple[type[Node], ...]) -> Tree:
    while isinstance(node, e.Stored):
        (node,) = node.parents
    tree = tree_of(node, places)
    return fenced(tree) if isinstance(node, loose) else tree


@tree_of.register(e.Product)
def _product(node: e.Product, places: Places) -> Tree:
    first, second = node.parents
    opposite = isinstance(first, e.Sum) and len(first.parents) == 1
    factors = [tree_of(first, places) if opposite else _tight(first, places, _LOOSE), _tight(second, places, _LOOSE)]
    return row(*between(factors, "·"))


@tree_of.register(e.Quotient)
def _quotient(node: e.Quotient, places: Places) -> Tree:
    return ["mfrac", *(tree_of(parent, places) for parent in node.parents)]


@tree_of.register(e.Power)
def _power(node: e.Power, places: Places) -> Tree:
    return ["msup", _tight(node.parents[0], places, _COMPOUND), ["mn", str(node.exponent)]]


@tree_of.register(e.Absolute)
def _absolute(node: e.Absolute, places: Places) -> Tree:
    return fenced(tree_of(node.parents[0], places), "|", "|")


@tree_of.register(e.Positive)
def _positive(node: e.Positive, places: Places) -> Tree:
    return called("max", ["mn", "0"], tree_of(node.parents[0], places))


@tree_of.register(e.Larger)
def _larger(node: e.Larger, places: Places) -> Tree:
    return called("max", *(tree_of(parent, places) for parent in node.parents))


@tree_of.register(e.Where)
def _where(node: e.Where, places: Places) -> Tree:
    mask, chosen, other = (tree_of(parent, places) for parent in node.parents)
    lines = [
        ["mtr", ["mtd", chosen], ["mtd", ["mtext", "if\N{NO-BREAK SPACE}"], mask]],
        ["mtr", ["mtd", other], ["mtd", ["mtext", "else"]]],
    ]
    return row(sign("{"), ["mtable", *lines])


@tree_of.register(e.Gather)
def _gather(node: e.Gather, places: Places) -> Tree:
    numbers, index = node.parents
    return tree_of(numbers, {**places, node.axis: tree_of(index, places)})


@tree_of.register(e.Renamed)
@tree_of.register(m.RenamedIntegers)
def _renamed(node: Any, places: Places) -> Tree:
    return tree_of(node.parents[0], {**places, node.old: places[node.new]})


@tree_of.register(e.Total)
def _total(node: e.Total, places: Places) -> Tree:
    """A sum over places; what is 0 elsewhere is left out below its sign."""
    (term,) = node.parents
    inner = _with_places(places, node.over)
    bound = listed([inner[axis] for axis in node.over])
    if isinstance(term, e.Where) and isinstance(term.parents[2], e.Constant) and term.parents[2].value == 0:
        bound = row(bound, sign(":"), tree_of(term.parents[0], inner))
        term = term.parents[1]
    return row(["munder", sign("∑"), bound], _tight(term, inner, _LOOSE[:2]))


def _with_places(places: Places, axes: Sequence[str]) -> dict[str, Tree]:
    """Places along axes over which something runs: under letters of their own."""
    found = {f"outer {len(places)}" if axis in axes else axis: place for axis, place in places.items()}
    for axis in axes:
        letter = _letter(axis)
        while letter in found.values():
            letter = ["mi", letter[1] + "′"]
        found[axis] = letter
    return found


@tree_of.register(e.Elementary)
def _elementary(node: e.Elementary, places: Places) -> Tree:
    inner = node.parents[0]
    power: Tree = ["msup", ["mi", "e"], tree_of(inner, places)]
    falling: Tree = ["msup", ["mi", "e"], row(sign("−"), _tight(inner, places, _LOOSE))]
    one: Tree = ["mn", "1"]
    trees: dict[str, Tree] = {
        "exp": power,
        "log": called("log", tree_of(inner, places)),
        "log1p": called("log", row(one, sign("+"), _tight(inner, places, _OPEN))),
        "softplus": called("log", row(one, sign("+"), power)),
        "sigmoid": ["mfrac", one, row(one, sign("+"), falling)],
        "sqrt": ["msqrt", tree_of(inner, places)],
    }
    return trees[node.function]


@tree_of.register(e.LogSumExp)
def _log_sum_exp(node: e.LogSumExp, places: Places) -> Tree:
    inner = _with_places(places, [node.axis])
    power: Tree = ["msup", ["mi", "e"], tree_of(node.parents[0], inner)]
    return row(["mi", "log"], ["munder", sign("∑"), inner[node.axis]], power)


@tree_of.register(e.Stored)
def _stored(node: e.Stored, places: Places) -> Tree:
    return tree_of(node.parents[0], places)


@tree_of.register(m.Position)
def _position(node: m.Position, places: Places) -> Tree:
    return places[node.axis]


_SIGNS = {"==": "=", ">=": "≥", "<": "<", ">": ">"}
_OPPOSITE = {"==": "≠", ">=": "<", "<": "≥", ">": "≤"}


@tree_of.register(m.Related)
@tree_of.register(m.Compared)
def _relation(node: Any, places: Places) -> Tree:
    return _related(node, places, _SIGNS)


def _related(node: Any, places: Places, signs: Mapping[str, str]) -> Tree:
    return row(*between([tree_of(parent, places) for parent in node.parents], signs[node.relation]))


@tree_of.register(m.Not)
def _not(node: m.Not, places: Places) -> Tree:
    (inner,) = node.parents
    if isinstance(inner, (m.Related, m.Compared)):
        return _related(inner, places, _OPPOSITE)
    return row(sign("¬"), fenced(tree_of(inner, places)))


@tree_of.register(m.And)
def _both(node: m.And, places: Places) -> Tree:
    return row(*between([_tight(parent, places, (m.Or,)) for parent in node.parents], "∧"))


@tree_of.register(m.Or)
def _either(node: m.Or, places: Places) -> Tree:
    return row(*between([_tight(parent, places, (m.And,)) for parent in node.parents], "∨"))


@tree_of.register(m.AnyOf)
def _any_of(node: m.AnyOf, places: Places) -> Tree:
    inner = _with_places(places, [node.axis])
    return row(sign("∃"), inner[node.axis], sign(":"), tree_of(node.parents[0], inner))


@tree_of.register(m.Leading)
def _leading(node: m.Leading, places: Places) -> Tree:
    """At all places up to this one."""
    inner = _with_places(places, [node.axis])
    bound = (sign("∀"), inner[node.axis], sign("≤"), places[node.axis])
    return fenced(row(*bound, sign(":"), tree_of(node.parents[0], inner)))
