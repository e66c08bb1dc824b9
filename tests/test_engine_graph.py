"""A formula is a graph: it can be walked, rebuilt, bound to shapes, and evaluated plainly."""

from __future__ import annotations

import numpy as np
import pytest

from reference.arguments import DomainError, LabelError, OracleError, ReductionError, ShapeError
from reference.engine import expression as e
from reference.engine.expression import Argument, Sum, Total, total
from reference.engine.formula import Graph, trace
from reference.engine.node import Node, replaced, walk
from reference.engine.oracle import evaluate
from reference.engine.plain import Plain
from reference.engine.shapes import bind
from tests.engine.cases import FORMULAS


def graph_of(name: str, reduction: str = "none", **shapes: tuple[int, ...]) -> Graph:
    """A formula for arguments of these shapes."""
    formula = FORMULAS[name]
    return trace(formula, bind({spec.name: spec.pattern for spec in formula.arguments}, shapes), {}, reduction)


def test_a_sum_of_differences_is_one_sum() -> None:
    """1 - (x - y) has three terms with signs, not two nested sums."""
    x, y = Argument((), "x", ("N",)), Argument((), "y", ("N",))

    found = 1 - (x - y)

    assert isinstance(found, Sum)
    assert found.signs == (1, -1, 1)
    assert found.parents[1:] == (x, y)
    assert isinstance(total(x, -y, 2), Sum)


def test_walking_meets_parents_first_and_each_node_once() -> None:
    """The order in which a graph is evaluated."""
    order = walk(graph_of("multilabel_margin_loss", input=(3, 4), target=(3, 4)).root)

    assert len(order) == len(set(order))
    assert all(order.index(parent) < order.index(node) for node in order for parent in node.parents)


def test_a_replaced_node_makes_another_loss_and_leaves_the_first_alone() -> None:
    """Dropping the maximum with 0 is a mutant in one line."""
    graph = graph_of("multilabel_margin_loss", input=(1, 3), target=(1, 3))
    arguments = {"input": np.array([[5.0, 1.0, 2.0]]), "target": np.array([[0, -1, -1]])}
    kinks: dict[Node, Node] = {node: node.parents[0] for node in walk(graph.root) if isinstance(node, e.Positive)}
    root = replaced(graph.root, kinks)
    assert isinstance(root, e.Expression)

    mutant = Plain(Graph(root, root, graph.binding), np, np.float64).value(arguments, {})

    assert mutant.tolist() == [(1 - 5 + 1 + 1 - 5 + 2) / 3]
    assert Plain(graph, np, np.float64).value(arguments, {}).tolist() == [0.0]


def test_sums_over_several_axes_are_one() -> None:
    """A sum over rows of sums over classes has one open order."""
    x = Argument((), "x", ("N", "C"))

    assert x.total("C").total("N").parents == (x,)
    assert isinstance(x.total("C").total("N"), Total)
    with pytest.raises(ShapeError, match="'J'"):
        x.total("J")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_plain_implementation_computes_the_examples_of_the_pages(dtype: str) -> None:
    """0.85 for the multi-label margin loss, 0.32 for the multi-class one."""
    scores = np.array([[0.1, 0.2, 0.4, 0.8]]).astype(dtype)
    margin = Plain(graph_of("multilabel_margin_loss", "mean", input=(1, 4), target=(1, 4)), np, dtype)
    multi = Plain(graph_of("multi_margin_loss", "mean", input=(1, 4), target=(1,)), np, dtype)

    found = margin.value({"input": scores, "target": np.array([[3, 0, -1, 1]])}, {})
    other = multi.value({"input": scores, "target": np.array([3])}, {"margin": 1.0})

    assert found.dtype == dtype
    assert float(found) == pytest.approx(0.85, rel=1e-6)
    assert float(other) == pytest.approx(0.325, rel=1e-6)


def test_the_plain_gradient_takes_the_slope_of_its_choice_at_a_tie() -> None:
    """0 by default."""
    graph = graph_of("multilabel_margin_loss", input=(2,), target=(2,))
    arguments = {"input": np.array([1.0, 0.0]), "target": np.array([0, -1])}

    _, slopes = Plain(graph, np, np.float64).gradient(arguments, {}, np.ones(()))

    assert slopes["input"].tolist() == [0.0, 0.0]


def test_a_loss_of_elements_takes_any_shape() -> None:
    """No axis, one, or four: the result has the input's shape."""
    for shape in ((), (3,), (2, 1, 3, 2), (0, 4)):
        x = np.full(shape, 0.5)
        answer = evaluate(FORMULAS["hinge_embedding_loss"], {"input": x, "target": np.ones(shape)})
        assert answer.value.low.shape == shape
        assert answer.gradient.low.shape == shape
        assert (answer.value.low == 0.5).all()


@pytest.mark.parametrize(
    ("name", "arguments", "options", "reduction", "error", "shown"),
    [
        ("multi_margin_loss", {"input": [[0.0, 1.0]], "target": [0, 1]}, {}, "none", ShapeError, r"target \(2,\)"),
        ("multi_margin_loss", {"input": [[0.0, 1.0]], "target": [2]}, {}, "none", LabelError, "class 2"),
        ("multi_margin_loss", {"input": [[0.0, 1.0]], "target": [-1]}, {}, "none", LabelError, "class -1"),
        ("multi_margin_loss", {"input": [[0.0, 1.0]], "target": [1]}, {"q": 1}, "none", DomainError, "'q'"),
        ("multi_margin_loss", {"input": [[0.0, 1.0]]}, {}, "none", DomainError, "'target'"),
        ("multilabel_margin_loss", {"input": [[0.0, 1.0]], "target": [[0, 2]]}, {}, "none", LabelError, "class 2"),
        ("soft_margin_loss", {"input": [0.0], "target": [0.5]}, {}, "none", DomainError, "0.5"),
        ("soft_margin_loss", {"input": [np.inf], "target": [1.0]}, {}, "none", DomainError, "inf"),
        ("soft_margin_loss", {"input": [0.0], "target": [1.0]}, {}, "avg", ReductionError, "'avg'"),
        ("margin_ranking_loss", {"input1": [0.0], "target": [1.0]}, {}, "none", DomainError, "'input2'"),
    ],
)
def test_arguments_outside_the_domain_are_refused(
    name: str,
    arguments: dict[str, list[float]],
    options: dict[str, float],
    reduction: str,
    error: type[OracleError],
    shown: str,
) -> None:
    """A typed error that shows the value."""
    given = {key: np.array(value) for key, value in arguments.items()}
    with pytest.raises(error, match=shown):
        evaluate(FORMULAS[name], given, options, reduction)


def test_a_cotangent_of_another_size_is_refused() -> None:
    """Its shape and the number of results are shown."""
    arguments = {"input": np.zeros(2), "target": np.ones(2)}
    with pytest.raises(ShapeError, match=r"\(3,\).*2 elements"):
        evaluate(FORMULAS["soft_margin_loss"], arguments, cotangent=np.ones(3))


def test_a_label_behind_the_block_may_be_anything() -> None:
    """The formula ignores what the page ignores."""
    arguments = {"input": np.zeros((1, 3)), "target": np.array([[0, -1, 99]])}

    assert evaluate(FORMULAS["multilabel_margin_loss"], arguments).value.middle.tolist() == [2 / 3]
