"""The margin loss of rows with many labels, for which fast implementations sort and search instead of pairing."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.cases.random_bits import RandomBits
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import assert_gradient, assert_value, assert_within
from conformance.judging.nonfinite import assert_limits
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss import OPERATOR
from conformance.operators.multilabel_margin_loss.pages import FORMULA
from reference.formats import Float64
from reference.nonfinite import margin_classes

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)

_FEW_SHAPES = ((130, 100),)
_CLASSES_AND_LABELS = (*_FEW_SHAPES, (300, 290), (300, 150))


def many_labels(domain: Domain) -> list[Case]:
    """Rows of ties, of scores apart from each other and of scores far from 0; some labels twice, some behind a -1."""
    found: list[Case] = []
    for classes, labels in _FEW_SHAPES if domain.shapes else _CLASSES_AND_LABELS:
        if classes > max(domain.classes, _FEW_SHAPES[0][0]):
            continue
        bits = RandomBits(classes + labels)
        ties = bits.integers(-8, 9, (classes,)) / 4
        apart = np.ldexp(8 * bits.fractions((classes,)) - 4, bits.integers(-8, 9, (classes,)))
        distant = 8 * bits.fractions((classes,)) - 4 + 1000.0 * bits.integers(-1, 2, (classes,))
        found += [_case(domain, scores, labels, bits) for scores in (ties, apart, distant)]
    return found


def _case(domain: Domain, scores: Float64, labels: int, bits: RandomBits) -> Case:
    """One row, whose labels are a few twice; what stands behind the -1 names classes too."""
    target = bits.permutation(len(scores))
    target[labels - 8 : labels] = target[:8]
    target[labels] = -1
    return domain.case(input=domain.format.round(scores[np.newaxis]), target=target[np.newaxis].astype(np.int64))


def with_infinities(domain: Domain) -> list[Case]:
    """Rows of ties, of which half precision can hold the sum, with an infinity at a target, another class, or both."""
    found: list[Case] = []
    for case in many_labels(domain)[:4:3]:
        others = np.setdiff1d(np.arange(case.classes), case["target"][0, : np.flatnonzero(case["target"][0] < 0)[0]])
        for at_target, at_other in ((np.inf, 0.0), (-np.inf, 0.0), (0.0, np.inf), (0.0, -np.inf), (np.inf, -np.inf)):
            input = case["input"].copy()
            input[0, case["target"][0, 40]] = at_target
            input[0, others[3]] = at_other
            found.append(case.replace(input=input))
    return found


@clause(
    "margin.labels.many-labels",
    "implied",
    FORMULA,
    why="The formula knows no largest number of labels.",
    cases=Fixed(many_labels, whole=False, long=True),
)
def losses_of_many_labels(subject: Subject, case: Case) -> None:
    """A row of hundreds of labels has the formula's loss: ties, duplicates, scores far apart and far from 0.

    So has the loss of a call that asks for the gradient too, which may take another way.
    """
    assert_value(subject, case)
    if "gradient" in subject.offers:
        beside = subject.evaluate(case, "gradient").value
        assert_within(subject, case, beside, subject.expected_loss(case))


@clause(
    "margin.gradients.many-labels",
    "implied",
    FORMULA,
    why="The derivative of the formula, whatever the number of labels.",
    cases=Fixed(many_labels, whole=False, long=True),
    needs="gradient",
)
def derivatives_of_many_labels(subject: Subject, case: Case) -> None:
    """A row of hundreds of labels has the formula's gradient."""
    assert_gradient(subject, case)


@clause(
    "margin.numbers.many-labels-infinite-scores",
    "quality",
    FORMULA,
    why="Where no two infinities meet, IEEE 754 and the formula's limit agree on what the loss is.",
    cases=Fixed(with_infinities, whole=False, long=True),
    also=("narrow",),
)
def infinite_scores_among_many_labels(subject: Subject, case: Case) -> None:
    """An infinite score among many labels gives an infinite loss, or adds nothing, as the formula's limit says."""
    assert_limits(subject, case, margin_classes(case["input"], case["target"].astype(np.int64), "none"))
