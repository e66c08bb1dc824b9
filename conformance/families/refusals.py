"""What is no valid call: shapes that differ, two wrong arguments at once, ranks and sizes of which no page speaks."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.strategies import Domain, Fixed, margin_cases, soft_cases
from conformance.families.sources import (
    MARGIN_REDUCTIONS,
    MARGIN_SHAPES,
    SOFT_REDUCTIONS,
    SOFT_SHAPES,
    torch_margin,
    torch_soft,
)
from conformance.judging.clause import both
from conformance.judging.compare import assert_refused, assert_same_bits
from conformance.judging.subject import Refused, Subject

_SAME_SHAPE = {
    MARGIN: (torch_margin("Target: (C) or (N, C), label targets padded by -1 ensuring same shape as the input."),),
    SOFT: (torch_soft("Target: (N, C), label targets must have the same shape as the input."),),
}
_SHAPES = {MARGIN: (MARGIN_SHAPES,), SOFT: (SOFT_SHAPES,)}


def _plain(domain: Domain, operator: str, shape: tuple[int, ...], target: tuple[int, ...]) -> Case:
    """Scores 0 and labels 0 of any two shapes."""
    labels = np.zeros(target)
    return Case(
        operator=operator,
        dtype=domain.dtype,
        input=np.zeros(shape),
        target=labels.astype(np.int64) if operator == MARGIN else labels,
        target_dtype=domain.targets,
    )


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


def _different(operator: str, reductions: tuple[str, ...]) -> Fixed:
    return Fixed(
        lambda domain: [
            _plain(domain, operator, input, target).replace(reduction=reduction)
            for input, target in _DIFFERENT
            for reduction in reductions
        ]
    )


@both(
    "errors.shapes-differ",
    "quality",
    sources=_SAME_SHAPE,
    why="A target that is stretched, cut or read past its end gives a loss that nobody asked for.",
    cases={operator: _different(operator, ("none",)) for operator in (MARGIN, SOFT)},
    needs="nothing",
)
def different_shapes_are_refused(subject: Subject, case: Case) -> None:
    """Input and target of different shapes are refused, whichever way they differ."""
    assert_refused(subject, case, f"an answer for input {case.input.shape} and target {case.target.shape}")


@both(
    "errors.in-pairs",
    "quality",
    sources={MARGIN: (MARGIN_REDUCTIONS,), SOFT: (SOFT_REDUCTIONS,)},
    why="A check that is passed over because another argument is wrong too lets both through.",
    cases={operator: _different(operator, ("avg", "")) for operator in (MARGIN, SOFT)},
    needs="nothing",
)
def two_wrong_arguments_are_refused(subject: Subject, case: Case) -> None:
    """Shapes that differ beside a reduction that does not exist are refused."""
    shapes = f"input {case.input.shape}, target {case.target.shape}"
    assert_refused(subject, case, f"an answer for {shapes}, reduction={case.reduction!r}")


@both(
    "errors.works-afterwards",
    "implied",
    why="A loss is a function of its arguments, not of the call before it.",
    cases={MARGIN: margin_cases(("padded",)), SOFT: soft_cases()},
)
def works_after_an_error(subject: Subject, case: Case) -> None:
    """After a call that was refused, the same call gives the same bits as before."""
    first = subject.evaluate(case).value
    for wrong in (case.replace(reduction="avg"), case.replace(target=case.target[:, :-1])):
        try:
            subject.evaluate(wrong)
        except Refused:
            assert_same_bits(subject.evaluate(case).value, first, "as before the refused call")


def _cheap(operator: str, shapes: tuple[tuple[int, ...], ...]) -> Fixed:
    """Cases of these shapes, for variants to which a shape is cheap."""
    return Fixed(lambda domain: [] if domain.shapes else [_plain(domain, operator, shape, shape) for shape in shapes])


@both(
    "shapes.other-ranks",
    "open",
    sources=_SHAPES,
    why="The pages give shapes of one or two dimensions and say nothing of others.",
    cases={operator: _cheap(operator, ((), (2, 2, 3))) for operator in (MARGIN, SOFT)},
)
def scalars_and_three_dimensions(subject: Subject, case: Case) -> str:
    """What input without dimensions, and of three, gives."""
    return f"{case.input.ndim} dimensions: {_outcome(subject, case)}"


@both(
    "shapes.no-classes",
    "open",
    sources=_SHAPES,
    why="The formula divides by the number of classes; the pages say nothing of none.",
    cases={operator: _cheap(operator, ((2, 0), (0, 0), (0,))) for operator in (MARGIN, SOFT)},
)
def without_classes(subject: Subject, case: Case) -> str:
    """What a batch of rows without classes gives."""
    return f"input {case.input.shape}: {_outcome(subject, case)}"


def _outcome(subject: Subject, case: Case) -> str:
    """Shape and class of a result, or the refusal, in words."""
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        return f"refused: {refused.signature}"
    values = got.values.reshape(-1)
    kinds = {"NaN" if np.isnan(value) else "0" if value == 0 else "numbers" for value in values.tolist()}
    return f"shape {got.shape}, {' and '.join(sorted(kinds)) or 'no elements'}"
