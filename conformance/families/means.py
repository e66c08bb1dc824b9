"""A mean is no larger than its largest row: whatever its sum, and however many rows there are."""

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
from reference.enclosure import Enclosure
from reference.formats import Arithmetic

_FEW, _SHARE, _SEEDS = 8, 0.01, 20
_COUNTED = ("float16", "float32")
"""Formats that are asked for more rows than float16 can count."""


def _equal_rows(domain: Domain) -> list[Case]:
    """Eight equal rows whose sum overflows float16, and more rows than float16 can count."""
    many = [large_shapes.ROWS] if domain.dtype in _COUNTED and not domain.shapes and not domain.expensive_rows else []
    return [case for case in (_overflowing(domain), *(_repeated(_row(domain, 2.0), rows) for rows in many)) if case]


def _row(domain: Domain, size: float) -> Case:
    """One row whose scores lie so far on the side on which its loss grows, with the first labels that let it grow."""
    made = [_scaled(domain, sized(domain, seed, {domain.operator.batch: 1, "C": 2}), size) for seed in range(_SEEDS)]
    return next((case for case in made if _loss(case) > size / _FEW), made[0])


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


def _overflowing(domain: Domain) -> Case | None:
    """The largest loss of a row of which eight overflow, in float16: a wider format has room for losses of use.

    None if no score gives one.
    """
    if domain.dtype != "float16":
        return None
    largest = float(domain.format.largest)
    for share in (0.9, 0.4, 0.2):
        case = _row(domain, share * largest)
        if _loss(case) > largest / 4 and _reach(case) < largest:
            return _repeated(case, _FEW)
    return None


def _loss(case: Case) -> float:
    """Of the first row."""
    return float(_of_first_row(case).middle)


def _reach(case: Case) -> float:
    """The largest number on the way to the loss of the first row."""
    return float(_of_first_row(case).reach)


def _of_first_row(case: Case) -> Enclosure:
    alone = case.some_rows(slice(0, 1)).replace(reduction="mean", cotangent=None)
    return compute(alone, Arithmetic(case.format), as_documented=False).value


@shared(
    "numbers.mean-of-equal-rows",
    "quality",
    "reductions",
    why="The mean of equal numbers is that number; a sum or a count that overflows float16 loses it.",
    cases=Fixed(_equal_rows),
)
def a_mean_of_equal_rows_is_the_row(subject: Subject, case: Case) -> None:
    """The mean of equal rows is the loss of one of them, to a hundredth, though their sum may overflow."""
    got = subject.evaluate(case).value
    wanted = _loss(case)

    assert_shape(got, ())
    if not abs(float(got.values) - wanted) <= _SHARE * wanted:
        raise Deviation(f"about {wanted:.6g}, the loss of each row", numbers(got.values.reshape(-1)))
