"""Sizes on both sides of the powers of two around which kernels are built: rows, and places of the next axis.

Drawn batches hold few rows of few classes. A fault that begins behind a block of threads, an unrolled loop
or a vector of numbers needs a larger one, and one call of each size is enough to see it.
"""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.cases.operator import Operator
from conformance.families.large_shapes import with_heavy_end
from conformance.families.shapes import sized
from conformance.judging.compare import assert_gradient, assert_value
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

SIZES = tuple(size for power in range(3, 11) for size in (2**power, 2**power + 1))
"""8 and 9 to 1024 and 1025."""

TAILS = (6, 7, *range(10, 16), 23, 31)
"""Sizes that leave every rest of a vector of 8 numbers, and two of one of 16; each is asked with one reduction."""

_MANY_LABELS = 65
"""Places up to which a row has plain labels; a longer one has few, because a list of labels is paired with them."""

_REDUCTIONS = ("mean", "sum", "none")
_OF_PROGRAMS, _OF_EXPENSIVE_ROWS = (65,), 33
"""What is asked where each shape takes long, and the largest number of rows where each row does."""

_COTANGENTS = (1.0, -1.0, 0.5, 2.0, -0.25)
_WHY = "The formula knows no block of a kernel."


def second_axis(operator: Operator) -> str:
    """The axis after that of the rows, such as the classes; empty if there is none."""
    return next((axis for axis in operator.sizes if axis != operator.batch), "")


def has_a_second_axis(operator: Operator) -> bool:
    """Whether a row has more than one place."""
    return bool(second_axis(operator))


def _rows(domain: Domain) -> list[Case]:
    """5 to 17 rows, and numbers of rows around each power of two."""
    axis = second_axis(domain.operator)
    return _of(domain, [{domain.operator.batch: size, **({axis: 2} if axis else {})} for size in _sizes(domain)])


def _places(domain: Domain) -> list[Case]:
    """Two rows of as many classes, or of as many places of the first free axis."""
    return _of(domain, [{domain.operator.batch: 2, second_axis(domain.operator): size} for size in _sizes(domain)])


def _sizes(domain: Domain) -> tuple[int, ...]:
    if domain.shapes:
        return _OF_PROGRAMS
    most = _OF_EXPENSIVE_ROWS if domain.expensive_rows else SIZES[-1]
    return tuple(size for size in sorted((5, *SIZES, *TAILS)) if size <= most)


def _of(domain: Domain, sizes: list[dict[str, int]]) -> list[Case]:
    """Cases on the grid, where little rounds; the last place of the batch weighs more than the others."""
    reductions = _REDUCTIONS[:1] if domain.shapes else _REDUCTIONS
    kinds = ["plain" if each.get("C", 0) <= _MANY_LABELS else "few" for each in sizes]
    made = [sized(domain, 9, each, labels=kind) for each, kind in zip(sizes, kinds, strict=True)]
    cases = [with_heavy_end(domain, case, rows=1) for case in made]
    asked: list[Case] = []
    for place, (case, each) in enumerate(zip(cases, sizes, strict=True)):
        one = (reductions[place % len(reductions)],)
        some = one if set(each.values()) & set(TAILS) else reductions
        asked += [case.replace(reduction=reduction) for reduction in some]
    return [case.replace(cotangent=np.resize(_COTANGENTS, case.result_shape)) for case in asked]


@shared("shapes.numbers-of-rows", "implied", "shapes", why=_WHY, cases=Fixed(_rows, whole=False, long=True))
def loss_of_any_number_of_rows(subject: Subject, case: Case) -> None:
    """5 to 17 rows, and on both sides of each power of two up to 1025, have the formula's losses, sum and mean."""
    assert_value(subject, case, as_documented=True)


@shared(
    "gradients.numbers-of-rows",
    "implied",
    "shapes",
    why=_WHY,
    cases=Fixed(_rows, whole=False, long=True),
    needs="gradient",
)
def gradient_of_any_number_of_rows(subject: Subject, case: Case) -> None:
    """5 to 17 rows, and on both sides of each power of two up to 1025, have the formula's gradient."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "shapes.sizes-of-a-row",
    "implied",
    "shapes",
    why=_WHY,
    cases=Fixed(_places, whole=False, long=True),
    applies=has_a_second_axis,
)
def loss_of_rows_of_any_size(subject: Subject, case: Case) -> None:
    """Rows of 5 to 17 places, and around each power of two up to 1025, have the formula's losses, sum and mean."""
    assert_value(subject, case, as_documented=True)


@shared(
    "gradients.sizes-of-a-row",
    "implied",
    "shapes",
    why=_WHY,
    cases=Fixed(_places, whole=False, long=True),
    needs="gradient",
    applies=has_a_second_axis,
)
def gradient_of_rows_of_any_size(subject: Subject, case: Case) -> None:
    """Rows of 5 to 17 places, and around each power of two up to 1025, have the formula's gradient."""
    assert_gradient(subject, case, as_documented=True)


def _rare(operator: Operator) -> list[str]:
    """Free axes that no drawn case has."""
    return [axis for axis in operator.free if axis not in operator.sizes]


def takes_many_axes(operator: Operator) -> bool:
    """Whether its pages speak of any number of axes."""
    return bool(_rare(operator))


def _axes(domain: Domain) -> list[Case]:
    """Four and five axes of two or three places, with each reduction; five with the mean where programs are dear."""
    operator = domain.operator
    usual, rare = [axis for axis in operator.sizes if axis != operator.batch], _rare(operator)
    counts = range(1, len(rare) + 1) if not domain.shapes else [len(rare)]
    made: list[Case] = []
    for count in counts:
        axes = [operator.batch, *usual, *rare[:count]]
        case = sized(domain, 10 + count, {axis: 2 + place % 2 for place, axis in enumerate(axes)})
        made += [case.replace(reduction=each) for each in (("mean",) if domain.shapes else _REDUCTIONS)]
    return [case.replace(cotangent=np.resize(_COTANGENTS, case.result_shape)) for case in made]


@shared("shapes.many-axes", "implied", "shapes", why=_WHY, cases=Fixed(_axes, whole=False), applies=takes_many_axes)
def loss_of_many_axes(subject: Subject, case: Case) -> None:
    """Scores of four and five axes, as the layers of a network give them, have the formula's losses, sum and mean."""
    assert_value(subject, case, as_documented=True)


@shared(
    "gradients.many-axes",
    "implied",
    "shapes",
    why=_WHY,
    cases=Fixed(_axes, whole=False),
    needs="gradient",
    applies=takes_many_axes,
)
def gradient_of_many_axes(subject: Subject, case: Case) -> None:
    """Scores of four and five axes have the formula's gradient with each reduction."""
    assert_gradient(subject, case, as_documented=True)
