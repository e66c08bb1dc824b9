"""The nodes of a loss's graphs by name, so that a change finds its node whatever the shapes and options of a call.

A name says the node's kind and its own fields, and which of those that are alike it is, from the
arguments up: ``total_C_0`` is the first sum over C. What stands below an optional part of the
formula has the same name with and without it.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import cast

from reference.engine import expression as e
from reference.engine import masks as m
from reference.engine.formula import ArgumentSpec, Formula, Graph, Setting, trace
from reference.engine.node import Node, walk
from reference.engine.shapes import bind

_SIZES = {"N": (2,), "C": (3,), "...": (2, 3)}
REDUCTIONS = ("none", "sum", "mean")


def scores(spec: ArgumentSpec) -> bool:
    """Whether an argument holds scores: a gradient to it is always asked for."""
    return spec.domain == "finite" and not spec.optional


def batch_of(graph: Graph) -> str:
    """The axis of independent rows; empty for a single row."""
    return next((axis for axis in graph.elements.axes if axis in ("N", "d")), "")


def word(value: object) -> str:
    """A field as part of a name."""
    if isinstance(value, tuple):
        return "_".join(map(word, cast("tuple[object, ...]", value))) or "nothing"
    spelled = {"==": "equal", ">=": "at_least", ">": "above", "<": "below", "...": "every_axis"}
    return spelled.get(str(value), re.sub(r"\W", "_", str(value).replace("-", "minus ")))


def kind_of(node: Node) -> str:
    """Kind and own fields of a node."""
    own = [
        getattr(node, field.name)
        for field in dataclasses.fields(node)
        if field.name not in ("parents", "names", "signs")
    ]
    return "_".join([re.sub(r"(?<!^)(?=[A-Z])", "_", type(node).__name__).lower(), *map(word, own)])


def sites(graph: Graph) -> dict[str, Node]:
    """The nodes of a graph by name."""
    seen: Counter[str] = Counter()
    found: dict[str, Node] = {}
    for node in walk(graph.root):
        kind = kind_of(node)
        found[f"{kind}_{seen[kind]}"] = node
        seen[kind] += 1
    return found


def graphs(formula: Formula, *, documented: bool = False) -> Iterator[tuple[str, Graph]]:
    """The graph of every reduction, with and without batch and optional arguments, for every whole-number setting."""
    counts = range(1 + sum(spec.optional for spec in formula.arguments))
    for settings, dropped, count in itertools.product(_settings(formula), (False, True), counts):
        shapes = {spec.name: _shape(spec.pattern, dropped=dropped) for spec in _given(formula, count)}
        binding = bind({spec.name: spec.pattern for spec in formula.arguments}, shapes)
        for reduction in REDUCTIONS:
            yield reduction, trace(formula, binding, settings, reduction, documented=documented)


def _given(formula: Formula, count: int) -> list[ArgumentSpec]:
    """The arguments of a call that has the first so many of the optional ones."""
    optional = [spec.name for spec in formula.arguments if spec.optional][:count]
    return [spec for spec in formula.arguments if not spec.optional or spec.name in optional]


def _settings(formula: Formula) -> Iterator[dict[str, Setting]]:
    choices: list[tuple[Setting, ...]] = [others(default) for default in formula.options.values()]
    for chosen in itertools.product(*choices):
        yield dict(zip(formula.options, chosen, strict=True))


def others(default: Setting) -> tuple[Setting, ...]:
    """A setting's default, and what else it may be if it chooses among formulas."""
    if isinstance(default, bool):
        return default, not default
    return (default, default + 1) if isinstance(default, int) else (default,)


def _shape(pattern: str, *, dropped: bool) -> tuple[int, ...]:
    words = [each for each in pattern.split() if not (dropped and each.endswith("?"))]
    return tuple(size for each in words for size in _SIZES[each.rstrip("?")])


def every_site(formula: Formula) -> Mapping[str, tuple[Node, Graph]]:
    """Each name of a node with the first graph that has it."""
    found: dict[str, tuple[Node, Graph]] = {}
    for _, graph in graphs(formula):
        for name, node in sites(graph).items():
            found.setdefault(name, (node, graph))
    return found


def below(node: Node) -> set[Node]:
    """A node and all that it is made of."""
    return set(walk(node))


def reaches_scores(node: Node, formula: Formula) -> bool:
    """Whether scores are among what a node is made of, through numbers alone."""
    if isinstance(node, e.Argument):
        return scores(formula.argument(node.name))
    if not isinstance(node, e.Expression):
        return False
    return any(reaches_scores(parent, formula) for parent in node.parents)


def is_label(node: Node, formula: Formula) -> bool:
    """Whether a node is an argument that says what is right."""
    if isinstance(node, m.IntegerArgument):
        return True
    return isinstance(node, e.Argument) and formula.argument(node.name).domain in ("unit", "sign")
