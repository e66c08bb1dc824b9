"""The classes of infinities and NaN, against the formulas evaluated by IEEE 754."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from reference.arguments import ReductionError
from reference.formats import Float64
from reference.nonfinite import class_of, margin_classes, soft_classes

VALUES = (0.0, 3.0, np.inf, -np.inf, np.nan)


def formula_margin(scores: Float64, block: list[int]) -> float:
    """The printed formula, one order of its operations; the maximum propagates NaN."""
    others = [place for place in range(len(scores)) if place not in block]
    pairs = [1 - (scores[label] - scores[other]) for label in block for other in others]
    return float(sum(np.maximum(0.0, pair) for pair in pairs) / len(scores))


@pytest.mark.parametrize("block", [[], [0], [1, 1], [0, 1], [2, 0], [0, 1, 2]])
def test_margin_classes_are_what_the_formula_gives(block: list[int]) -> None:
    """Every triple of special scores: the class of the result is the class that is stated."""
    target = np.array([(block + [-1] * 3)[:3]])
    for triple in itertools.product(VALUES, repeat=3):
        scores = np.array(triple)
        with np.errstate(invalid="ignore"):
            assert margin_classes(scores[np.newaxis], target, "none")[0].name == class_of(formula_margin(scores, block))


@pytest.mark.parametrize("weight", [1.0, -2.0, 0.0])
@pytest.mark.parametrize("label", [0.0, 0.25, 1.0])
def test_soft_margin_classes_are_what_the_stable_form_gives(label: float, weight: float) -> None:
    """Pairs of special scores; where the class is open, the formula's limit and its arithmetic differ."""
    for pair in itertools.product(VALUES, repeat=2):
        scores, labels = np.array([pair]), np.array([[label, 0.5]])
        stated = soft_classes(scores, labels, np.array([weight, 1.0]), "none")[0]
        with np.errstate(invalid="ignore"):
            spread = (1 - labels) * np.maximum(scores, 0) + labels * np.maximum(-scores, 0)
            got = class_of(float(((spread + np.log1p(np.exp(-np.abs(scores)))) @ [weight, 1.0])[0]))

        assert stated.name in ("either", got)
        assert stated.admits(np.nan) == (stated.name in ("nan", "either"))
        assert stated.why or stated.name == "finite"


def test_a_reduction_collects_the_rows() -> None:
    """Infinite and NaN rows decide about the batch."""
    scores = np.array([[0.0, np.inf], [0.0, 0.0]])
    target = np.array([[0, -1], [0, -1]])

    assert [found.name for found in margin_classes(scores, target, "none")] == ["+inf", "finite"]
    assert [found.name for found in margin_classes(scores, target, "mean")] == ["+inf"]
    missed = soft_classes(np.array([[np.inf, -np.inf]]), np.array([[0.0, 1.0]]), None, "sum")
    assert [found.name for found in missed] == ["+inf"]
    opposite = soft_classes(np.array([[np.inf, np.inf]]), np.zeros((1, 2)), np.array([1.0, -1.0]), "none")
    assert opposite[0].why == "the sum of opposite infinities is NaN"


def test_wrong_arguments_are_refused() -> None:
    """As by the oracles of finite scores."""
    with pytest.raises(ReductionError, match="'avg'"):
        margin_classes(np.zeros((1, 2)), np.zeros((1, 2), dtype=np.int64), "avg")
