"""Every mutant of a loss, derived from its formula."""

from __future__ import annotations

from collections.abc import Iterator

from reference.engine.formula import Formula, Graph
from reference.engine.node import Node
from tests.genzoo import (
    rules_backward,
    rules_calls,
    rules_elementary,
    rules_masks,
    rules_numbers,
    rules_steps,
    rules_sums,
)
from tests.genzoo.changes import Rule
from tests.genzoo.mutation import Mutation
from tests.genzoo.sites import every_site, graphs, sites
from tests.genzoo.text import short

RULES: dict[type[Node], Rule] = {
    **rules_sums.RULES,
    **rules_numbers.RULES,
    **rules_elementary.RULES,
    **rules_masks.RULES,
}
"""Changes of the graph, by the kind of node."""


def mutants(formula: Formula) -> tuple[Mutation, ...]:
    """The wrong implementations of a loss, each with one mistake, by part: loss and gradient, loss alone, gradient."""
    found: dict[str, Mutation] = {}
    for mutation in _mistakes(formula):
        parts = [mutation.of_gradient()]
        if not mutation.backward_only:
            parts += [mutation, mutation.of_value()]
        found.update({each.name: each for each in parts})
    return tuple(found.values())


def of_framework(formula: Formula, framework: str) -> list[Mutation]:
    """Those that a framework's function shows apart.

    NumPy has the gradient beside the loss, so each of the two is wrong alone. Torch differentiates
    what is wrong in the loss; a backward pass that is wrong alone is written by hand.
    """
    parts = ("value", "gradient") if framework == "numpy" else ("both", "gradient")
    return [mutation for mutation in mutants(formula) if mutation.part in parts]


def _mistakes(formula: Formula) -> Iterator[Mutation]:
    seen: dict[str, tuple[Node, Graph]] = dict(every_site(formula))
    for site, (node, graph) in seen.items():
        yield from rules_steps.mutations(formula, site, node, graph)
        yield from rules_backward.at_node(formula, site, node)
    yield from _rewritings(formula)
    yield from rules_calls.everywhere(formula)
    yield from rules_backward.everywhere(formula)


def _rewritings(formula: Formula) -> Iterator[Mutation]:
    """Changes of the graph: those of each graph that has the node, which may have more terms in one than in another."""
    done: set[str] = set()
    for _, graph in graphs(formula):
        for site, node in sites(graph).items():
            rule = RULES.get(type(node))
            for change in rule(node, graph) if rule else ():
                name = f"{change.name}_{site}"
                if name not in done:
                    done.add(name)
                    yield Mutation(name, change.kind, f"{short(node)} {change.words}", site=site,
                                   rewrite=change.rewrite)  # fmt: skip
