"""The corpus as clauses: what once showed a fault is asked of everybody."""

from __future__ import annotations

import functools

from conformance.cases import corpus
from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.strategies import Fixed
from conformance.families.sources import FORMULAS
from conformance.judging.clause import both
from conformance.judging.compare import assert_gradient, assert_value
from conformance.judging.subject import Subject

_CORPUS = {operator: Fixed(functools.partial(corpus.cases, operator)) for operator in (MARGIN, SOFT)}


@both(
    "value.corpus",
    "implied",
    sources=FORMULAS,
    why="The formula, on cases that once showed a fault.",
    cases=_CORPUS,
)
def frozen_cases_have_the_formulas_loss(subject: Subject, case: Case) -> None:
    """Each case of the corpus has the formula's loss."""
    assert_value(subject, case, printed=True)


@both(
    "gradients.corpus",
    "implied",
    sources=FORMULAS,
    why="The derivative of the formula, on cases that once showed a fault.",
    cases=_CORPUS,
    needs="gradient",
)
def frozen_cases_have_the_formulas_gradient(subject: Subject, case: Case) -> None:
    """Each case of the corpus has the formula's gradient."""
    assert_gradient(subject, case, printed=True)
