"""Scores and cotangents up to the largest finite number, where sums may overflow and nothing else may go wrong."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.strategies import Domain, margin_cases, soft_cases
from conformance.families.sources import FORMULAS
from conformance.judging.clause import both
from conformance.judging.compare import assert_gradient, assert_value
from conformance.judging.subject import Subject
from reference.formats import Float64

_SHARES = (1.0, -1.0, 0.5, -0.5, 2.0**-8, -(2.0**-8))


def _large(generator: np.random.Generator, case: Case, shape: tuple[int, ...]) -> Float64:
    """The largest finite number of the case's format and shares of it, of either sign.

    In float64, which the oracle computes in, a thousandth of it.
    """
    largest = case.format.largest * (2.0**-10 if case.dtype == "float64" else 1.0)
    return np.asarray(generator.choice(_SHARES, shape) * largest, dtype=np.float64)


def _large_scores(case: Case, generator: np.random.Generator, domain: Domain) -> Case:
    """Half of the scores as large as can be."""
    del domain
    chosen = generator.random(case.input.shape) < 0.5
    return case.replace(input=np.where(chosen, _large(generator, case, case.input.shape), case.input))


def _large_cotangents(case: Case, generator: np.random.Generator, domain: Domain) -> Case:
    """Scores of any size, and cotangents as large as can be."""
    case = _large_scores(case, generator, domain)
    return case.replace(cotangent=_large(generator, case, case.result_shape))


@both(
    "numbers.up-to-the-largest",
    "implied",
    sources=FORMULAS,
    why="The formula of finite scores is finite; infinity may come only where a sum of its terms overflows.",
    cases={
        MARGIN: margin_cases(("padded", "tail", "duplicates")).then(_large_scores),
        SOFT: soft_cases(weight=True).then(_large_scores),
    },
)
def scores_up_to_the_largest(subject: Subject, case: Case) -> None:
    """Scores up to the largest finite number have the formula's loss, or infinity where its terms add up to more."""
    assert_value(subject, case, printed=True)


@both(
    "gradients.up-to-the-largest",
    "implied",
    sources=FORMULAS,
    why="The derivative is a count or a sigmoid times the cotangent, whatever the scores.",
    cases={
        MARGIN: margin_cases(("padded", "tail", "duplicates")).then(_large_cotangents),
        SOFT: soft_cases().then(_large_cotangents),
    },
    needs="gradient",
)
def cotangents_up_to_the_largest(subject: Subject, case: Case) -> None:
    """Cotangents and scores up to the largest finite number give the formula's gradient, or overflow with it."""
    assert_gradient(subject, case, printed=True)
