"""What the clauses on shapes of both operators share: cases without a batch, without rows, with other neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.cases.case import MARGIN, Case
from conformance.cases.strategies import Domain, Drawn, Fixed
from conformance.judging.compare import assert_same_bits, assert_shape
from conformance.judging.subject import Array, Refused, Subject

_TIMES, _ROWS_BETWEEN = 12, (2, 64, 1, 512)


def has_one_class(case: Case) -> bool:
    """Whether C is 1."""
    return case.classes == 1


def unbatched(draw: Drawn) -> Drawn:
    """The first row of each case as input of shape (C)."""
    return draw.map(lambda case: case.rows(slice(0, 1)).unbatched())


def unbatched_none(subject: Subject, case: Case) -> str:
    """The shape that reduction ``none`` gives for input of shape (C), in words."""
    try:
        return f"shape {subject.result_of(case).shape}"
    except Refused as refused:
        return f"refused: {refused.signature}"


def with_neighbours(case: Case) -> Case:
    """The same first row among rows of another place, size and spread, with labels in reverse order of rows."""
    input, target = case.input.copy(), case.target.copy()
    input[1:] = case.format.round(3.0 - 0.25 * input[1:, ::-1])
    target[1:] = case.target[1:][::-1]
    return case.replace(input=input, target=target)


def assert_rows_apart(subject: Subject, case: Case) -> None:
    """Raise if row 0 has another loss among other rows, at the same place and shape."""
    got, other = subject.evaluate(case).value, subject.evaluate(with_neighbours(case)).value

    for result in (got, other):
        assert_shape(result, case.result_shape)
    first, among_others = (Array(array.values[:1], array.dtype) for array in (got, other))
    assert_same_bits(first, among_others, "row 0 as among other neighbours")


def assert_sum_of_no_rows(subject: Subject, case: Case) -> None:
    """Raise unless the sum over no rows is refused, or 0 each time it is asked."""
    if subject.refusal_of(case) is None:
        for got in asked_again_and_again(subject, case):
            assert_shape(got, ())
            assert_same_bits(got, Array(np.zeros(()), got.dtype), "the sum over no rows")


def empty_batch(operator: str, reduction: str) -> Fixed:
    """A batch of no rows and four classes."""

    def build(domain: Domain) -> list[Case]:
        target = np.zeros((0, 4), dtype=np.int64) if operator == MARGIN else np.zeros((0, 4))
        return [
            Case(
                operator=operator,
                dtype=domain.dtype,
                input=np.zeros((0, 4)),
                target=target,
                target_dtype=domain.targets,
                reduction=reduction,
            )
        ]

    return Fixed(build)


def asked_again_and_again(subject: Subject, case: Case) -> Iterator[Array]:
    """The loss of a case, several times, each time after other cases whose losses are not 0.

    A result that was never written shows what lay in memory before it, which may be
    zeros; calls with other losses leave something else there.
    """
    for time in range(_TIMES):
        rows = 2 if subject.dear else _ROWS_BETWEEN[time % len(_ROWS_BETWEEN)]
        full = case.replace(input=np.ones((rows, 4)), target=np.zeros((rows, 4), dtype=case.target.dtype))
        for reduction in ("none", "sum", "mean"):
            subject.evaluate(full.replace(reduction=reduction))
        yield subject.evaluate(case).value


def empty_mean(subject: Subject, case: Case) -> str:
    """What the mean over no rows is, in words; memory that was not written differs from call to call."""
    try:
        values = np.stack([got.values for got in asked_again_and_again(subject, case)])
    except Refused as refused:
        return f"refused: {refused.signature}"
    if values.ndim != 1:
        return f"shape {values.shape[1:]}"
    if _sums_of_nothing_differ(subject, case):
        return "what lay in memory, which was not written"
    if np.isnan(values).all():
        return "NaN"
    if (values == 0).all() or np.isinf(values).all():
        return "infinite" if np.isinf(values).any() else "0"
    return "values that are neither NaN throughout, infinite nor 0"


def _sums_of_nothing_differ(subject: Subject, case: Case) -> bool:
    """Whether the sum over no rows shows memory: a number other than 0, or now this and now that.

    Divided by 0 rows it gives infinities and NaN as chance has it, of which nothing can be told.
    """
    try:
        sums = np.stack([got.values for got in asked_again_and_again(subject, case.replace(reduction="sum"))])
    except Refused:
        return False
    return bool((np.isfinite(sums) & (sums != 0)).any() or len(np.unique(sums)) > 1)
