"""Shapes: with and without a batch, one class, no rows, many rows, rows apart from each other."""

from __future__ import annotations

import dataclasses

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, Fixed, drawn
from conformance.cases.operator import Operator, Sizes
from conformance.cases.random_bits import RandomBits
from conformance.judging.answers import Array, Refused
from conformance.judging.compare import (
    assert_alike,
    assert_same_bits,
    assert_shape,
    assert_size,
    assert_value,
    assert_within,
)
from conformance.judging.expectation import compute
from conformance.judging.shared import shared
from conformance.judging.subject import Subject
from reference.formats import Arithmetic

_MANY_ROWS, _CLASSES_OF_MANY = 257, 3
_REDUCTIONS = ("none", "sum", "mean")
_NO_OTHER_ROW = "The formula of a row holds no other row."


def has_classes(operator: Operator) -> bool:
    """Whether there is an axis of classes."""
    return "C" in operator.sizes


def has_one_class(case: Case) -> bool:
    """Whether C is 1."""
    return case.classes == 1


def unbatched(draw: Drawn) -> Drawn:
    """One row of each case without the batch axis: that whose loss is farthest from 0, so that it shows something."""

    def change(case: Case) -> Case:
        each = case.replace(reduction="none", cotangent=None)
        losses = compute(each, Arithmetic(case.format), as_documented=False, gradients=False)
        row = int(np.argmax(abs(losses.value.low).reshape(case.rows, -1).sum(axis=1)))
        return case.some_rows(slice(row, row + 1)).unbatched()

    return draw.map(change)


def sometimes_weighted(reductions: tuple[str | None, ...], *, cotangent: bool = False) -> Drawn:
    """Plain cases, every other one with a weight if the operator has one."""
    return drawn(reductions, scores="plain", labels="plain", sometimes=("weight",), least={"C": 2}, cotangent=cotangent)


@shared(
    "shapes.result",
    "documented",
    "output",
    cases=drawn(_REDUCTIONS, scores="plain", labels="plain"),
    needs="inferred",
    also=("wrapped",),
)
def result_is_scalar_or_one_loss_a_row(subject: Subject, case: Case) -> None:
    """The result is a scalar; with reduction ``none`` it has the shape that the page gives."""
    got = subject.result_of(case)

    assert_shape(got, case.result_shape)


@shared(
    "shapes.unbatched",
    "documented",
    "shapes",
    cases=unbatched(sometimes_weighted(("sum", "mean", None))).fewer(3),
    applies=lambda operator: operator.unbatched,
    spares=lambda operator: operator.batched_in,
)
def one_row_without_batch_equals_a_batch_of_one(subject: Subject, case: Case) -> None:
    """A row without batch axis gives the loss that the same row gives as a batch of one, each within its bound."""
    got, other = subject.evaluate(case).value, subject.evaluate(case.batched()).value

    expected = subject.expected_loss(case, as_documented=True)
    assert_alike(got, other, expected, expected, "as a batch of one")


@shared(
    "shapes.unbatched-none",
    "open",
    "output",
    why="The pages give the result's shape for a batch and do not say what it is for a single row.",
    cases=unbatched(drawn(scores="plain")),
    needs="inferred",
    applies=lambda operator: operator.result == (operator.batch,),
)
def shape_of_none_without_batch(subject: Subject, case: Case) -> str:
    """The shape of the result for a row without batch axis and reduction ``none``."""
    try:
        return f"shape {subject.result_of(case).shape}"
    except Refused as refused:
        return f"refused: {refused.signature}"


@shared(
    "shapes.unbatched-none-loss",
    "implied",
    "formula",
    why="Whatever its shape, the result holds the loss of the one row; it may be refused.",
    cases=unbatched(sometimes_weighted(("none",))),
    applies=lambda operator: operator.unbatched,
)
def one_row_without_batch_has_its_loss(subject: Subject, case: Case) -> None:
    """A row without batch axis and reduction ``none`` has the formula's losses, in whatever shape, or is refused."""
    if subject.refusal_of(case) is None:
        expected = subject.expected_loss(case, as_documented=True)
        got = subject.evaluate(case).value
        assert_size(got, expected)
        assert_within(subject, case, Array(got.values.reshape(expected.low.shape), got.dtype), expected)


@shared(
    "shapes.one-class",
    "documented",
    "one-class",
    cases=drawn(scores="plain", sizes={"C": 1}),
    keeps=has_one_class,
    applies=has_classes,
)
def one_class_follows_the_formula(subject: Subject, case: Case) -> None:
    """With a single class the loss of a row is what the formula leaves of it."""
    assert_value(subject, case, as_documented=True)


