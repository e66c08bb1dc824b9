"""Shapes at the edge: batches of no rows, rows of no classes, ranks of which no page speaks."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.cases.operator import Array as Values
from conformance.cases.operator import Operator
from conformance.families.shapes import has_classes, sized
from conformance.judging.answers import Array, Refused
from conformance.judging.compare import assert_same_bits, assert_shape
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

_TIMES, _TIMES_OF_SLOW_CALLS, _ROWS_BETWEEN = 12, 6, (2, 64, 1, 512)


def _empty_batch(reduction: str) -> Fixed:
    """A batch of no rows and four classes."""

    def build(domain: Domain) -> list[Case]:
        plain = sized(dataclasses.replace(domain, shapes=()), 4, {domain.operator.batch: 1, "C": 4})
        return [plain.some_rows(slice(0, 0)).replace(reduction=reduction)]

    return Fixed(build)


@shared(
    "shapes.empty-batch-none",
    "quality",
    "output",
    why="A batch of no rows has no losses; refusing it is as good.",
    cases=_empty_batch("none"),
    also=("wrapped",),
)
def no_rows_no_losses(subject: Subject, case: Case) -> None:
    """A batch of no rows gives a result without elements, of the shape that the page gives, or is refused."""
    if subject.refusal_of(case) is None:
        assert_shape(subject.evaluate(case).value, case.result_shape)


@shared(
    "shapes.empty-batch-sum",
    "implied",
    "reductions",
    why="The sum over no rows is 0; a batch of no rows may be refused.",
    cases=_empty_batch("sum"),
)
def sum_of_no_rows(subject: Subject, case: Case) -> None:
    """The sum over a batch of no rows is 0 each time it is asked, or the batch is refused."""
    if subject.refusal_of(case) is None:
        for got in _again_and_again(subject, case):
            assert_shape(got, ())
            assert_same_bits(got, Array(np.zeros(()), got.dtype), "the sum over no rows")


def _empty_batches(domain: Domain) -> list[Case]:
    """A batch of no rows with each reduction."""
    return [case for reduction in ("none", "sum", "mean") for case in _empty_batch(reduction).build(domain)]


@shared(
    "gradients.empty-batch",
    "implied",
    "formula",
    why="No rows have no derivatives; what has a loss has a gradient.",
    cases=Fixed(_empty_batches),
    needs="gradient",
)
def no_rows_no_derivatives(subject: Subject, case: Case) -> None:
    """Where a batch of no rows has a loss, its gradient is an array without elements, of the shape of the scores."""
    if subject.refusal_of(case) is None:
        assert_shape(subject.evaluate(case, "gradient").gradient, case.first.shape)


@shared(
    "shapes.empty-batch-mean",
    "open",
    "reductions",
    why="The mean of no rows is 0 / 0; the pages say nothing of empty batches.",
    cases=_empty_batch("mean"),
)
def mean_of_no_rows(subject: Subject, case: Case) -> str:
    """What the mean over a batch of no rows is."""
    try:
        values = np.stack([got.values for got in _again_and_again(subject, case)])
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


def _again_and_again(subject: Subject, case: Case) -> Iterator[Array]:
    """The loss of a case, several times, each time after other cases whose losses are not 0.

    A result that was never written shows what lay in memory before it, which may be
    zeros; calls with other losses leave something else there.
    """
    for time in range(_times(subject)):
        rows = 2 if subject.expensive_shapes else _ROWS_BETWEEN[time % len(_ROWS_BETWEEN)]
        full = other_than_zero(case, rows)
        for reduction in ("none", "sum", "mean"):
            subject.evaluate(full.replace(reduction=reduction))
        yield subject.evaluate(case).value


def _times(subject: Subject) -> int:
    return _TIMES_OF_SLOW_CALLS if "slow-calls" in subject.costs else _TIMES


def other_than_zero(case: Case, rows: int) -> Case:
    """So many rows whose losses are not 0: scores 0.5, further ones 1.5, labels 1, the first index."""
    values = {argument.name: 1.0 for argument in case.given}
    values.update({argument.name: 0.5 + place for place, argument in enumerate(case.operator.scores)})
    made = {}
    for argument in case.given:
        array = case[argument.name]
        shape = (rows, *array.shape[1:]) if case.operator.batch in argument.axes else array.shape
        made[argument.name] = np.full(shape, 0 if argument.whole_numbers else values[argument.name], dtype=array.dtype)
    return case.replace(**made)


def _sums_of_nothing_differ(subject: Subject, case: Case) -> bool:
    """Whether the sum over no rows shows memory: a number other than 0, or now this and now that.

    Divided by 0 rows it gives infinities and NaN by chance, of which nothing can be told.
    """
    try:
        sums = np.stack([got.values for got in _again_and_again(subject, case.replace(reduction="sum"))])
    except Refused:
        return False
    return bool((np.isfinite(sums) & (sums != 0)).any() or len(np.unique(sums)) > 1)


@shared(
    "shapes.other-ranks",
    "open",
    "shapes",
    why="The pages give shapes of some ranks and say nothing of others.",
    cases=Fixed(lambda domain: _plain_shapes(domain, ((), (2, 2, 3)))),
    applies=lambda operator: not operator.free and has_classes(operator),
)
def scalars_and_three_dimensions(subject: Subject, case: Case) -> str:
    """What input without dimensions, and of three, gives."""
    return f"{case.first.ndim} dimensions: {_outcome(subject, case)}"


@shared(
    "shapes.no-classes",
    "open",
    "shapes",
    why="The formula divides by the number of classes; the pages say nothing of none.",
    cases=Fixed(lambda domain: _plain_shapes(domain, ((2, 0), (0, 0), (0,)))),
    applies=has_classes,
)
def without_classes(subject: Subject, case: Case) -> str:
    """What a batch of rows without classes gives, time and again after rows with classes."""
    outcomes: set[str] = set()
    for time in range(_times(subject)):
        outcomes.add(_outcome(subject, case))
        for reduction in ("none", "sum", "mean"):
            with contextlib.suppress(Refused):
                full = _filled(case, _ROWS_BETWEEN[time % len(_ROWS_BETWEEN)], 0.5 + time)
                subject.evaluate(full.replace(reduction=reduction))
    told = len(outcomes) == 1 and not any("numbers" in words for words in outcomes)
    return f"input {case.first.shape}: {outcomes.pop() if told else 'numbers that no formula gives'}"


def _filled(case: Case, rows: int, score: float) -> Case:
    """The same arguments with so many rows, of three classes: indices 0, scores and the rest of one value."""
    arrays: dict[str, Values] = {}
    for argument in case.given:
        axes = case.operator.axes_of(argument, case[argument.name].ndim)
        shape = [rows if axis == case.operator.batch else 3 for axis in axes]
        arrays[argument.name] = np.full(shape, 0 if argument.whole_numbers else score)
    return case.replace(**arrays)


def _plain_shapes(domain: Domain, shapes: tuple[tuple[int, ...], ...]) -> list[Case]:
    """Scores 0 and labels 0 of any shape, for variants to which a shape is cheap."""
    if domain.shapes:
        return []
    return [domain.case(arrays=zeros(domain.operator, shape)) for shape in shapes]


def zeros(operator: Operator, shape: tuple[int, ...], labels: tuple[int, ...] | None = None) -> dict[str, Values]:
    """Zeros of a shape for scores, and of the shape that belongs to it, or another one, for the target."""
    made: dict[str, Values] = {}
    for argument in operator.arguments:
        if argument.optional:
            continue
        missing = 1 if "C" not in argument.axes and has_classes(operator) else 0
        own = shape[: len(shape) - missing] if missing else shape
        wanted = labels if argument is operator.target and labels is not None else own
        made[argument.name] = np.zeros(wanted, dtype=np.int64 if argument.whole_numbers else np.float64)
    return made


def _outcome(subject: Subject, case: Case) -> str:
    """Shape and class of a result, or the refusal, in words."""
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        return f"refused: {refused.signature}"
    values = got.values.reshape(-1)
    kinds = {"NaN" if np.isnan(value) else "0" if value == 0 else "numbers" for value in values.tolist()}
    return f"shape {got.shape}, {' and '.join(sorted(kinds)) or 'no elements'}"
