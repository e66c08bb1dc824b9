"""The soft margin loss exhaustively and at its edges: every label, every half score, fractions, any weight."""

from __future__ import annotations

import itertools

import numpy as np

from conformance.cases.case import SOFT, Case
from conformance.cases.strategies import Domain, Drawn, Fixed, soft_cases
from conformance.families.sources import SOFT_FORMULA, SOFT_SHAPES, SOFT_WEIGHT
from conformance.judging.clause import clause
from conformance.judging.compare import assert_gradient, assert_value
from conformance.judging.nonfinite import INFINITIES, assert_limits, with_special_scores
from conformance.judging.subject import Subject
from reference.formats import Float64
from reference.nonfinite import soft_classes

_SCORES = (-8.0, -1.0, 0.0, 0.5, 8.0)
_COTANGENTS = (1.0, -1.0, 0.5, 2.0, 0.0, -0.375, 3.0)
_MANY_ROWS = 257
_HALF_CALLS = 16
"""Calls for all scores of a 16-bit format with one label: no call is large where a row takes long."""

_LATTICE_WHERE_ROWS_ARE_CHEAP = 3
"""Where the plan has a smaller lattice, a row takes longer than 0.8 ms, and 127,000 would take minutes."""


def _case(domain: Domain, scores: Float64, labels: Float64) -> Case:
    return Case(
        operator=SOFT,
        dtype=domain.dtype,
        input=domain.format.round(scores),
        target=labels,
        target_dtype=domain.targets,
        cotangent=np.resize(_COTANGENTS, len(scores)),
    )


def lattice(domain: Domain) -> list[Case]:
    """For each number of classes one batch: every row of labels 0 and 1 against every row of scores."""
    cases: list[Case] = []
    for classes in range(1, domain.lattice + 1):
        scores = np.array([*itertools.product(_SCORES, repeat=classes)])
        labels = np.array([*itertools.product((0.0, 1.0), repeat=classes)])
        cases.append(_case(domain, np.tile(scores, (len(labels), 1)), np.repeat(labels, len(scores), axis=0)))
    return cases


