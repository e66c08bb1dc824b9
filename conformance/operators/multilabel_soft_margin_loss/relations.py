"""The soft margin loss is linear in its labels; its derivatives by weight and label, and its second."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import drawn
from conformance.families.gradients import pattern
from conformance.families.weights import has_weight, weight_of
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import assert_shape, assert_sum, assert_within
from conformance.judging.subject import Subject
from conformance.operators.multilabel_soft_margin_loss import OPERATOR
from conformance.operators.multilabel_soft_margin_loss.pages import (
    FORMULA,
    WEIGHT,
)
from reference import soft_derivatives
from reference.formats import Arithmetic, Float64

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


def _half_labels(case: Case) -> Case:
    return case.replace(target=np.full(case["target"].shape, 0.5))


@clause(
    "soft.labels.linear",
    "quality",
    FORMULA,
    why="The formula is linear in its labels; the pages speak of 0 and 1 only.",
    cases=drawn(scores="plain").map(_half_labels),
    keeps=lambda case: bool((case["target"] == 0.5).all()),
)
def linear_in_the_label(subject: Subject, case: Case) -> None:
    """The loss of labels ½ is half the sum of the losses of labels 0 and 1, within the bounds of all three."""
    ends = [case.replace(target=np.full(case["target"].shape, label)) for label in (0.0, 1.0)]

    parts = [subject.evaluate(each).value.values for each in ends]
    got = subject.evaluate(case).value

    expected = [subject.expected_loss(each, as_documented=True) for each in (*ends, case)]
    assert_sum(case, got, parts, expected, share=0.5)


@clause(
    "soft.gradients.of-weight",
    "implied",
    WEIGHT,
    why="The derivative by a weight is the loss of its class.",
    cases=drawn(("none", "sum", "mean"), scores="plain", given=("weight",), cotangent=True),
    needs="gradient:weight",
    keeps=has_weight,
)
def gradient_to_the_weight(subject: Subject, case: Case) -> None:
    """The gradient to a weight is the sum over the rows of its class's losses times their cotangents."""
    got = subject.derived(case, "gradient:weight")

    assert_shape(got, (case.classes,))
    labels = case["target"].astype(np.float64)
    expected = soft_derivatives.by_weight(case["input"], labels, case.reduction or "mean", *_upstream(subject, case))
    assert_within(subject, case, got, expected)


@clause(
    "soft.gradients.of-labels",
    "quality",
    FORMULA,
    why="The formula is linear in its labels: the derivative is -x w / C. The pages do not speak of it.",
    cases=drawn(("none", "sum", "mean"), scores="plain", given=("weight",), cotangent=True),
    needs="gradient:target",
)
def gradient_to_the_labels(subject: Subject, case: Case) -> None:
    """The gradient to a label is minus its score, times weight and cotangent, over C."""
    got = subject.derived(case, "gradient:target")

    assert_shape(got, case["input"].shape)
    weight = weight_of(case)
    upstream = _upstream(subject, case)
    assert_within(
        subject, case, got, soft_derivatives.by_label(case["input"], weight, case.reduction or "mean", *upstream)
    )


@clause(
    "soft.gradients.second",
    "quality",
    FORMULA,
    why="The second derivative of log(1 + e^x) is the product of two sigmoids; one rounding of each is what it costs.",
    cases=drawn(("none", "sum", "mean"), scores="plain", given=("weight",), cotangent=True),
    needs="second",
)
def second_derivative(subject: Subject, case: Case) -> None:
    """The derivative of the gradient along a direction is sigmoid(x) sigmoid(-x) w / C times both."""
    _assert_second(subject, case, careful=False)


@clause(
    "soft.gradients.second-of-any-score",
    "quality",
    FORMULA,
    why="Both sigmoids have their tail to full relative accuracy; as a difference from 1, one of them loses it.",
    cases=drawn(("none", "sum", "mean"), given=("weight",), cotangent=True),
    needs="second",
)
def second_derivative_of_any_score(subject: Subject, case: Case) -> None:
    """The second derivative of scores of any size has the accuracy of its dtype, on both sides of 0."""
    _assert_second(subject, case, careful=True)


def _assert_second(subject: Subject, case: Case, *, careful: bool) -> None:
    tangent = pattern(case)
    got = subject.derived(case, "second", tangent=tangent)

    assert_shape(got, case["input"].shape)
    weight = weight_of(case)
    upstream = _upstream(subject, case)
    expected = soft_derivatives.second(
        case["input"], weight, tangent, case.reduction or "mean", *upstream, careful=careful
    )
    assert_within(subject, case, got, expected)


def _upstream(subject: Subject, case: Case) -> tuple[Float64, Arithmetic]:
    return case.upstream(), subject.arithmetic
