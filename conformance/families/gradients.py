"""Gradients: the derivative of the formula, a subgradient at its kinks; further derivatives where they are offered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed, drawn
from conformance.cases.lattice import lattice
from conformance.cases.random_bits import RandomBits
from conformance.families.numbers import assert_no_overflow, large, with_large_scores
from conformance.families.shapes import sometimes_weighted, unbatched
from conformance.families.value import FROZEN, lattice_exists
from conformance.judging.answers import Refused
from conformance.judging.compare import Deviation, assert_gradient, assert_shape, assert_within, numbers
from conformance.judging.shared import shared
from conformance.judging.subject import Subject
from reference.enclosure import Enclosure
from reference.formats import Float64
from reference.sums import along, shifted

_PATTERN = (1.0, -1.0, 0.5, -2.0, 0.25, 3.0)


def pattern(case: Case, start: int = 0) -> Float64:
    """Dyadic numbers of either sign, of the shape of the first argument."""
    return np.resize(np.roll(_PATTERN, start), case.first.shape)


@shared(
    "gradients.of-rows",
    "implied",
    "formula",
    why="The derivative of the formula.",
    cases=drawn(scores="plain", options="many", cotangent=True),
    needs="gradient",
    also=("narrow", "wrapped"),
)
def gradient_of_each_row(subject: Subject, case: Case) -> None:
    """The gradient is the derivative of each loss times its cotangent, at kinks a subgradient.

    The bound grants the rounding of the derivative of the page's formula, taken step by step.
    """
    assert_gradient(subject, case, as_documented=True)


@shared(
    "gradients.of-sum",
    "implied",
    "reductions",
    why="The derivative of the sum of the losses.",
    cases=drawn(("sum",), scores="plain", options="many", cotangent=True),
    needs="gradient",
)
def gradient_of_the_sum(subject: Subject, case: Case) -> None:
    """The gradient of reduction ``sum`` is the derivative of every loss times the cotangent."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "gradients.of-mean",
    "implied",
    "reductions",
    why="The derivative of the sum of the losses divided by their number.",
    cases=drawn(("mean", None), scores="plain", options="many", cotangent=True),
    needs="gradient",
)
def gradient_of_the_mean(subject: Subject, case: Case) -> None:
    """Reduction ``mean``, named or left out, gives the mean of the derivatives, each times the cotangent."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "gradients.unbatched",
    "implied",
    "shapes",
    why="The derivative of the loss of one row, which is the sum and the mean of its batch.",
    cases=unbatched(sometimes_weighted(("sum", "mean", None), cotangent=True)),
    needs="gradient",
    applies=lambda operator: operator.unbatched,
    spares=lambda operator: operator.batched_in,
)
def gradient_without_batch(subject: Subject, case: Case) -> None:
    """A row without batch axis has the gradient of the formula, which no mean divides by the number of classes."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "gradients.unbatched-none",
    "implied",
    "formula",
    why="The derivative of the losses of one row; that they have a derivative here may be refused.",
    cases=unbatched(sometimes_weighted(("none",), cotangent=True)),
    needs="gradient",
    applies=lambda operator: operator.unbatched,
)
def gradient_of_one_row_without_batch(subject: Subject, case: Case) -> None:
    """A row without batch axis and reduction ``none`` has the derivative of the formula, or is refused."""
    try:
        assert_gradient(subject, case, as_documented=True)
    except Refused:
        return


@shared(
    "gradients.lattice",
    "implied",
    "formula",
    why="The derivative of the formula on the rows of the lattice, at kinks any subgradient.",
    cases=Fixed(lattice, whole=False),
    needs="gradient",
    applies=lattice_exists,
)
def every_derivative(subject: Subject, case: Case) -> None:
    """On a small grid of scores every target has the formula's gradient; where nothing rounds, bit for bit."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "gradients.corpus",
    "implied",
    "formula",
    why="The derivative of the formula, on cases that once showed a fault.",
    cases=FROZEN,
    needs="gradient",
)
def frozen_cases_have_the_formulas_gradient(subject: Subject, case: Case) -> None:
    """Each case of the corpus has the formula's gradient."""
    assert_gradient(subject, case, as_documented=True)


def _large_cotangents(case: Case, bits: RandomBits, domain: Domain) -> Case:
    """Scores of any size, and cotangents as large as can be."""
    case = with_large_scores(case, bits, domain)
    return case.replace(cotangent=large(bits, case, case.result_shape))


