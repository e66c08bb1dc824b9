"""Beside the kinks: scores a few units of roundoff to a few thousand on either side of where a maximum begins."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, drawn
from conformance.cases.operator import Operator
from conformance.cases.random_bits import RandomBits
from conformance.judging.compare import assert_gradient, assert_value
from conformance.judging.shared import shared
from conformance.judging.subject import Subject
from reference.formats import Float64

_STEPS = tuple(2.0**power for power in range(12))
"""In units of roundoff: 2^11 is where a number of half the width begins to differ."""


def has_kinks(operator: Operator) -> bool:
    """Whether its formula has a maximum."""
    return "has-kinks" in operator.properties


def _to_kinks(case: Case, bits: RandomBits, domain: Domain) -> Case:
    """Scores at 0, 1 and the options' values, of either sign, and a little beside these.

    A difference of two of them, or one alone, is where the maximum of a margin loss begins.
    """
    own = {abs(float(case.option(option.name))) for option in domain.operator.options}
    places = sorted({0.0, 1.0, *own})
    places = [-place for place in places if place] + places

    def beside(shape: tuple[int, ...]) -> Float64:
        steps = bits.choice((0.0, *_STEPS), shape) * bits.choice((-1.0, 1.0), shape)
        return domain.format.round(bits.choice(places, shape) + steps * domain.format.unit_roundoff)

    return case.replace(**{each.name: beside(np.shape(case[each.name])) for each in case.operator.scores})


@shared(
    "numbers.beside-the-kink",
    "implied",
    "formula",
    why="A positive margin counts however small it is; only rounding may hide it.",
    cases=drawn(scores="plain", labels="plain").then(_to_kinks),
    also=("narrow",),
    applies=has_kinks,
)
def small_margins_count(subject: Subject, case: Case) -> None:
    """Margins of a few units of roundoff are neither taken as zero nor made larger."""
    assert_value(subject, case)


@shared(
    "gradients.beside-the-kink",
    "implied",
    "formula",
    why="The derivative of the formula on the side of the kink on which the score lies; only rounding may hide it.",
    cases=drawn(scores="plain", labels="plain", cotangent=True).then(_to_kinks),
    needs="gradient",
    also=("narrow",),
    applies=has_kinks,
)
def derivatives_know_their_side(subject: Subject, case: Case) -> None:
    """Beside a kink the gradient is that of the score's own side."""
    assert_gradient(subject, case)
