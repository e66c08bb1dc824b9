"""The corpus as clauses: what once showed a fault is asked of everybody."""

from __future__ import annotations

import functools

from conformance import corpus
from conformance.case import MARGIN, SOFT, Case
from conformance.clause import both
from conformance.compare import assert_gradient, assert_value
from conformance.sources import FORMULAS
from conformance.strategies import Fixed
from conformance.subject import Subject

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
