"""The gradient of the margin loss: its value away from ties, a subgradient at them."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Drawn, drawn
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import Deviation, assert_gradient, assert_shape, numbers
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss import OPERATOR
from conformance.operators.multilabel_margin_loss.pages import (
    BLOCK,
    FORMULA,
)

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


@clause(
    "margin.gradients.of-empty-block",
    "implied",
    BLOCK,
    why="A loss that is 0 whatever the scores has derivative 0.",
    cases=drawn(labels=("empty", "leading", "all"), cotangent=True),
    needs="gradient",
)
def gradient_without_pairs(subject: Subject, case: Case) -> None:
    """A row without labels, or with every class a label, has gradient 0."""
    assert_gradient(subject, case)


@clause(
    "margin.gradients.zero-where-nothing-counts",
    "implied",
    BLOCK,
    why="A score that stands in no active pair does not change the loss.",
    cases=drawn(("none", "mean"), cotangent=True),
    needs="gradient",
)
def no_gradient_where_no_pair_is_active(subject: Subject, case: Case) -> None:
    """A class in no pair that is active, or could be by rounding or at a tie, has a gradient of 0, never NaN."""
    got = subject.evaluate(case, "gradient").gradient
    assert_shape(got, case["input"].shape)

    gradient = subject.expected(case).gradient
    ignored = (gradient.low == 0) & (gradient.high == 0) & (gradient.bound == 0)
    if (got.values[ignored] != 0).any():
        raise Deviation("a gradient of 0 where no pair counts", numbers(got.values[ignored]))


@clause(
    "margin.gradients.second",
    "implied",
    FORMULA,
    why="The loss is linear between its kinks.",
    cases=drawn(("none", "sum", "mean"), labels=("padded",), cotangent=True),
    needs="second",
)
def second_derivative_is_zero(subject: Subject, case: Case) -> None:
    """The derivative of the gradient along any direction is exactly 0."""
    got = subject.derived(case, "second", tangent=np.resize([1.0, -0.5, 2.0], case["input"].shape))
    assert_shape(got, case["input"].shape)

    if (got.values != 0).any():
        raise Deviation("0 throughout", numbers(got.values[got.values != 0]))


def _ties() -> Drawn:
    """Scores 0 for the others and 1 for the label: every pair at its kink."""
    padded = drawn(labels=("padded",), least={"C": 2})

    def change(case: Case) -> Case:
        input, target = np.zeros(case["input"].shape), np.full(case["target"].shape, -1, dtype=np.int64)
        input[:, 0], target[:, 0] = 1.0, 0
        return case.replace(input=input, target=target)

    return padded.map(change)


@clause(
    "margin.gradients.subgradient-at-tie",
    "open",
    FORMULA,
    why="Where 1 - (x[y[j]] - x[i]) is exactly 0 every value between the one-sided derivatives is a subgradient.",
    cases=_ties(),
    needs="gradient",
)
def subgradient_at_a_tie(subject: Subject, case: Case) -> str:
    """Which subgradient comes back where every pair is exactly at its kink."""
    gradient = subject.evaluate(case, "gradient").gradient
    assert_shape(gradient, case["input"].shape)
    seen = sorted(set(np.round(gradient.values[:, 1:] * case.classes, 3).reshape(-1).tolist()))
    return f"derivative by a non-target's score times C: {', '.join(map(str, seen))}"
