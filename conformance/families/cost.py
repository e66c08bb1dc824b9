"""What a call costs: the memory that it takes at its peak, against what a table of all pairs of places would take."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.cases.operator import Argument, Array
from conformance.families.shapes import sized
from conformance.families.sizes import second_axis
from conformance.judging.compare import Deviation
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

ROWS, PLACES = 4, 2048
"""Of an operator with a second axis; one without has 4,096 rows, which have as many pairs."""

_MOST = ROWS * PLACES**2 // 2
"""Bytes: half of what a truth value for each pair of places of a row takes, and 128 times what float64 scores take."""


def _large(domain: Domain) -> list[Case]:
    """Four equal rows of 2,048 classes with few labels, or 4,096 rows of one number; all scores are 0."""
    batch, axis = domain.operator.batch, second_axis(domain.operator)
    case = sized(domain, 10, {batch: ROWS, axis: PLACES} if axis else {batch: 2 * PLACES}, labels="few")
    arrays = {each.name: _repeated(case[each.name], each, batch) for each in case.given}
    return [case.replace(reduction="mean", cotangent=np.ones(()), **arrays)]


def _repeated(array: Array, argument: Argument, batch: str) -> Array:
    """Scores of 0, one label for all, or the list of labels of the first row for each row."""
    if argument.role == "scores":
        return np.zeros_like(array)
    if argument.role == "labels":
        return np.full_like(array, array.reshape(-1)[0])
    return np.repeat(array[:1], len(array), axis=0) if batch in argument.axes else array


@shared(
    "cost.memory",
    "quality",
    "shapes",
    why="A loss adds up numbers of a row; whoever holds all pairs of them at once has no memory for large rows.",
    cases=Fixed(_large),
    needs="memory",
)
def memory_for_the_arguments(subject: Subject, case: Case) -> None:
    """A call and its gradient take at most half a byte of memory for each pair of places of a row."""
    taken = subject.memory(case)
    if taken > _MOST:
        raise Deviation(
            f"at most {_MOST:,} bytes beside the arguments", f"{taken:,} bytes for {case.elements:,} numbers"
        )