@shared(
    "shapes.rows-independent",
    "implied",
    "shapes",
    why=_NO_OTHER_ROW,
    cases=drawn(scores="plain"),
)
def a_row_does_not_see_its_neighbours(subject: Subject, case: Case) -> None:
    """Other scores and labels in the other rows change no bit of a row's loss at the same place and shape."""
    got, other = subject.evaluate(case).value, subject.evaluate(_with_neighbours(case)).value

    assert_same_bits(_first_row(got, case), _first_row(other, case), "row 0 as among other neighbours")


def _with_neighbours(case: Case) -> Case:
    """The same first row among rows of another place, size and spread, with labels in reverse order of rows."""
    changed = {}
    for argument in case.given:
        if case.operator.batch in argument.axes:
            array = case[argument.name].copy()
            others = array[1:]
            scores = argument.role == "scores"
            array[1:] = case.format.round(3.0 - 0.25 * others[..., ::-1]) if scores else others[::-1].copy()
            changed[argument.name] = array
    return case.replace(**changed)


def _first_row(got: Array, case: Case) -> Array:
    assert_shape(got, case.result_shape)
    return dataclasses.replace(got, values=got.values[:1])


@shared(
    "shapes.special-neighbours",
    "implied",
    "shapes",
    why=_NO_OTHER_ROW,
    cases=drawn(scores="plain"),
)
def special_neighbours_change_no_bit(subject: Subject, case: Case) -> None:
    """NaN, infinite and very large scores in other rows change no bit of a row's loss at the same place and shape."""
    first = _first_row(subject.evaluate(case).value, case)
    for score in (np.nan, np.inf, -np.inf, case.format.largest):
        changed = {argument.name: case[argument.name].copy() for argument in case.operator.scores}
        for scores in changed.values():
            scores[1:] = score
        try:
            got = subject.evaluate(case.replace(**changed)).value
        except Refused:
            continue
        assert_same_bits(_first_row(got, case), first, f"row 0 as beside other scores than {score}")


@shared(
    "shapes.another-place",
    "implied",
    "shapes",
    why="The formula of a row knows neither its place nor the number of rows.",
    cases=drawn(scores="plain"),
)
def another_place_in_the_batch(subject: Subject, case: Case) -> None:
    """Rows in reverse order have the same losses, and the first row alone too, within the bounds of both."""
    expected, got = subject.expected_loss(case, as_documented=True), subject.evaluate(case).value
    assert_shape(got, case.result_shape)

    turned = subject.evaluate(case.some_rows(slice(None, None, -1))).value
    assert_shape(turned, case.result_shape)
    assert_alike(dataclasses.replace(turned, values=turned.values[::-1]), got, expected, expected, "as before")

    if not subject.expensive_shapes:
        assert_value(subject, case.some_rows(slice(0, 1)), as_documented=True)


def sized(domain: Domain, seed: int, sizes: Sizes, *, given: tuple[str, ...] = (), labels: str = "plain") -> Case:
    """A case of given sizes with scores on the grid and plain labels, or few, the same for every variant."""
    operator = domain.operator
    build = drawn(scores="grid", labels=labels, weights="grid", given=given, options="none", sizes=sizes).build
    whole = dataclasses.replace(domain, shapes=(tuple(sizes.get(axis, 1) for axis in operator.program((1, 1))),))
    return build(RandomBits(seed), whole)


def _many_rows(domain: Domain) -> list[Case]:
    """More rows than a block of threads, an unrolled loop or a page of a kernel has."""
    return [sized(domain, 1, {domain.operator.batch: _MANY_ROWS, "C": _CLASSES_OF_MANY})]


@shared("shapes.many-rows", "documented", "shapes", cases=Fixed(_many_rows, whole=False))
def every_row_of_a_large_batch(subject: Subject, case: Case) -> None:
    """In a batch of 257 rows each row has the formula's loss."""
    assert_value(subject, case, as_documented=True)


def _square(domain: Domain) -> list[Case]:
    """As many rows as classes, in which an axis taken for another changes nothing in the shapes."""
    return [sized(domain, seed, {domain.operator.batch: 3, "C": 3}, given=("weight",)) for seed in (2, 3)]


@shared(
    "shapes.as-many-rows-as-classes", "documented", "shapes", cases=Fixed(_square, whole=False), applies=has_classes
)
def rows_are_not_classes(subject: Subject, case: Case) -> None:
    """In a batch of as many rows as classes each row has the formula's loss, and each class its weight."""
    assert_value(subject, case, as_documented=True)
