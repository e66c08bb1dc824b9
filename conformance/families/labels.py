"""Labels: indices beyond their axis, and labels other than those of which the pages speak."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.cases.operator import Argument, Operator
from conformance.judging.answers import Refused, Undecided
from conformance.judging.compare import Deviation, assert_shape, assert_value, numbers
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

_NARROW = (2**7, 2**8, 2**14, 2**15)
"""Numbers of labels that a narrow integer cannot tell apart; the case has a class more than twice as many."""


def index_of(operator: Operator) -> Argument | None:
    """The argument that names one place of an axis for each row, if there is one."""
    found = [each for each in operator.arguments if each.role == "indices" and each.indexes not in each.axes]
    return found[0] if found else None


def _beyond(domain: Domain) -> list[Case]:
    """A row whose index is just beyond its axis, far beyond it, negative, or beyond narrower integers."""
    index = index_of(domain.operator)
    if index is None or domain.shapes:
        return []
    scores = np.array([[0.25, 0.5, 0.75], [1.0, 0.5, 0.0]])
    dtype = dict(domain.dtypes).get(index.name, "int64")
    limits = np.iinfo(dtype)
    wrong = [3, 4, 255, 256, 2**15, 2**16, 2**16 + 1, 2**32, 2**32 + 1, -1, -2, -100, limits.max, limits.min]
    return [
        domain.case(arrays={domain.operator.arguments[0].name: scores, index.name: np.array([value, 0])})
        for value in wrong
        if limits.min <= value <= limits.max
    ]


@shared(
    "labels.out-of-range",
    "quality",
    "labels",
    why="An index that names no class has no score; taking another class's score for it hides a broken input.",
    cases=Fixed(_beyond),
    also=("narrow",),
    applies=lambda operator: index_of(operator) is not None,
)
def indices_out_of_range_are_refused(subject: Subject, case: Case) -> None:
    """An index beyond the last class, negative, or one that a narrower integer would wrap, is refused or gives NaN."""
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        if subject.refusal is not None:
            raise Undecided(refused.words) from None
        return
    assert_shape(got, case.result_shape)
    if not np.isnan(got.values[0]):
        raise Deviation("a refusal, or NaN for the row", numbers(got.values[:1]))


def _many_classes(domain: Domain) -> list[Case]:
    """A row of more classes than narrow integers count, its label in the last places and in the middle."""
    index = index_of(domain.operator)
    if index is None:
        return []
    most = min(max(domain.classes, 300), domain.format.largest)  # beyond it the number of classes overflows
    sizes = [2 * many + 2 for many in _NARROW if 2 * many + 2 <= most]
    return [_row_of(domain, index, classes) for classes in (sizes[:1] if domain.shapes else sizes)]


def _row_of(domain: Domain, index: Argument, classes: int) -> Case:
    labels = np.array([classes - 1, classes // 2, classes - 2])
    scores = np.resize([0.5, -0.25, 0.0, 1.0, 0.25], (len(labels), classes)) - 1.5
    scores[np.arange(len(labels)), labels] = (1.0, -2.0, 0.25)
    arrays = {domain.operator.arguments[0].name: scores, index.name: labels}
    return domain.case(arrays=arrays)


@shared(
    "labels.many-classes",
    "implied",
    "formula",
    why="The formula knows no largest number of classes.",
    cases=Fixed(_many_classes, whole=False),
    also=("largest",),
    applies=lambda operator: index_of(operator) is not None,
)
def labels_beyond_narrow_integers(subject: Subject, case: Case) -> None:
    """Labels above 2^7, 2^8 and 2^16 name their own class, and classes above them count."""
    assert_value(subject, case, as_documented=True)


def _of_other_numbers(domain: Domain) -> list[Case]:
    """One element for each label of which no page speaks."""
    operator = domain.operator
    target = next(argument for argument in operator.arguments if argument.role == "labels")
    axes = len([axis for axis in target.axes if axis not in operator.free])
    shape = (1,) * axes
    return [
        domain.case(
            arrays={
                **{argument.name: np.full(shape, 0.5 + place) for place, argument in enumerate(operator.scores)},
                target.name: np.full(shape, label),
            }
        )
        for label in (0.0, 2.0, -2.0, 0.5, -0.5)
    ]


def takes_signs(operator: Operator) -> bool:
    """Whether its labels are 1 and -1."""
    return any(argument.role == "labels" and argument.plainer == (1.0, -1.0) for argument in operator.arguments)


@shared(
    "labels.other-numbers",
    "open",
    "labels",
    why="The pages speak of labels 1 and -1, and the formula holds a number.",
    cases=Fixed(_of_other_numbers),
    applies=takes_signs,
)
def labels_other_than_one_and_minus_one(subject: Subject, case: Case) -> str:
    """What the labels 0, 2, -2 and halves give: the loss of a score of 0.5, the second score being 1.5."""
    target = next(argument for argument in case.operator.arguments if argument.role == "labels")
    label = float(case[target.name].reshape(-1)[0])
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        return f"label {label:g} refused: {refused.signature}"
    return f"label {label:g}: " + ", ".join(f"{value:.4g}" for value in got.values.reshape(-1))
