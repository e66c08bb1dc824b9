"""The soft margin loss and its shapes: results, no batch, one class, empty batches, rows apart."""

from __future__ import annotations

from conformance.cases.case import SOFT, Case
from conformance.cases.strategies import soft_cases
from conformance.families.shapes import (
    assert_rows_apart,
    assert_sum_of_no_rows,
    empty_batch,
    empty_mean,
    has_one_class,
    unbatched,
    unbatched_none,
)
from conformance.families.sources import SOFT_FORMULA, SOFT_OUTPUT, SOFT_REDUCTIONS, SOFT_SHAPES, mindspore_soft_module
from conformance.judging.clause import NATIVE, Binding, clause
from conformance.judging.compare import assert_refused, assert_shape, assert_within
from conformance.judging.subject import Subject


@clause("soft.shapes.result", "documented", SOFT_OUTPUT, cases=soft_cases(("none", "sum", "mean")))
def result_is_scalar_or_one_loss_a_row(subject: Subject, case: Case) -> None:
    """The result is a scalar; with reduction ``none`` its shape is (N)."""
    got = subject.result_of(case)

    assert_shape(got, case.result_shape)


@clause(
    "soft.shapes.unbatched-none",
    "open",
    SOFT_SHAPES,
    why="The pages give (N, C) as the shape of the input and say nothing of (C).",
    cases=unbatched(soft_cases()),
)
def shape_of_none_without_batch(subject: Subject, case: Case) -> str:
    """The shape of the result for input of shape (C) and reduction ``none``."""
    return unbatched_none(subject, case)


@clause(
    "soft.errors.module-rank",
    "documented",
    mindspore_soft_module("ValueError: If the rank of x or target is not 2."),
    cases=unbatched(soft_cases(("mean",))),
    binding=Binding("mindspore", NATIVE[1:], ">=2.0"),
    needs="nothing",
)
def module_refuses_other_ranks(subject: Subject, case: Case) -> None:
    """The module raises ValueError for input of shape (C)."""
    assert_refused(subject, case, f"an answer for input of shape ({case.classes},)", ("ValueError",))


@clause("soft.shapes.one-class", "documented", SOFT_FORMULA, cases=soft_cases(classes=1), within=has_one_class)
def one_class_is_the_logistic_loss(subject: Subject, case: Case) -> None:
    """With a single class the loss of a row is the formula's one term."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected(case, printed=True).value)


@clause(
    "soft.shapes.rows-independent",
    "implied",
    SOFT_SHAPES,
    why="The formula of a row holds no other row.",
    cases=soft_cases(),
)
def a_row_does_not_see_its_neighbours(subject: Subject, case: Case) -> None:
    """Other scores and labels in the other rows change no bit of a row's loss at the same place and shape."""
    assert_rows_apart(subject, case)


@clause(
    "soft.shapes.empty-batch-none",
    "quality",
    SOFT_OUTPUT,
    why="A batch of no rows has no losses; refusing it is as good.",
    cases=empty_batch(SOFT, "none"),
)
def no_rows_no_losses(subject: Subject, case: Case) -> None:
    """A batch of no rows gives a result of shape (0), or is refused."""
    if subject.refusal_of(case) is None:
        assert_shape(subject.evaluate(case).value, (0,))


@clause(
    "soft.shapes.empty-batch-sum",
    "implied",
    SOFT_REDUCTIONS,
    why="The sum over no rows is 0; a batch of no rows may be refused.",
    cases=empty_batch(SOFT, "sum"),
)
def sum_of_no_rows(subject: Subject, case: Case) -> None:
    """The sum over a batch of no rows is 0, or the batch is refused."""
    assert_sum_of_no_rows(subject, case)


@clause(
    "soft.shapes.empty-batch-mean",
    "open",
    SOFT_REDUCTIONS,
    why="The mean of no rows is 0 / 0; the pages say nothing of empty batches.",
    cases=empty_batch(SOFT, "mean"),
)
def mean_of_no_rows(subject: Subject, case: Case) -> str:
    """What the mean over a batch of no rows is."""
    return empty_mean(subject, case)
