"""Cases of any operator are made smaller: options, optional arguments, indices, free axes; a budget is a number."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.minimise import minimise
from conformance.cases.trials import EVALUATIONS, Budget
from tests.made_operators import PAIR, PIXELS, chosen

BUDGET = Budget(EVALUATIONS)
LARGE = chosen(
    ([0.5, 3.0, -1.0, 2.5], 3),
    ([1.5, 0.25, 7.0, 2.0], 1),
    ([0.5, -2.0, 1.0, 4.0], 0),
    weight=np.array([1.0, 2.0, 0.5, 3.0]),
    options={"margin": -1.0, "p": 2},
    cotangent=np.array([2.0, -1.0, 0.5]),
)


def smallest(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The smallest case that fails."""
    return minimise(case, "finite", lambda other: "finite" if fails(other) else "", BUDGET)[0]


def test_what_has_no_part_in_a_failure_goes() -> None:
    """One row, one class, the plainest numbers; no weight, no option, no cotangent."""
    left = smallest(LARGE, lambda case: True)

    assert {name: array.tolist() for name, array in left.arrays.items()} == {"input": [[0.0]], "target": [0]}
    assert (left.options, left.cotangent) == ({}, None)


def test_options_are_left_at_their_default_each_for_itself() -> None:
    """The one that has a part in the failure stays."""
    left = smallest(LARGE, lambda case: case.option("p") == 2)

    assert left.options == {"p": 2}
    assert smallest(LARGE, lambda case: case.option("margin") < 1).options == {"margin": 0.5}
    assert smallest(LARGE, lambda case: case.option("margin") < 0).options == {"margin": -1.0}


def test_options_of_a_value_that_is_not_listed_are_made_plainer() -> None:
    """Such as an infinite margin of a written case: any listed value is plainer."""
    left = smallest(LARGE.replace(options={"margin": 9.0}), lambda case: case.option("margin") != 1.0)

    assert left.options == {"margin": 0.5}


def test_a_weight_that_has_a_part_stays_and_becomes_ones() -> None:
    """Only the factors that matter are not 1."""
    given = smallest(LARGE, lambda case: "weight" in case.arrays)
    large = smallest(LARGE, lambda case: "weight" in case.arrays and bool((case["weight"] == 3).any()))
    named = smallest(LARGE, lambda case: "weight" in case.arrays and case["weight"][case["target"][0]] == 3)

    assert given["weight"].tolist() == [1.0]
    assert large["weight"].tolist() == [3.0]
    assert (named["weight"].tolist(), named["target"].tolist()) == ([3.0], [0])


def test_an_index_is_renamed_where_classes_go() -> None:
    """The score that it names stays the one that it names."""

    def fails(case: Case) -> bool:
        row, target = case["input"], case["target"]
        return any(scores[place] == 2.5 and scores.max() > 2.5 for scores, place in zip(row, target, strict=True))

    left = smallest(LARGE, fails)

    assert left["input"].shape == (1, 2)
    assert sorted(left["input"][0].tolist()) == [2.5, 3.0]
    assert left["input"][0, left["target"][0]] == 2.5


def test_a_class_goes_once_no_row_names_it() -> None:
    """Of three rows that name three classes one is left, with the class that it names and the score that matters."""
    left = smallest(LARGE, lambda case: bool((case["input"][:, -1] == 4).any()))

    assert left["input"].tolist() == [[0.0, 4.0]]
    assert left["target"].tolist() == [0]


def test_many_classes_are_cut_with_the_one_that_is_named() -> None:
    """In steps that double; a thousand classes take some dozens of evaluations."""
    asked: list[str] = []
    row = np.zeros((1, 1000))
    row[0, 700] = 5.0

    def judge(case: Case) -> str:
        asked.append(case.digest())
        return "finite" if case["input"][0, case["target"][0]] == 5 and case.classes > 1 else ""

    left, _ = minimise(chosen(([0.0], 0)).replace(input=row, target=np.array([700])), "finite", judge, BUDGET)

    assert left["input"].tolist() in ([[0.0, 5.0]], [[5.0, 0.0]])
    assert left["input"][0, left["target"][0]] == 5
    assert len(asked) < 100


