"""Failing cases are made smaller within a number of evaluations, whatever the time."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.minimise import minimise
from conformance.cases.trials import EVALUATIONS, Budget
from conformance.cases.written import list_text
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN

BUDGET, FEW_SHAPES = Budget(EVALUATIONS), Budget(EVALUATIONS, few_shapes=True)


def made(*scores: float) -> Case:
    """One row of scores with its label in class 0."""
    target = np.where(np.arange(len(scores)) == 0, 0, -1)[np.newaxis]
    return Case(MARGIN, "float32", {"input": np.array([scores]), "target": target}, {"target": "int64"})


def test_the_way_of_failing_that_was_found_is_kept_where_it_can_be() -> None:
    """A smaller case that is wrong in another way comes second, but is not left out."""

    def judge(case: Case) -> str:
        if case["input"].max() > 5:
            return "nan"
        return "finite" if case.classes > 2 else ""

    kept, kind = minimise(made(7.0, 7.0, 7.0), "nan", judge, BUDGET)
    assert (kept["input"].tolist(), kind) == ([[7.0]], "nan")

    slipped, kind = minimise(made(7.0, 7.0, 7.0, 7.0), "nan", lambda case: judge(case) * (case.classes > 2), BUDGET)
    assert (slipped["input"].tolist(), slipped["target"].tolist(), kind) == ([[0.0] * 3], [[-1] * 3], "finite")


def test_a_case_of_many_classes_does_not_stay_large_for_the_sake_of_its_kind() -> None:
    """Where only many classes fail in the way that was found, the few that fail otherwise are shown in the end."""

    def judge(case: Case) -> str:
        return "infinite" if case.classes > 900 else "finite"

    smallest, kind = minimise(made(*[7.0] * 1000), "infinite", judge, Budget(200))

    assert (smallest.classes, kind) == (1, "finite")


def test_a_row_that_is_known_to_be_wrong_is_tried_first() -> None:
    """A batch of thousands takes no search."""
    asked: list[Case] = []

    def judge(case: Case) -> str:
        asked.append(case)
        return "finite" if (case["input"] == 9).any() else ""

    batch = made(*[0.0] * 3).some_rows(np.zeros(5000, dtype=np.int64))
    batch["input"][4321, 1] = 9
    smallest, _ = minimise(batch, "finite", judge, BUDGET, row=4321)

    assert smallest["input"].tolist() == [[9.0]]
    assert len(asked) < 12


@pytest.mark.parametrize("rows", [1, 2, 7, 100])
def test_rows_that_fail_only_together_stay_together(rows: int) -> None:
    """Of many rows those two are left without which nothing fails."""
    batch = made(0.0, 0.0).some_rows(np.zeros(rows, dtype=np.int64))
    batch["input"][0, 0], batch["input"][-1, 1] = 3, 4

    smallest, _ = minimise(batch, "other", lambda case: "other" * (3 in case["input"] and 4 in case["input"]), BUDGET)

    assert smallest["input"].tolist() == ([[3.0, 4.0]] if rows == 1 else [[3.0, 0.0], [0.0, 4.0]])


def test_no_budget_leaves_the_case_as_it_is() -> None:
    """Nothing is asked."""
    case = made(3.0, 4.0)

    assert minimise(case, "other", lambda _: "other", Budget(0)) == (case, "other")


def test_every_case_is_asked_about_once() -> None:
    """What is known is not verified again."""
    seen: list[str] = []

    def judge(case: Case) -> str:
        seen.append(case.digest())
        return "finite" if 3 in case["input"] and case.classes > 1 else ""

    minimise(made(2.0, 3.0, 0.5, -1.0, 8.0, 1.0), "finite", judge, BUDGET)

    assert len(seen) == len(set(seen))


def test_where_shapes_are_expensive_numbers_come_first_and_the_smallest_shape_next() -> None:
    """Few programs are compiled: one for the shape that failed, one for a single class."""
    shapes: list[tuple[int, ...]] = []

    def judge(case: Case) -> str:
        shapes.append(case["input"].shape)
        return "finite" if (case["target"] == -1).any() else ""

    one = made(2.0, 3.0, 0.5, -1.0)
    alone, _ = minimise(one, "finite", judge, FEW_SHAPES)
    seen = list(dict.fromkeys(shapes))
    shapes.clear()
    among, _ = minimise(one.some_rows(np.zeros(9, dtype=np.int64)), "finite", judge, FEW_SHAPES, 3)

    assert alone.digest() == among.digest() == made(0.0).replace(target=np.array([[-1]])).digest()
    assert seen == [(1, 4), (1, 1)]
    assert set(shapes) == {(1, 1)}


def test_a_limit_on_the_number_of_rows_is_met_from_above() -> None:
    """Of 66,560 rows of which 65,536 are too many, those are left, all alike; each candidate counts by its size."""
    batch = made(0.5, 0.25).some_rows(np.zeros(66560, dtype=np.int64))
    batch["input"][:, 1] = np.arange(66560)
    asked: list[Case] = []

    def judge(case: Case) -> str:
        asked.append(case)
        return "finite" * (case.rows > 65535 and bool((case["target"] == 0).any()))

    smallest, _ = minimise(batch, "finite", judge, BUDGET)

    assert smallest["input"].tolist() == [[0.0, 0.0]] * 65536
    assert smallest["target"].tolist() == [[0, 0]] * 65536
    assert len(asked) < 120


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([[0.0, 1.0]] * 20 + [[2.0, 1.0]], "[[0.0, 1.0]] * 20 + [[2.0, 1.0]]"),
        ([3.0, *[1.0] * 9, 4.0], "[3.0] + [1.0] * 9 + [4.0]"),
        ([[-1] * 12, [0, 1]], "[[-1] * 12, [0, 1]]"),
        ([1.0] * 8, "[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]"),
        ([], "[]"),
        (-0.0, "-0.0"),
    ],
)
def test_long_runs_are_written_as_products(values: object, text: str) -> None:
    """And Python reads the text as the same values."""
    assert list_text(values) == text
    assert ast_value(text) == values


def ast_value(text: str) -> object:
    """What Python reads."""
    return eval(text, {"__builtins__": {}})  # noqa: S307 (a text of this file)
