"""The margin loss and its shapes: batched and not, one class, empty batches, rows apart."""

from __future__ import annotations

from conformance.cases.case import MARGIN, Case
from conformance.cases.strategies import margin_cases
from conformance.families.shapes import (
    assert_rows_apart,
    assert_sum_of_no_rows,
    empty_batch,
    empty_mean,
    has_one_class,
    unbatched,
    unbatched_none,
)
from conformance.families.sources import (
    MARGIN_EXCLUSION,
    MARGIN_OUTPUT,
    MARGIN_OUTPUT_MINDSPORE,
    MARGIN_REDUCTIONS,
    MARGIN_SHAPES,
    MARGIN_SHAPES_MINDSPORE,
)
from conformance.judging.clause import clause
from conformance.judging.compare import assert_shape, assert_within, twice_the_bound
from conformance.judging.subject import Subject


@clause(
    "margin.shapes.result",
    "documented",
    MARGIN_OUTPUT,
    MARGIN_OUTPUT_MINDSPORE,
    cases=margin_cases(("padded",), ("none", "sum", "mean")),
    needs="inferred",
)
def result_is_scalar_or_one_loss_a_row(subject: Subject, case: Case) -> None:
    """The result is a scalar; with reduction ``none`` its shape is (N)."""
    got = subject.result_of(case)

    assert_shape(got, case.result_shape)


@clause(
    "margin.shapes.unbatched",
    "documented",
    MARGIN_SHAPES,
    MARGIN_SHAPES_MINDSPORE,
    cases=unbatched(margin_cases(reductions=("sum", "mean"))),
)
def one_row_without_batch_equals_a_batch_of_one(subject: Subject, case: Case) -> None:
    """Input of shape (C) gives the loss that the same row gives as a batch of one, each within its bound."""
    got, other = subject.evaluate(case).value, subject.evaluate(case.batched()).value

    assert_within(subject, case, got, twice_the_bound(subject.expected(case).value, other))


@clause(
    "margin.shapes.unbatched-none",
    "open",
    MARGIN_OUTPUT,
    why="The pages say (N) for reduction 'none' and do not say what N is for input of shape (C).",
    cases=unbatched(margin_cases()),
    needs="inferred",
)
def shape_of_none_without_batch(subject: Subject, case: Case) -> str:
    """The shape of the result for input of shape (C) and reduction ``none``."""
    return unbatched_none(subject, case)


@clause("margin.shapes.one-class", "documented", MARGIN_EXCLUSION, cases=margin_cases(classes=1), within=has_one_class)
def one_class_has_no_pairs(subject: Subject, case: Case) -> None:
    """With a single class there is no pair, and the loss is 0."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected(case).value)


@clause(
    "margin.shapes.rows-independent",
    "implied",
    MARGIN_SHAPES,
    why="The formula of a row holds no other row.",
    cases=margin_cases(),
)
def a_row_does_not_see_its_neighbours(subject: Subject, case: Case) -> None:
    """Other scores and labels in the other rows change no bit of a row's loss at the same place and shape."""
    assert_rows_apart(subject, case)


@clause(
    "margin.shapes.empty-batch-none",
    "quality",
    MARGIN_OUTPUT,
    why="A batch of no rows has no losses; refusing it is as good.",
    cases=empty_batch(MARGIN, "none"),
)
def no_rows_no_losses(subject: Subject, case: Case) -> None:
    """A batch of no rows gives a result of shape (0), or is refused."""
    refusal = subject.refusal_of(case)

    if refusal is None:
        assert_shape(subject.evaluate(case).value, (0,))


@clause(
    "margin.shapes.empty-batch-sum",
    "implied",
    MARGIN_REDUCTIONS,
    why="The sum over no rows is 0; a batch of no rows may be refused.",
    cases=empty_batch(MARGIN, "sum"),
)
def sum_of_no_rows(subject: Subject, case: Case) -> None:
    """The sum over a batch of no rows is 0, or the batch is refused."""
    assert_sum_of_no_rows(subject, case)


@clause(
    "margin.shapes.empty-batch-mean",
    "open",
    MARGIN_REDUCTIONS,
    why="The mean of no rows is 0 / 0; the pages say nothing of empty batches.",
    cases=empty_batch(MARGIN, "mean"),
)
def mean_of_no_rows(subject: Subject, case: Case) -> str:
    """What the mean over a batch of no rows is."""
    return empty_mean(subject, case)