def test_free_axes_are_shortened_and_ignored_indices_stay() -> None:
    """A place that is ignored is no place of the axis that is cut."""
    target = np.array([[[0, 1], [2, -100], [2, 2]], [[1, 1], [0, 0], [2, 2]]])
    input = np.random.default_rng(0).integers(1, 9, (2, 3, 3, 2)).astype(np.float64)
    case = Case(PIXELS, "float32", {"input": input, "target": target}, {"target": "int64"})

    ignored = smallest(case, lambda one: bool((one["target"] == -100).any()))
    wide = smallest(case, lambda one: one.sizes.get("d1", 1) == 3)

    assert (ignored["input"].tolist(), ignored["target"].tolist()) == ([[[[0.0]]]], [[[-100]]])
    assert wide["input"].shape == (1, 1, 3, 1)
    assert not wide["input"].any()
    assert not wide["target"].any()


def test_two_arrays_of_scores_are_cut_together() -> None:
    """And labels become the plainest that still fail."""
    values = {"input1": np.array([1.0, 2.0, 3.0]), "input2": np.array([4.0, 5.0, 6.0]), "target": -np.ones(3)}
    case = Case(PAIR, "float32", values, cotangent=np.array([1.0, 2.0, 3.0]))

    left = smallest(case, lambda one: bool(((one["input2"] == 5) & (one["target"] == -1)).any()))
    plain = smallest(case, lambda one: bool((one["input2"] == 5).any()))

    assert {name: array.tolist() for name, array in left.arrays.items()} == {
        "input1": [0.0],
        "input2": [5.0],
        "target": [-1.0],
    }
    assert plain["target"].tolist() == [1.0]


def test_a_case_without_a_batch_keeps_none() -> None:
    """It is made smaller as a batch of one and shown without."""
    alone = LARGE.some_rows(slice(0, 1)).unbatched()

    left = smallest(alone, lambda case: case["target"].ndim == 0 and case["input"].max() == 3)

    assert (left["input"].tolist(), left["target"].tolist(), left.result_shape) == ([3.0], 0, ())
    assert (dict(left.options), left.cotangent, left.get("weight")) == ({}, None, None)


def test_a_case_of_another_rank_is_left_as_it_is() -> None:
    """Its axes have no names."""
    wrong = LARGE.replace(input=LARGE["input"].reshape(3, 2, 2), weight=None)

    assert minimise(wrong, "accepted", lambda case: "accepted", BUDGET) == (wrong, "accepted")


@pytest.mark.parametrize("evaluations", [1, 7, 25, 120])
def test_the_same_budget_gives_the_same_witness_whatever_the_time(evaluations: int) -> None:
    """A budget counts other cases that are asked about, never seconds."""
    asked = [0, 0]

    def judge(which: int, pause: float) -> Callable[[Case], str]:
        def answer(case: Case) -> str:
            asked[which] += 1
            time.sleep(pause)
            return "finite" if case["input"].max() > 2 and case.option("margin") < 0 else ""

        return answer

    fast, _ = minimise(LARGE, "finite", judge(0, 0.0), Budget(evaluations))
    slow, _ = minimise(LARGE, "finite", judge(1, 0.002), Budget(evaluations))

    assert fast.digest() == slow.digest()
    assert asked[0] == asked[1] <= evaluations


def test_a_larger_budget_gives_no_larger_witness() -> None:
    """Simplifications are tried in one order."""
    sizes = [
        minimise(LARGE, "finite", lambda case: "finite" * bool(case["input"].max() > 2), Budget(count))[0].elements
        for count in (0, 3, 10, 40, EVALUATIONS)
    ]

    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == LARGE.elements
    assert sizes[-1] == 2