def half_scores(domain: Domain) -> list[Case]:
    """Every finite score of a 16-bit format, with the label 0 and with the label 1, a few thousand in a call."""
    if domain.dtype not in ("float16", "bfloat16") or domain.lattice < _LATTICE_WHERE_ROWS_ARE_CHEAP:
        return []
    bits = np.arange(1 << 16, dtype=np.uint16)
    halves = bits.view(np.float16) if domain.dtype == "float16" else (bits.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(invalid="ignore"):  # signalling NaNs, which go at once
        scores = halves.astype(np.float64)
    finite = scores[np.isfinite(scores)][:, np.newaxis]
    return [
        _case(domain, part, np.full(part.shape, label))
        for label in (0.0, 1.0)
        for part in np.split(finite, _HALF_CALLS)
    ]


@clause("soft.value.lattice", "documented", SOFT_FORMULA, cases=Fixed(lattice, whole=False))
def every_label_against_every_score(subject: Subject, case: Case) -> None:
    """Every row of labels 0 and 1 has the formula's loss against every row of a few scores."""
    assert_value(subject, case, printed=True)


@clause(
    "soft.gradients.lattice",
    "implied",
    SOFT_FORMULA,
    why="The derivative of the formula on the same rows.",
    cases=Fixed(lattice, whole=False),
    needs="gradient",
)
def every_derivative(subject: Subject, case: Case) -> None:
    """Every row of labels 0 and 1 has the formula's gradient against every row of a few scores."""
    assert_gradient(subject, case, printed=True)


@clause(
    "soft.numbers.every-half-score",
    "implied",
    SOFT_FORMULA,
    why="A 16-bit format has so few scores that all of them can be asked.",
    cases=Fixed(half_scores, whole=False),
)
def every_score_of_a_half_format(subject: Subject, case: Case) -> None:
    """Every finite float16 or bfloat16 score has its loss, for the label 0 and for the label 1."""
    assert_value(subject, case, printed=True)


@clause(
    "soft.gradients.every-half-score",
    "quality",
    SOFT_FORMULA,
    why="A 16-bit format has so few scores that all of them can be asked, to the accuracy of the stable form.",
    cases=Fixed(half_scores, whole=False),
    needs="gradient",
)
def every_derivative_of_a_half_format(subject: Subject, case: Case) -> None:
    """Every finite float16 or bfloat16 score has its derivative, for the label 0 and for the label 1."""
    assert_gradient(subject, case)


def many_rows(domain: Domain) -> list[Case]:
    """More rows than a block of threads, an unrolled loop or a page of a kernel has."""
    generator = np.random.default_rng(1)
    scores = generator.integers(-32, 33, (_MANY_ROWS, 3)) / 8
    return [_case(domain, scores, generator.integers(0, 2, scores.shape).astype(np.float64))]


@clause("soft.shapes.many-rows", "documented", SOFT_SHAPES, cases=Fixed(many_rows, whole=False))
def every_row_of_a_large_batch(subject: Subject, case: Case) -> None:
    """In a batch of 257 rows each row has the formula's loss."""
    assert_value(subject, case, printed=True)


def square(domain: Domain) -> list[Case]:
    """As many rows as classes, and a weight of the size of both."""
    scores = np.array([[0.25, 0.5, -1.0], [1.5, 0.0, 0.75], [-0.25, 2.0, 0.5]])
    labels = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    return [_case(domain, scores, labels).replace(weight=np.array([1.0, 2.0, 0.5]))]


@clause("soft.shapes.as-many-rows-as-classes", "documented", SOFT_SHAPES, cases=Fixed(square, whole=False))
def rows_are_not_classes(subject: Subject, case: Case) -> None:
    """In a batch of as many rows as classes each row has the formula's loss, each class its weight."""
    assert_value(subject, case, printed=True)


def _fractions() -> Drawn:
    """Labels strictly between 0 and 1, most of them near one of the two."""

    def change(case: Case, generator: np.random.Generator, domain: Domain) -> Case:
        steps = 1 + np.floor(np.abs(case.input) * 16).astype(np.int64) % (case.format.precision - 1)
        case = case.replace(target=np.abs(case.target - 2.0**-steps))
        if domain.shapes or generator.integers(2):
            return case
        return case.replace(input=case.input[:, :1], target=case.target[:, :1])  # no other class hides its error

    return soft_cases().then(change)


def _has_fractions(case: Case) -> bool:
    """Whether every label lies strictly between 0 and 1."""
    return bool(((case.target > 0) & (case.target < 1)).all())


@clause(
    "soft.labels.fractions",
    "quality",
    SOFT_FORMULA,
    why="The pages say 0 and 1; the formula has a meaning between them, which smoothed labels use.",
    cases=_fractions(),
    within=_has_fractions,
)
def fractional_labels_follow_the_formula(subject: Subject, case: Case) -> None:
    """Labels between 0 and 1 have the formula's loss, to the accuracy of the stable form."""
    assert_value(subject, case)


def _negative_weights() -> Drawn:
    drawn = soft_cases(("none", "sum", "mean"), weight=True, cotangent=True)

    def change(case: Case) -> Case:
        weight = np.ones(case.classes) if case.weight is None else np.where(case.weight == 0, 1.0, case.weight)
        return case.replace(weight=np.where(np.arange(case.classes) % 2 == 0, -weight, weight))

    return drawn.map(change)


def _has_negative_weight(case: Case) -> bool:
    """Whether a weight is below 0."""
    return case.weight is not None and bool((case.weight < 0).any())


@clause(
    "soft.weights.any-sign",
    "implied",
    SOFT_WEIGHT,
    why="A rescaling weight is a factor of the loss of its class; the page gives it no sign.",
    cases=_negative_weights(),
    within=_has_negative_weight,
)
def negative_weights_multiply_too(subject: Subject, case: Case) -> None:
    """A weight below 0 multiplies the loss of its class like any other."""
    assert_value(subject, case, printed=True)


@clause(
    "soft.numbers.infinite-scores",
    "quality",
    SOFT_FORMULA,
    why="Where IEEE 754 and the formula's limit agree on what an infinite score gives, it is that.",
    cases=with_special_scores(soft_cases(), INFINITIES),
)
def infinite_scores_have_their_limit(subject: Subject, case: Case) -> None:
    """An infinite score that its label contradicts gives an infinite loss."""
    assert_limits(subject, case, soft_classes(case.input, case.target.astype(np.float64), None, "none"))