@shared(
    "gradients.up-to-the-largest",
    "implied",
    "formula",
    why="The derivative is finite, and so is its product with a cotangent, unless that overflows.",
    cases=drawn(scores="plain").then(_large_cotangents),
    needs="gradient",
)
def cotangents_up_to_the_largest(subject: Subject, case: Case) -> None:
    """Cotangents and scores up to the largest finite number give the formula's gradient, or overflow with it."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "gradients.of-large-scores",
    "implied",
    "formula",
    why="The derivative of the formula is finite at every finite score.",
    cases=drawn(cotangent=True),
    needs="gradient",
    also=("narrow",),
    applies=lambda operator: "grows-like-its-scores" in operator.properties,
)
def gradient_of_large_scores(subject: Subject, case: Case) -> None:
    """The gradient of scores of any finite size is the formula's, not an infinity or NaN.

    What is below the smallest normal number may be lost: 1 / (1 + e^-x) is 0 if e^-x overflows.
    """
    assert_no_overflow(subject.evaluate(case, "gradient").gradient, subject.expected(case).gradient, case)
    assert_gradient(replace(subject, flushes=True), case, as_documented=True)


@shared(
    "gradients.small-derivatives-keep-their-digits",
    "quality",
    "formula",
    why="The sigmoid has its tail to full relative accuracy as e^x / (1 + e^x), and loses it as a difference from 1.",
    cases=drawn(cotangent=True),
    needs="gradient",
    applies=lambda operator: "grows-like-its-scores" in operator.properties,
)
def small_derivatives_keep_their_digits(subject: Subject, case: Case) -> None:
    """A small derivative has the relative accuracy of its dtype, however small it is."""
    assert_gradient(subject, case)


@shared(
    "gradients.sum-to-zero",
    "implied",
    "formula",
    why="Only differences of scores stand in the formula: what one score gives, others take.",
    cases=drawn(("none", "sum", "mean"), cotangent=True),
    needs="gradient",
    applies=lambda operator: "translation-invariant" in operator.properties,
)
def derivatives_of_a_row_cancel(subject: Subject, case: Case) -> None:
    """The gradient of each row adds up to 0 over its scores, within the bounds of its elements."""
    gradients = subject.evaluate(case, "gradient").gradients
    expected = subject.expected(case, as_documented=True).gradients
    sums, allowed, size = (np.zeros(case.rows) for _ in range(3))
    for name, got in gradients.items():
        assert_shape(got, case[name].shape)
        bound, rows = expected[name], (case.rows, -1)
        sums += got.values.reshape(rows).sum(axis=-1)
        allowed += (bound.bound + (bound.high - bound.low)).reshape(rows).sum(axis=-1) * (1 + 2.0**-40)
        size += np.abs(bound.middle).reshape(rows).sum(axis=-1)
    wrong = ~(np.abs(sums) <= allowed + (size + allowed) * case.first.size * 2.0**-52)
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        raise Deviation(f"sums of 0, within {numbers(allowed[wrong])}", numbers(sums[wrong]), row=row)


@shared(
    "gradients.accumulated",
    "implied",
    "formula",
    why="A gradient is added to the one that is there.",
    cases=drawn(scores="plain", cotangent=True),
    needs="accumulated",
)
def gradients_are_added_up(subject: Subject, case: Case) -> None:
    """If the input holds a gradient already, backward adds to it."""
    held = pattern(case)
    got = subject.derived(case, "accumulated", held=held)

    assert_shape(got, case.first.shape)
    gradient = subject.expected(case, as_documented=True).gradient
    assert_within(subject, case, got, shifted(gradient, held, subject.arithmetic))


@shared(
    "gradients.forward",
    "implied",
    "formula",
    why="The directional derivative is the gradient times the direction.",
    cases=drawn(scores="plain"),
    needs="forward",
)
def forward_mode(subject: Subject, case: Case) -> None:
    """Forward mode gives each loss's derivative along a direction, at kinks along a subgradient."""
    tangent = pattern(case, 1)
    got = subject.derived(case, "forward", tangent=tangent)

    assert_shape(got, case.result_shape)
    gradient = subject.expected(case, as_documented=True).gradient
    inner = case.first.ndim - len(case.result_axes)
    if inner == 0:
        gradient, tangent = gradient.reshape((*case.first.shape, 1)), tangent[..., np.newaxis]
    assert_within(subject, case, got, along(gradient, tangent, max(case.classes, 1), subject.arithmetic))


@shared(
    "gradients.jacobian",
    "implied",
    "formula",
    why="The derivative of each loss is its gradient for the cotangent 1, and 0 by every other row.",
    cases=drawn(scores="plain"),
    needs="jacobian",
)
def derivative_of_each_row(subject: Subject, case: Case) -> None:
    """The Jacobian of the losses holds the gradient of each, and exactly 0 by the scores of every other."""
    got = subject.derived(case, "jacobian")
    assert_shape(got, (*case.result_shape, *case.first.shape))

    gradient = subject.expected(case, as_documented=True).gradient
    assert_within(subject, case, got, _on_the_diagonal(gradient, len(case.result_shape)))


def _on_the_diagonal(gradient: Enclosure, axes: int) -> Enclosure:
    """The gradient of each of the losses, whose axes come first, as blocks of an array that is 0 elsewhere."""

    def spread(part: Float64) -> Float64:
        losses, rest = part.shape[:axes], part.shape[axes:]
        count = int(np.prod(losses))
        blocks = np.zeros((count, count, *rest))
        blocks[np.arange(count), np.arange(count)] = part.reshape(count, *rest)
        return blocks.reshape(*losses, *losses, *rest)

    parts = (gradient.low, gradient.high, gradient.bound, gradient.reach, gradient.depth, gradient.middle)
    return Enclosure(*map(spread, parts))
