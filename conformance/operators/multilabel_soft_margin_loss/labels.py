"""The soft margin loss and a label of -1, of which one version of a page speaks."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Drawn, drawn
from conformance.judging.answers import Refused
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import assert_shape
from conformance.judging.subject import Subject
from conformance.operators.multilabel_soft_margin_loss import OPERATOR
from conformance.operators.multilabel_soft_margin_loss.pages import torch_1_8

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


def _padded_labels() -> Drawn:
    plain = drawn(scores="plain")

    def change(case: Case) -> Case:
        target = case["target"].copy()
        target[:, -1] = -1.0
        return case.replace(target=target)

    return plain.map(change)


@clause(
    "soft.labels.minus-one",
    "open",
    torch_1_8("Target: (N, C), label targets padded by -1 ensuring same shape as the input."),
    why="One version of a page speaks of padding by -1, the formula of labels 0 and 1 only.",
    cases=_padded_labels(),
)
def labels_of_minus_one(subject: Subject, case: Case) -> str:
    """What a label of -1 does: it is a number in the formula, it is padding, or it is refused."""
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        return f"refused: {refused.signature}"
    assert_shape(got, case.result_shape)
    x = case["input"][:, -1]
    rest = case.replace(input=case["input"][:, :-1], target=case["target"][:, :-1])
    others = np.zeros(len(x))
    if case.classes > 1:
        others = subject.expected_loss(rest).middle * (case.classes - 1) / case.classes
    number = others + (2 * np.logaddexp(0, x) - np.logaddexp(0, -x)) / case.classes
    for words, meant in (("a number in the formula", number), ("padding that adds nothing", others)):
        if np.allclose(
            got.values, meant, rtol=16 * case.classes * case.format.unit_roundoff, atol=64 * case.format.unit_roundoff
        ):
            return words
    return "something else"
