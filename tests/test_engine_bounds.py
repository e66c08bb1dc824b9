"""The engine's bounds from both sides: no right implementation exceeds them, and what is wrong does.

``python -m tests.engine.trials ROWS`` does it for as many rows as wanted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reference.enclosure import Enclosure
from reference.engine import expression as e
from reference.engine.formula import Graph, trace
from reference.engine.node import Node, replaced, walk
from reference.engine.oracle import evaluate
from reference.engine.plain import Plain
from reference.engine.shapes import bind
from reference.formats import FORMATS, Arithmetic, Float64
from tests.engine.cases import DRAWS, FORMULAS, Drawn
from tests.engine.trials import REDUCTIONS, trials
from tests.zoo import arithmetic, families, right_margin, right_soft

NEEDED = {"multilabel_soft_margin_loss": 0.06, "soft_margin_loss": 0.1}
"""Share of its bound that some right implementation must reach, or the bound is too loose; 0.15 for the others."""


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", FORMULAS)
def test_no_right_implementation_exceeds_its_bound(name: str, dtype: str) -> None:
    """Every order, division and width, value and gradients, every reduction and family; and the bound is near."""
    found = [
        trial
        for place, family in enumerate(families.FAMILIES)
        for shape in ((12, 4), (5, 7))
        for trial in trials(name, dtype, family, shape, 0, REDUCTIONS[place % 3])
    ]

    assert [trial for trial in found if trial.exceeded] == []
    assert max(trial.share for trial in found if trial.name[1] == "value") >= NEEDED.get(name, 0.15)


@pytest.mark.parametrize("name", FORMULAS)
def test_no_right_implementation_in_float64_exceeds_its_bound(name: str) -> None:
    """There exact numbers stand behind the bounds."""
    found = [trial for family in families.FAMILIES for trial in trials(name, "float64", family, (4, 4), 0, "none")]

    assert [trial for trial in found if trial.exceeded] == []


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", ["multilabel_margin_loss", "multilabel_soft_margin_loss"])
def test_the_right_implementations_written_by_hand_stay_inside(name: str, dtype: str) -> None:
    """Those that share no code with the engine."""
    fl, format = arithmetic.in_format(dtype), FORMATS[dtype]
    for family in families.FAMILIES:
        drawn = DRAWS[name](np.random.default_rng(1), family, format, (15, 5))
        x, y = drawn.arguments["input"], drawn.arguments["target"]
        cotangent = fl(np.random.default_rng(2).choice([1.0, -1.0, 0.5, 0.1, 3.0], 15))
        answer = evaluate(FORMULAS[name], drawn.arguments, {}, "none", Arithmetic(format), cotangent)
        if name == "multilabel_margin_loss":
            values = [losses(x, y, fl) for losses in right_margin.VALUES.values()]
            slopes = [gradient(x, y, cotangent, fl) for gradient in right_margin.GRADIENTS.values()]
        else:
            weight = drawn.arguments["weight"]
            values = [losses(x, y, weight, fl) for losses in right_soft.VALUES.values()]
            slopes = [gradient(x, y, weight, cotangent, fl) for gradient in right_soft.GRADIENTS.values()]
        assert all(answer.value.admits(value, format).all() for value in values), family
        assert all(answer.gradient.admits(slope, format).all() for slope in slopes), family


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", ["multilabel_margin_loss", "multi_margin_loss", "hinge_embedding_loss"])
def test_nothing_rounds_on_the_lattice(name: str, dtype: str) -> None:
    """Quarters and a power of two of classes: one admitted result, and its neighbour is refused."""
    format = FORMATS[dtype]
    drawn = DRAWS[name](np.random.default_rng(0), "lattice", format, (60, 4))
    arguments = {key: value for key, value in drawn.arguments.items() if key != "weight"}
    answer = evaluate(FORMULAS[name], arguments, {}, "none", Arithmetic(format))

    for part in (answer.value, answer.gradient):
        known = part.low == part.high
        assert (part.bound == 0).all()
        assert known.mean() > 0.5
        assert not part.admits(part.low + format.spacing(part.low), format)[known].any()


def mutant(graph: Graph, others: dict[Node, Node]) -> Graph:
    """The graph with nodes replaced."""
    root = replaced(graph.root, others)
    assert isinstance(root, e.Expression)
    return Graph(root, root, graph.binding)


def nodes(graph: Graph, kind: type[Node]) -> list[Node]:
    """Those of a kind."""
    return [node for node in walk(graph.root) if isinstance(node, kind)]


def without_kink(graph: Graph) -> Graph:
    """max(0, a) left out."""
    return mutant(graph, {node: node.parents[0] for node in nodes(graph, e.Positive)})


def turned(graph: Graph) -> Graph:
    """The last sign of each sum turned."""
    sums = [node for node in nodes(graph, e.Sum) if isinstance(node, e.Sum)]
    return mutant(graph, {node: e.Sum(node.parents, (*node.signs[:-1], -node.signs[-1])) for node in sums})


def nudged(graph: Graph) -> Graph:
    """2^-9 of each element more."""
    (stored,) = nodes(graph, e.Stored)
    inner = stored.parents[0]
    assert isinstance(inner, e.Expression)
    return mutant(graph, {stored: inner * (1 + 2.0**-9)})


def half(graph: Graph) -> Graph:
    """Divided by one more."""
    counts = nodes(graph, e.Count)
    return mutant(graph, {node: e.Constant((), 5.0) for node in counts})


FAULTS: dict[str, tuple[Callable[[Graph], Graph], ...]] = {
    "multilabel_margin_loss": (without_kink, turned, nudged, half),
    "multi_margin_loss": (without_kink, turned, nudged, half),
    "multilabel_soft_margin_loss": (turned, nudged, half),
    "soft_margin_loss": (turned, nudged),
    "hinge_embedding_loss": (without_kink, turned, nudged),
    "margin_ranking_loss": (without_kink, turned, nudged),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_planted_faults_leave_the_bound(name: str) -> None:
    """In many rows."""
    formula = FORMULAS[name]
    drawn: Drawn = DRAWS[name](np.random.default_rng(3), "usual", FORMATS["float32"], (200, 4))
    arguments = {key: value for key, value in drawn.arguments.items() if key != "weight"}
    settings = {"margin": 0.25} if "margin" in formula.options else {}
    shapes = {key: value.shape for key, value in arguments.items()}
    graph = trace(formula, bind({spec.name: spec.pattern for spec in formula.arguments}, shapes), settings, "none")
    answer = evaluate(formula, arguments, settings, gradients=drawn.gradients)
    for fault in FAULTS[name]:
        got: Float64 = Plain(fault(graph), np, np.float64).value(arguments, settings)
        assert outside(answer.value, got) > 0.15, fault.__name__
    assert outside(answer.value, Plain(graph, np, np.float64).value(arguments, settings)) == 0


def outside(expected: Enclosure, got: Float64) -> float:
    """The share of results that are refused."""
    return float(np.mean(~expected.admits(got, FORMATS["float32"])))
