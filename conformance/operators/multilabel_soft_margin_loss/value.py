"""The soft margin loss against its formula: an example, arbitrary cases, reductions, extremes."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import SOFT, Case
from conformance.cases.strategies import Domain, Drawn, Fixed, soft_cases
from conformance.families.shapes import has_one_class
from conformance.families.sources import (
    SOFT_DEFAULT,
    SOFT_DEFAULT_MINDSPORE,
    SOFT_FORMULA,
    SOFT_FORMULA_MINDSPORE,
    SOFT_REDUCTIONS,
    SOFT_WEIGHT,
    SOFT_WEIGHT_MINDSPORE,
    mindspore_soft,
    torch_soft_1_8,
)
from conformance.judging.clause import clause
from conformance.judging.compare import assert_shape, assert_value, assert_within
from conformance.judging.nonfinite import what_came_of, with_special_scores
from conformance.judging.subject import Refused, Subject
from reference.nonfinite import soft_classes


def mindspore_example(domain: Domain) -> list[Case]:
    """The example of MindSpore's page; it prints 0.84693956."""
    return [
        Case(
            operator=SOFT,
            dtype=domain.dtype,
            input=domain.format.round(np.array([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]])),
            target=np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]),
            target_dtype=domain.targets,
            reduction="mean",
        )
    ]


@clause(
    "soft.value.mindspore-example",
    "documented",
    mindspore_soft("input = Tensor([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]])"),
    mindspore_soft("target = Tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])"),
    mindspore_soft("0.84693956"),
    cases=Fixed(mindspore_example),
)
def mindspore_page_example(subject: Subject, case: Case) -> None:
    """The example of MindSpore's page gives 0.84693956 in float32, one unit in the last place from the exact value."""
    assert_value(subject, case, printed=True)


@clause(
    "soft.value.documented-formula",
    "documented",
    SOFT_FORMULA,
    SOFT_FORMULA_MINDSPORE,
    cases=soft_cases(),
)
def rows_follow_the_formula(subject: Subject, case: Case) -> None:
    """The loss of each row is the mean over its classes of the formula's logarithms, for scores up to 8 in magnitude.

    The bound grants the rounding of the page's formula evaluated step by step.
    """
    assert_value(subject, case, printed=True)


@clause("soft.value.sum-of-rows", "documented", SOFT_REDUCTIONS, cases=soft_cases(("sum",)))
def sum_adds_the_rows(subject: Subject, case: Case) -> None:
    """Reduction ``sum`` gives the sum of the rows' losses."""
    assert_value(subject, case, printed=True)


@clause("soft.value.mean-of-rows", "documented", SOFT_REDUCTIONS, cases=soft_cases(("mean",)))
def mean_divides_by_the_rows(subject: Subject, case: Case) -> None:
    """Reduction ``mean`` gives the sum of the rows' losses divided by their number."""
    assert_value(subject, case, printed=True)


@clause(
    "soft.value.default-is-mean",
    "documented",
    SOFT_DEFAULT,
    SOFT_DEFAULT_MINDSPORE,
    cases=soft_cases((None,)),
)
def default_reduction_is_mean(subject: Subject, case: Case) -> None:
    """A reduction that is left out is ``mean``."""
    assert_value(subject, case, printed=True)


@clause(
    "soft.weights.each-class",
    "documented",
    SOFT_WEIGHT,
    SOFT_WEIGHT_MINDSPORE,
    cases=soft_cases(("none", "sum", "mean"), weight=True),
)
def weight_multiplies_each_class(subject: Subject, case: Case) -> None:
    """A weight of size C multiplies the loss of each class, whatever the reduction."""
    assert_value(subject, case, printed=True)


@clause("soft.weights.absent-is-ones", "documented", SOFT_WEIGHT, cases=soft_cases())
def no_weight_is_a_weight_of_ones(subject: Subject, case: Case) -> None:
    """A weight of ones gives the loss that is given without a weight."""
    weighted = case.replace(weight=np.ones(case.classes))

    got = subject.evaluate(weighted)

    assert_within(subject, case, got.value, subject.expected(case, printed=True).value)


@clause(
    "soft.numbers.no-spurious-overflow",
    "implied",
    SOFT_FORMULA,
    why="The loss of a finite score is finite: it lies within log 2 of max(0, -x) or max(0, x).",
    cases=soft_cases(largest=None),
)
def large_scores_have_finite_losses(subject: Subject, case: Case) -> None:
    """Scores of any finite size have the loss of the formula's limit, not an infinity or NaN."""
    assert_value(subject, case, printed=True)


@clause(
    "soft.numbers.small-losses-keep-their-digits",
    "quality",
    SOFT_FORMULA,
    why="log(1 + e^-x) for a large x is small, and log1p keeps its digits where log(1 + ...) loses them.",
    cases=soft_cases(largest=None, classes=1),
    within=has_one_class,
)
def small_losses_keep_their_digits(subject: Subject, case: Case) -> None:
    """A single class with a small loss has it to the relative accuracy of its dtype."""
    assert_value(subject, case)


def _padded_labels() -> Drawn:
    plain = soft_cases()

    def change(case: Case) -> Case:
        target = case.target.copy()
        target[:, -1] = -1.0
        return case.replace(target=target)

    return plain.map(change)


@clause(
    "soft.labels.minus-one",
    "open",
    torch_soft_1_8("Target: (N, C), label targets padded by -1 ensuring same shape as the input."),
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
    x = case.input[:, -1]
    rest = case.replace(input=case.input[:, :-1], target=case.target[:, :-1])
    others = np.zeros(len(x))
    if case.classes > 1:
        others = subject.expected(rest).value.middle * (case.classes - 1) / case.classes
    number = others + (2 * np.logaddexp(0, x) - np.logaddexp(0, -x)) / case.classes
    for words, meant in (("a number in the formula", number), ("padding that adds nothing", others)):
        if np.allclose(
            got.values, meant, rtol=16 * case.classes * case.format.unit_roundoff, atol=64 * case.format.unit_roundoff
        ):
            return words
    return "something else"


@clause(
    "soft.numbers.infinities-and-nan",
    "open",
    SOFT_FORMULA,
    why="No page speaks of infinities or NaN; IEEE 754 and the formula's limit give each result a class.",
    cases=with_special_scores(soft_cases()),
)
def infinities_and_nan(subject: Subject, case: Case) -> str:
    """What infinite and NaN scores make of the loss, where a label and the formula's limit decide it."""
    return what_came_of(subject, case, soft_classes(case.input, case.target.astype(np.float64), None, "none"))
