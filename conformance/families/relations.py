"""What the formulas imply about losses among each other: sign, convexity, monotony."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.strategies import margin_cases, on_grid, soft_cases
from conformance.families.sources import FORMULAS
from conformance.judging.clause import both
from conformance.judging.compare import Deviation, assert_same_bits, assert_shape, numbers
from conformance.judging.subject import Subject
from reference.enclosure import Enclosure
from reference.formats import Float64
from reference.pairs import label_block

_STEP = 0.25
_ON_GRID = {MARGIN: margin_cases().map(on_grid), SOFT: soft_cases().map(on_grid)}


@both(
    "value.not-negative",
    "implied",
    sources=FORMULAS,
    why="No term of the sum is negative.",
    cases={MARGIN: margin_cases(reductions=("none", "sum")), SOFT: soft_cases(("none", "sum"), largest=None)},
)
def losses_are_not_negative(subject: Subject, case: Case) -> None:
    """No loss is below 0."""
    got = subject.evaluate(case).value.values

    if (got < 0).any():
        raise Deviation("no loss below 0", numbers(got[got < 0]))


@both(
    "value.convex",
    "implied",
    sources=FORMULAS,
    why="A maximum of linear functions is convex, and so is log(1 + e^x).",
    cases=_ON_GRID,
)
def convex_along_segments(subject: Subject, case: Case) -> None:
    """Half-way between two rows of scores the loss is not above the mean of their losses, within the bounds of all."""
    one, other = case, case.replace(input=-np.roll(case.input, 1, axis=1))
    half = case.replace(input=(one.input + other.input) / 2)

    ends = (_loss(subject, one) + _loss(subject, other)) / 2
    middle = _loss(subject, half)

    allowed = _doubt(subject, half) + (_doubt(subject, one) + _doubt(subject, other)) / 2
    _assert_at_most(middle, ends, allowed, "at most the mean of the losses at the ends")


@both(
    "value.monotone",
    "implied",
    sources=FORMULAS,
    why="Each term falls with the score of a label and rises with any other score.",
    cases=_ON_GRID,
)
def rises_with_wrong_scores(subject: Subject, case: Case) -> None:
    """Where scores of labels fall and the other scores rise, the loss does not fall, beyond the bounds of both."""
    worse = case.replace(input=case.input + _STEP * _away(case))

    before, after = _loss(subject, case), _loss(subject, worse)

    _assert_at_most(before, after, _doubt(subject, case) + _doubt(subject, worse), "at most the loss of worse scores")


def _away(case: Case) -> Float64:
    """For each score the direction in which the loss does not fall."""
    if case.operator == SOFT:
        return np.asarray(1.0 - 2.0 * case.target, dtype=np.float64)
    target = case.target.astype(np.int64)
    direction = np.ones(case.input.shape)
    for row, place in np.argwhere(label_block(target)).tolist():
        direction[row, target[row, place]] = -1.0
    return direction


def _loss(subject: Subject, case: Case) -> Float64:
    got = subject.evaluate(case).value
    assert_shape(got, case.result_shape)
    return got.values


def _doubt(subject: Subject, case: Case) -> Float64:
    """How far a loss may be from the truth."""
    expected: Enclosure = subject.expected(case, printed=True).value
    return expected.bound + (expected.high - expected.low)


def _assert_at_most(got: Float64, other: Float64, allowed: Float64, what: str) -> None:
    wrong = ~(got - other <= allowed * (1 + 2.0**-50))
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        shown = f"{what}: {numbers(other[wrong])}, within {numbers(allowed[wrong])}"
        raise Deviation(shown, numbers(got[wrong]), row=row)


def _with_zeros(case: Case) -> Case:
    """Every other score +0."""
    places = np.arange(case.input.size).reshape(case.input.shape)
    return case.replace(input=np.where(places % 2 == 0, 0.0, case.input))


@both(
    "numbers.signed-zeros",
    "implied",
    sources=FORMULAS,
    why="The two zeros of IEEE 754 are one number.",
    cases={MARGIN: margin_cases().map(_with_zeros), SOFT: soft_cases().map(_with_zeros)},
)
def both_zeros_are_one_score(subject: Subject, case: Case) -> None:
    """A score of -0 gives the loss of +0, bit for bit."""
    negative = case.replace(input=np.where(case.input == 0, -0.0, case.input))
    positive = case.replace(input=np.where(case.input == 0, 0.0, case.input))

    got, other = subject.evaluate(negative).value, subject.evaluate(positive).value

    assert_same_bits(got, other, "as for +0")
