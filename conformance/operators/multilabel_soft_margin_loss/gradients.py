"""The gradient of the soft margin loss to its input."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.strategies import soft_cases
from conformance.families.sources import SOFT_FORMULA, SOFT_REDUCTIONS, SOFT_WEIGHT
from conformance.judging.clause import clause
from conformance.judging.compare import assert_gradient
from conformance.judging.subject import Subject


@clause(
    "soft.gradients.of-rows",
    "implied",
    SOFT_FORMULA,
    why="The derivative of the formula: (sigmoid(x) - y) / C times the cotangent.",
    cases=soft_cases(cotangent=True),
    needs="gradient",
)
def gradient_of_each_row(subject: Subject, case: Case) -> None:
    """The gradient is the derivative of each row's loss times its cotangent.

    The bound grants the rounding of the derivative of the page's formula, taken step by step.
    """
    assert_gradient(subject, case, printed=True)


@clause(
    "soft.gradients.of-sum",
    "implied",
    SOFT_REDUCTIONS,
    why="The derivative of the sum of the rows.",
    cases=soft_cases(("sum",), cotangent=True),
    needs="gradient",
)
def gradient_of_the_sum(subject: Subject, case: Case) -> None:
    """The gradient of reduction ``sum`` is the derivative of every row times the cotangent."""
    assert_gradient(subject, case, printed=True)


@clause(
    "soft.gradients.of-mean",
    "implied",
    SOFT_REDUCTIONS,
    why="The derivative of the sum of the rows divided by their number.",
    cases=soft_cases(("mean",), cotangent=True),
    needs="gradient",
)
def gradient_of_the_mean(subject: Subject, case: Case) -> None:
    """The gradient of reduction ``mean`` is the derivative of every row times the cotangent over N."""
    assert_gradient(subject, case, printed=True)


@clause(
    "soft.gradients.weighted",
    "implied",
    SOFT_WEIGHT,
    why="The derivative of the weighted formula: each class's derivative times its weight.",
    cases=soft_cases(weight=True, cotangent=True),
    needs="gradient",
)
def gradient_with_weights(subject: Subject, case: Case) -> None:
    """The gradient of each class is multiplied by the weight of its class."""
    assert_gradient(subject, case, printed=True)


@clause(
    "soft.gradients.of-large-scores",
    "implied",
    SOFT_FORMULA,
    why="The sigmoid of a finite score lies between 0 and 1.",
    cases=soft_cases(largest=None, cotangent=True),
    needs="gradient",
)
def gradient_of_large_scores(subject: Subject, case: Case) -> None:
    """The gradient of scores of any finite size is the formula's, not an infinity or NaN."""
    assert_gradient(subject, case, printed=True)


@clause(
    "soft.gradients.small-derivatives-keep-their-digits",
    "quality",
    SOFT_FORMULA,
    why="The sigmoid has its tail to full relative accuracy as e^x / (1 + e^x), and loses it as a difference from 1.",
    cases=soft_cases(largest=None, cotangent=True),
    needs="gradient",
)
def small_derivatives_keep_their_digits(subject: Subject, case: Case) -> None:
    """A small derivative has the relative accuracy of its dtype, however small it is."""
    assert_gradient(subject, case)
