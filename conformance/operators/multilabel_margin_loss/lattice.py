"""The margin loss on every target and a small grid of scores: nothing is left to chance, and almost nothing rounds."""

from __future__ import annotations

import itertools

import numpy as np

from conformance.cases.case import MARGIN, Case
from conformance.cases.strategies import Domain, Fixed
from conformance.families.sources import MARGIN_BLOCK, MARGIN_FORMULA
from conformance.judging.clause import clause
from conformance.judging.compare import assert_gradient, assert_value
from conformance.judging.subject import Subject

_SCORES = (-1.0, -0.25, 0.0, 0.75, 1.0)
_FEWER_SCORES = (-0.25, 0.0, 0.75)
_COTANGENTS = (1.0, -1.0, 0.5, 2.0, 0.0, -0.375, 3.0)


def lattice(domain: Domain) -> list[Case]:
    """For each number of classes one batch: every target over -1 and the classes, against every row of scores."""
    return [_lattice_of(domain, classes) for classes in range(1, domain.lattice + 1)]


def _lattice_of(domain: Domain, classes: int) -> Case:
    grid = _SCORES if classes < 5 else _FEWER_SCORES
    scores = np.array([*itertools.product(grid, repeat=classes)])
    targets = np.array([*itertools.product(range(-1, classes), repeat=classes)], dtype=np.int64)
    rows = len(scores) * len(targets)
    return Case(
        operator=MARGIN,
        dtype=domain.dtype,
        input=np.tile(scores, (len(targets), 1)),
        target=np.repeat(targets, len(scores), axis=0),
        target_dtype=domain.targets,
        cotangent=np.resize(_COTANGENTS, rows),
    )


@clause(
    "margin.value.lattice",
    "documented",
    MARGIN_FORMULA,
    MARGIN_BLOCK,
    cases=Fixed(lattice, whole=False),
)
def every_target_against_every_score(subject: Subject, case: Case) -> None:
    """On dyadic scores every target, valid or not in its tail, has the formula's loss.

    With a number of classes that is a power of two nothing rounds, and the comparison is of bits.
    """
    assert_value(subject, case)


@clause(
    "margin.gradients.lattice",
    "implied",
    MARGIN_FORMULA,
    why="The derivative of the formula on the same rows, at ties any subgradient.",
    cases=Fixed(lattice, whole=False),
    needs="gradient",
)
def every_derivative(subject: Subject, case: Case) -> None:
    """On dyadic scores every target has the formula's gradient, bit for bit where nothing rounds."""
    assert_gradient(subject, case)
