"""The exhaustive lattice: every target against every row of scores, once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from conformance.cases.drawing import Domain
from conformance.cases.lattice import lattice
from conformance.cases.operator import Operator
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from tests.made_operators import CHOICE, PAIR, PIXELS


@pytest.mark.parametrize(
    ("operator", "rows"), [(MARGIN, [5 * 2, 25 * 9, 125 * 64]), (SOFT, [5 * 2, 25 * 4, 125 * 8])], ids=str
)
def test_every_target_meets_every_score_once(operator: Operator, rows: list[int]) -> None:
    """One batch for each number of classes."""
    cases = lattice(Domain(operator, "float32", lattice=3))

    assert [case.classes for case in cases] == [1, 2, 3]
    assert [case.rows for case in cases] == rows
    for case in cases:
        pairs = np.concatenate([case["input"], case["target"]], axis=1)
        assert len(np.unique(pairs, axis=0)) == case.rows
        assert case.cotangent is not None
        assert case.cotangent.shape == (case.rows,)


def test_an_index_for_each_row_is_one_number() -> None:
    """Each class of each row of scores; at few classes also each other value of each option."""
    cases = lattice(Domain(CHOICE, "float32", lattice=3))

    plain = [case for case in cases if not case.options]
    assert [(case["input"].shape, case["target"].shape) for case in plain] == [
        ((2, 1), (2,)),
        ((18, 2), (18,)),
        ((81, 3), (81,)),
    ]
    wanted = set(itertools.product((-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0), range(2)))
    rows = zip(plain[1]["input"].tolist(), plain[1]["target"].tolist(), strict=True)
    assert {(*row, place) for row, place in rows} == wanted
    assert plain[1]["target"].dtype == np.int64
    others = [(case.classes, dict(case.options)) for case in cases if case.options]
    values = [{"margin": 0.5}, {"margin": 2.0}, {"margin": -1.0}, {"p": 2}]
    assert others == list(itertools.product((1, 2), values))
    assert not any("weight" in case.arrays for case in cases)


def test_an_operator_without_classes_has_one_batch_of_single_elements() -> None:
    """Of all its arguments, and one for each other value of its option."""
    cases = lattice(Domain(PAIR, "float32", lattice=4))

    assert [dict(case.options) for case in cases] == [{}, {"margin": 0.5}]
    names = ("input1", "input2", "target")
    rows = {tuple(float(case[name][row]) for name in names) for case in cases for row in range(case.rows)}
    assert rows == set(itertools.product((0.0, 1.0), (-1.0, 2.0), (-1.0, 1.0)))
    assert cases[0].rows == 8


def test_free_axes_are_absent() -> None:
    """What the lattice gives no values for is left out."""
    cases = lattice(Domain(PIXELS, "float32", lattice=2))

    assert [case["input"].shape for case in cases] == [(2, 1), (4, 2)]


def test_scores_are_values_of_the_format() -> None:
    """Whatever the operator writes down."""
    for case in lattice(Domain(MARGIN, "bfloat16", lattice=2)):
        assert np.array_equal(case.format.round(case["input"]), case["input"])
