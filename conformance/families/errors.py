"""What is no valid call: shapes that differ, a reduction that does not exist, two wrong arguments at once."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed, drawn
from conformance.cases.operator import Operator
from conformance.families.shapes_at_the_edge import zeros
from conformance.families.value import first_example
from conformance.judging.answers import Refused
from conformance.judging.compare import assert_refused, assert_same_bits
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

_DIFFERENT = (
    ((2, 4), (2, 3)),
    ((2, 4), (2, 5)),
    ((2, 4), (2, 1)),
    ((2, 4), (1, 4)),
    ((2, 4), (3, 4)),
    ((2, 4), (4, 2)),
    ((2, 4), (4,)),
    ((2, 4), (8,)),
    ((2, 4), ()),
    ((2, 4), (1, 2, 4)),
    ((4,), (1, 4)),
    ((4,), (3,)),
    ((1, 4), (2, 4)),
    ((1, 4), (4,)),
)
"""Shapes of input and target: a class too few or too many, rows, an axis, what broadcasting would stretch."""

_DIFFERENT_LENGTHS = (
    ((4,), (3,)),
    ((4,), (5,)),
    ((4,), (1,)),
    ((4,), ()),
    ((1,), (4,)),
    ((4,), (2, 2)),
    ((4,), (1, 4)),
)
"""The same for arguments of one axis."""

_DIFFERENT_ROWS = (((2, 4), (3,)), ((2, 4), (1,)), ((2, 4), (4,)), ((2, 4), (2, 1)), ((3, 4), (2,)))
"""The same for a target with one place for each row."""


def same_axes(operator: Operator) -> bool:
    """Whether every argument that a call must have is of the input's shape."""
    return len({argument.axes for argument in operator.arguments if not argument.optional}) == 1


def has_a_shape_to_keep(operator: Operator) -> bool:
    """Whether a page says which shapes belong together."""
    return operator.target is not None and bool(operator.quoted("same-shape"))


def _different(domain: Domain, reductions: tuple[str, ...]) -> list[Case]:
    operator = domain.operator
    one_axis = len(operator.sizes) == 1
    shapes = _DIFFERENT_LENGTHS if one_axis else _DIFFERENT if same_axes(operator) else _DIFFERENT_ROWS
    some = shapes[::4] if domain.one_shape else shapes
    return [
        domain.case(reduction=reduction, arrays=zeros(operator, input, target))
        for input, target in some
        for reduction in (reductions[:1] if domain.one_shape else reductions)
    ]


def target_shape(case: Case) -> tuple[int, ...]:
    """The shape of the argument that goes with the first."""
    target = case.operator.target
    return () if target is None else case[target.name].shape


@shared(
    "errors.reduction-name",
    "quality",
    "reductions",
    why="A misspelt reduction that is accepted computes something else than was asked.",
    cases=Fixed(lambda domain: [first_example(domain).replace(reduction="avg")]),
    needs="nothing",
    applies=lambda operator: bool(operator.examples),
)
def unknown_reduction_is_refused(subject: Subject, case: Case) -> None:
    """A reduction other than none, mean and sum is refused."""
    assert_refused(subject, case, "an answer for reduction='avg'")


@shared(
    "errors.shapes-differ",
    "quality",
    "same-shape",
    why="A target that is stretched, cut or read past its end gives a loss that nobody asked for.",
    cases=Fixed(lambda domain: _different(domain, ("none",))),
    needs="nothing",
    applies=has_a_shape_to_keep,
)
def different_shapes_are_refused(subject: Subject, case: Case) -> None:
    """Input and target whose shapes do not belong together are refused, whichever way they differ."""
    assert_refused(subject, case, f"an answer for input {case.first.shape} and target {target_shape(case)}")


@shared(
    "errors.in-pairs",
    "quality",
    "reductions",
    why="A check that is passed over because another argument is wrong too lets both through.",
    cases=Fixed(lambda domain: _different(domain, ("avg", ""))),
    needs="nothing",
    applies=has_a_shape_to_keep,
)
def two_wrong_arguments_are_refused(subject: Subject, case: Case) -> None:
    """Shapes that differ beside a reduction that does not exist are refused."""
    shapes = f"input {case.first.shape}, target {target_shape(case)}"
    assert_refused(subject, case, f"an answer for {shapes}, reduction={case.reduction!r}")


@shared(
    "errors.works-afterwards",
    "implied",
    why="A loss is a function of its arguments, not of the call before it.",
    cases=drawn(scores="plain", labels="plain").fewer(3),  # what is refused is kept by no compiler
)
def works_after_an_error(subject: Subject, case: Case) -> None:
    """After a call that was refused, the same call gives the same bits as before, if it did so until then."""
    first, again = subject.evaluate(case).value, subject.evaluate(case).value
    if not np.array_equal(first.values, again.values, equal_nan=True):
        return  # one call after another differs, refused or not: layout.same-call-twice says so
    for wrong in (case.replace(reduction="avg"), _cut_short(case)):
        try:
            subject.evaluate(wrong)
        except Refused:
            assert_same_bits(subject.evaluate(case).value, first, "as before the refused call")


def _cut_short(case: Case) -> Case:
    """With the last place of its target missing."""
    target = case.operator.target or case.operator.arguments[0]
    return case.replace(**{target.name: case[target.name][..., :-1]})
