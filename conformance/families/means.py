"""A mean of equal rows is the row, however many there are, and however large their sum."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.families import large_shapes
from conformance.families.shapes import sized
from conformance.judging.compare import Deviation, assert_shape, numbers
from conformance.judging.expectation import compute
from conformance.judging.shared import shared
from conformance.judging.subject import Subject
from reference.formats import Arithmetic

_SIZE, _SHARE, _SEEDS = 2.0, 0.01, 20
_BEYOND, _LARGE = 8, (1 / 4, 1 / 2)
"""Rows whose sum overflows, and between which shares of the largest number each of them lies."""


def _equal_rows(domain: Domain) -> list[Case]:
    """More equal rows than 16 bits count, in float32; of float16 they are asked below."""
    if domain.dtype != "float32" or domain.shapes or domain.expensive_rows:
        return []
    return [_repeated(_row(domain), large_shapes.ROWS)]


def _large_rows(domain: Domain) -> list[Case]:
    """A few large rows in float16, and more rows of usual size than it counts; wider formats have no such batches."""
    if domain.dtype != "float16":
        return []
    row, largest = _row(domain), domain.format.largest
    sizes = largest * 2.0 ** -np.arange(24)
    made = (_scaled(domain, row, size) for size in sizes)
    large = [case for case in made if _LARGE[0] * largest <= _loss(case) <= _LARGE[1] * largest]
    few = [_repeated(case, _BEYOND) for case in large[:1]]
    return few if domain.shapes or domain.expensive_rows else [*few, _repeated(row, large_shapes.ROWS)]


def _row(domain: Domain) -> Case:
    """One row whose scores lie on the side on which its loss grows, with the first labels that let it grow."""
    made = [_scaled(domain, sized(domain, seed, {domain.operator.batch: 1, "C": 2}), _SIZE) for seed in range(_SEEDS)]
    return next((case for case in made if _loss(case) > _SIZE / 8), made[0])


def _scaled(domain: Domain, case: Case, size: float) -> Case:
    away = domain.operator.away(case) if domain.operator.away else np.ones(case.first.shape)
    return case.replace(**{domain.operator.arguments[0].name: domain.format.round(size * away)})


def _repeated(case: Case, rows: int) -> Case:
    arrays = {
        argument.name: np.repeat(case[argument.name], rows, axis=0)
        for argument in case.given
        if case.operator.batch in argument.axes
    }
    return case.replace(reduction="mean", **arrays)


def _loss(case: Case) -> float:
    """Of the first row."""
    alone = case.some_rows(slice(0, 1)).replace(reduction="mean", cotangent=None)
    return float(compute(alone, Arithmetic(case.format), as_documented=False).value.middle)


@shared(
    "numbers.mean-of-equal-rows",
    "quality",
    "reductions",
    why="The mean of equal numbers is that number; a count that is held in few bits loses it.",
    cases=Fixed(_equal_rows),
)
def a_mean_of_equal_rows_is_the_row(subject: Subject, case: Case) -> None:
    """The mean of more than 2^16 equal rows is the loss of one of them, to a hundredth."""
    _assert_mean_of_equal_rows(subject, case)


@shared(
    "numbers.mean-beyond-its-sum",
    "quality",
    "reductions",
    why="The mean of equal numbers is that number; careful software adds half precision in a wider format.",
    cases=Fixed(_large_rows),
)
def a_mean_is_finite_though_its_sum_is_not(subject: Subject, case: Case) -> None:
    """The mean of rows that float16 holds is their mean, although float16 does not hold their sum."""
    _assert_mean_of_equal_rows(subject, case)


def _assert_mean_of_equal_rows(subject: Subject, case: Case) -> None:
    got = subject.evaluate(case).value
    wanted = _loss(case)

    assert_shape(got, ())
    if not abs(float(got.values) - wanted) <= _SHARE * wanted:
        raise Deviation(f"about {wanted:.6g}, the loss of each row", numbers(got.values.reshape(-1)))
