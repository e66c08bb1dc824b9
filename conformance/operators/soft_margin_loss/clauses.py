"""What is special to the two-class logistic loss: its symmetry, and what MindSpore's page promises."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed, drawn
from conformance.families.value import first_example
from conformance.judging.clause import MINDSPORE_NATIVE, Clause, clauses_of
from conformance.judging.compare import assert_refused, assert_same_bits
from conformance.judging.subject import Subject
from conformance.operators.soft_margin_loss import OPERATOR
from conformance.operators.soft_margin_loss.pages import FORMULA, mindspore

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
    also=("narrow",),
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
    also=("narrow",),
)
def other_dtypes_are_refused(subject: Subject, case: Case) -> None:
    """TypeError if the input is float64."""
    assert_refused(subject, case, f"an answer for input of dtype {case.dtype}", ("TypeError",))
