"""What is special to the two-class logistic loss: its symmetry, and what MindSpore's page promises."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed, drawn
from conformance.families.gradients import pattern
from conformance.families.value import first_example
from conformance.judging.clause import MINDSPORE_NATIVE, Clause, clauses_of
from conformance.judging.compare import assert_refused, assert_same_bits, assert_shape, assert_within
from conformance.judging.subject import Subject
from conformance.operators.soft_margin_loss import OPERATOR
from conformance.operators.soft_margin_loss.pages import FORMULA, mindspore
from reference import soft_derivatives

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


@clause(
    "logistic.value.both-signs-turned",
    "implied",
    FORMULA,
    why="The formula holds the product of score and label.",
    cases=drawn(),
)
def both_signs_turned(subject: Subject, case: Case) -> None:
    """Scores and labels with both signs turned have the same losses, bit for bit."""
    turned = case.replace(input=-case["input"], target=-case["target"])

    got, other = subject.evaluate(turned).value, subject.evaluate(case).value

    assert_same_bits(got, other, "as with the signs as they were")


@clause(
    "logistic.gradients.second",
    "quality",
    FORMULA,
    why="The second derivative of log(1 + e^-yx) is the product of two sigmoids, each rounded once.",
    cases=drawn(("none", "sum", "mean"), scores="plain", cotangent=True),
    needs="second",
)
def second_derivative(subject: Subject, case: Case) -> None:
    """The derivative of the gradient along a direction is sigmoid(yx) sigmoid(-yx) times direction and cotangent."""
    _assert_second(subject, case, careful=False)


@clause(
    "logistic.gradients.second-of-any-score",
    "quality",
    FORMULA,
    why="Both sigmoids have their tail to full relative accuracy; as a difference from 1, one of them loses it.",
    cases=drawn(("none", "sum", "mean"), cotangent=True),
    needs="second",
)
def second_derivative_of_any_score(subject: Subject, case: Case) -> None:
    """The second derivative of scores of any size has the accuracy of its dtype, on both sides of 0."""
    _assert_second(subject, case, careful=True)


def _assert_second(subject: Subject, case: Case, *, careful: bool) -> None:
    """Each element as a row of one class, for which the formula is the multi-label one."""
    tangent = pattern(case)
    got = subject.derived(case, "second", tangent=tangent)

    assert_shape(got, case.first.shape)
    column = (-1, 1)
    upstream = case.upstream().reshape(-1) if case.reduction == "none" else case.upstream()
    expected = soft_derivatives.second(
        (case["input"] * case["target"]).reshape(column),
        np.ones(1),
        tangent.reshape(column),
        case.reduction or "mean",
        upstream,
        subject.arithmetic,
        careful=careful,
    )
    assert_within(subject, case, got, expected.reshape(case.first.shape))


def _mismatches(domain: Domain) -> list[Case]:
    case = first_example(domain)
    return [case.replace(target=case["target"][:1]), case.replace(target=np.ones((2, 3)))]


@clause(
    "logistic.errors.shape-mismatch",
    "documented",
    mindspore("ValueError: If shape of input is not the same as that of target."),
    cases=Fixed(_mismatches),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def different_shapes_are_refused(subject: Subject, case: Case) -> None:
    """ValueError if input and target differ in shape."""
    shapes = f"an answer for input {case['input'].shape} and target {case['target'].shape}"
    assert_refused(subject, case, shapes, ("ValueError",))


def _promised(domain: Domain) -> list[Case]:
    return [first_example(domain)] if domain.dtype == "float64" else []


@clause(
    "logistic.errors.input-dtype",
    "documented",
    mindspore("TypeError: If dtype of input or target is not float16, float32, bfloat16."),
    cases=Fixed(_promised),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_dtypes_are_refused(subject: Subject, case: Case) -> None:
    """TypeError if the input is float64."""
    assert_refused(subject, case, f"an answer for input of dtype {case.dtype}", ("TypeError",))
