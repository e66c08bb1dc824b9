"""Derivatives beyond the gradient, where they are offered: accumulated, forward, second, per row."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.strategies import margin_cases, soft_cases
from conformance.families.sources import FORMULAS
from conformance.judging.clause import both
from conformance.judging.compare import assert_shape, assert_within
from conformance.judging.subject import Subject
from reference.enclosure import Enclosure
from reference.formats import Float64
from reference.sums import along, shifted

_PATTERN = (1.0, -1.0, 0.5, -2.0, 0.25, 3.0)


def pattern(case: Case, start: int = 0) -> Float64:
    """Dyadic numbers of either sign, of the input's shape."""
    return np.resize(np.roll(_PATTERN, start), case.input.shape)


@both(
    "gradients.accumulated",
    "implied",
    sources=FORMULAS,
    why="A gradient is added to the one that is there.",
    cases={MARGIN: margin_cases(cotangent=True), SOFT: soft_cases(cotangent=True)},
    needs="accumulated",
)
def gradients_are_added_up(subject: Subject, case: Case) -> None:
    """Where the input holds a gradient already, backward adds to it."""
    held = pattern(case)
    got = subject.derived(case, "accumulated", held=held)

    assert_shape(got, case.input.shape)
    gradient = subject.expected(case, printed=True).gradient
    assert_within(subject, case, got, shifted(gradient, held, subject.arithmetic))


@both(
    "gradients.forward",
    "implied",
    sources=FORMULAS,
    why="The directional derivative is the gradient times the direction.",
    cases={MARGIN: margin_cases(), SOFT: soft_cases()},
    needs="forward",
)
def forward_mode(subject: Subject, case: Case) -> None:
    """Forward mode gives each row's derivative along a direction, at ties along a subgradient."""
    tangent = pattern(case, 1)
    got = subject.derived(case, "forward", tangent=tangent)

    assert_shape(got, case.result_shape)
    gradient = subject.expected(case, printed=True).gradient
    assert_within(subject, case, got, along(gradient, tangent, case.classes, subject.arithmetic))


@both(
    "gradients.jacobian",
    "implied",
    sources=FORMULAS,
    why="The derivative of each row's loss is its gradient for the cotangent 1, and 0 by every other row.",
    cases={MARGIN: margin_cases(), SOFT: soft_cases()},
    needs="jacobian",
)
def derivative_of_each_row(subject: Subject, case: Case) -> None:
    """The Jacobian of the losses holds each row's gradient, and exactly 0 by every other row's scores."""
    got = subject.derived(case, "jacobian")
    rows = len(case.input)
    assert_shape(got, (rows, *case.input.shape))

    gradient = subject.expected(case, printed=True).gradient
    assert_within(subject, case, got, _on_the_diagonal(gradient))


def _on_the_diagonal(gradient: Enclosure) -> Enclosure:
    """Rows (N, C) as blocks of an (N, N, C) array that is 0 elsewhere."""

    def spread(part: Float64) -> Float64:
        blocks = np.zeros((len(part), *part.shape))
        blocks[np.arange(len(part)), np.arange(len(part))] = part
        return blocks

    parts = (gradient.low, gradient.high, gradient.bound, gradient.reach, gradient.depth, gradient.middle)
    return Enclosure(*map(spread, parts))
