"""The soft margin loss at its edges: every half score, fractional labels."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, Fixed, drawn
from conformance.cases.random_bits import RandomBits
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import assert_gradient, assert_value
from conformance.judging.subject import Subject
from conformance.operators.multilabel_soft_margin_loss import OPERATOR
from conformance.operators.multilabel_soft_margin_loss.pages import (
    FORMULA,
)
from reference.formats import Float64

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)

_COTANGENTS = (1.0, -1.0, 0.5, 2.0, 0.0, -0.375, 3.0)
_HALF_CALLS = 16
"""Calls for all scores of a 16-bit format with one label: no call is large where a row takes long."""

_LATTICE_WHERE_ROWS_ARE_CHEAP = 3
"""Where the plan has a smaller lattice, a row takes longer than 0.8 ms, and 127,000 would take minutes."""


def _case(domain: Domain, scores: Float64, labels: Float64) -> Case:
    upstream = np.resize(_COTANGENTS, len(scores))
    return domain.case(input=domain.format.round(scores), target=labels, cotangent=upstream)


def half_scores(domain: Domain) -> list[Case]:
    """Every finite score of a 16-bit format, with the label 0 and with the label 1, a few thousand in a call."""
    if domain.dtype not in ("float16", "bfloat16") or domain.lattice < _LATTICE_WHERE_ROWS_ARE_CHEAP:
        return []
    patterns = np.arange(1 << 16, dtype=np.uint16)
    wide = (patterns.astype(np.uint32) << 16).view(np.float32)
    halves = patterns.view(np.float16) if domain.dtype == "float16" else wide
    with np.errstate(invalid="ignore"):  # signalling NaNs, which go at once
        scores = halves.astype(np.float64)
    finite = scores[np.isfinite(scores)][:, np.newaxis]
    return [
        _case(domain, part, np.full(part.shape, label))
        for label in (0.0, 1.0)
        for part in np.split(finite, _HALF_CALLS)
    ]


@clause(
    "soft.numbers.every-half-score",
    "implied",
    FORMULA,
    why="A 16-bit format has so few scores that all of them can be asked.",
    cases=Fixed(half_scores, whole=False),
    also=("narrow",),
)
def every_score_of_a_half_format(subject: Subject, case: Case) -> None:
    """Every finite float16 or bfloat16 score has its loss, for the label 0 and for the label 1."""
    assert_value(subject, case, as_documented=True)


@clause(
    "soft.gradients.every-half-score",
    "quality",
    FORMULA,
    why="A 16-bit format has so few scores that all of them can be asked, to the accuracy of the stable form.",
    cases=Fixed(half_scores, whole=False),
    needs="gradient",
)
def every_derivative_of_a_half_format(subject: Subject, case: Case) -> None:
    """Every finite float16 or bfloat16 score has its derivative, for the label 0 and for the label 1."""
    assert_gradient(subject, case)


def _fractions() -> Drawn:
    """Labels strictly between 0 and 1, most of them near one of the two."""

    def change(case: Case, bits: RandomBits, domain: Domain) -> Case:
        steps = 1 + np.floor(np.abs(case["input"]) * 16).astype(np.int64) % (case.format.precision - 1)
        case = case.replace(target=np.abs(case["target"] - 2.0**-steps))
        if domain.shapes or bits.integer(0, 2):
            return case
        return case.replace(input=case["input"][:, :1], target=case["target"][:, :1])  # no other class hides its error

    return drawn(scores="plain").then(change)


def _has_fractions(case: Case) -> bool:
    """Whether every label lies strictly between 0 and 1."""
    return bool(((case["target"] > 0) & (case["target"] < 1)).all())


@clause(
    "soft.labels.fractions",
    "quality",
    FORMULA,
    why="The pages say 0 and 1; the formula has a meaning between them, which smoothed labels use.",
    cases=_fractions(),
    keeps=_has_fractions,
)
def fractional_labels_follow_the_formula(subject: Subject, case: Case) -> None:
    """Labels between 0 and 1 have the formula's loss, to the accuracy of the stable form."""
    assert_value(subject, case)
