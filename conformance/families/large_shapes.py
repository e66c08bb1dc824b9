"""Large on purpose, once each: more rows than a grid of blocks has, more classes than a narrow label can name.

No format makes these limits, so float32 is asked alone. An implementation whose every row takes
milliseconds is not asked for the rows, and one that pairs the classes gets fewer of them.
"""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.cases.operator import Operator
from conformance.families.shapes import has_classes, sized
from conformance.judging.compare import assert_gradient, assert_value
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

ROWS, _HEAVY = 2**16 + 1024, 1024
"""More than a grid of blocks has along its second axis, and than 16 bits count; and how many of them weigh more."""


_CLASSES, _FEW_CLASSES = 2**16 + 3, 300
_FAR = 8.0
_COTANGENTS = (1.0, -1.0, 0.5, 2.0, -0.25)


def _rows(domain: Domain) -> list[Case]:
    """Rows of few classes: the mean, then each loss; the last rows weigh so much that none can be missing in a sum."""
    if domain.dtype != "float32" or domain.expensive_rows:
        return []
    case = with_heavy_end(domain, sized(domain, 5, {domain.operator.batch: ROWS, "C": 2}), rows=_HEAVY)
    return [case.replace(reduction="mean"), case.replace(cotangent=np.resize(_COTANGENTS, case.result_shape))]


def with_heavy_end(domain: Domain, case: Case, *, rows: int) -> Case:
    """The last rows well on the side on which the loss grows, of usual size still."""
    if domain.operator.away is None:
        return case
    end = np.arange(case.rows).reshape(-1, *(1,) * (case.first.ndim - 1)) >= case.rows - rows
    scores = domain.format.round(np.where(end, _FAR * domain.operator.away(case), case.first))
    return case.replace(**{domain.operator.arguments[0].name: scores})


def _classes(domain: Domain) -> list[Case]:
    """Two rows whose indices name the last classes; the scores of these are worse than all others.

    The last classes weigh so much that none can be missing within the bound of a long sum.
    """
    if domain.dtype != "float32":
        return []
    classes = _CLASSES if domain.classes > _FEW_CLASSES else domain.classes
    case = sized(domain, 6, {domain.operator.batch: 2, "C": classes})
    for argument in case.given:
        if argument.indexes == "C":
            case = case.replace(**{argument.name: classes - 1 - np.arange(case[argument.name].size)})
    worse = domain.operator.away(case) if domain.operator.away else np.ones(case.first.shape)
    scores = np.where(np.arange(classes) < classes - 4, -4.0 * worse, 16.0 * worse)
    cotangent = np.resize(_COTANGENTS, case.result_shape)
    return [case.replace(cotangent=cotangent, **{domain.operator.arguments[0].name: scores})]


def takes_many_classes(operator: Operator) -> bool:
    """Whether a row has classes, and no list of labels, which would be as long."""
    lists = [argument for argument in operator.arguments if argument.indexes in argument.axes]
    return has_classes(operator) and not lists


@shared(
    "shapes.rows-beyond-a-grid",
    "implied",
    "shapes",
    why="The formula knows no largest number of rows.",
    cases=Fixed(_rows, whole=False),
    also=("largest",),
)
def every_row_of_more_than_a_grid(subject: Subject, case: Case) -> None:
    """In a batch of more than 2^16 rows each row has the formula's loss, and their mean is the formula's."""
    assert_value(subject, case, as_documented=True)


@shared(
    "gradients.rows-beyond-a-grid",
    "implied",
    "shapes",
    why="The derivative of the formula, whatever the number of rows.",
    cases=Fixed(_rows, whole=False),
    needs="gradient",
    also=("largest",),
)
def derivative_of_more_than_a_grid(subject: Subject, case: Case) -> None:
    """In a batch of more than 2^16 rows each row has the formula's gradient."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "shapes.many-classes",
    "implied",
    "shapes",
    why="The formula knows no largest number of classes.",
    cases=Fixed(_classes, whole=False),
    also=("largest",),
    applies=takes_many_classes,
)
def classes_beyond_narrow_integers(subject: Subject, case: Case) -> None:
    """With 2^16 + 3 classes a label above 2^16 names its own class, and every class counts."""
    assert_value(subject, case, as_documented=True)


@shared(
    "gradients.of-many-classes",
    "implied",
    "shapes",
    why="The derivative of the formula, whatever the number of classes.",
    cases=Fixed(_classes, whole=False),
    needs="gradient",
    also=("largest",),
    applies=takes_many_classes,
)
def derivatives_beyond_narrow_integers(subject: Subject, case: Case) -> None:
    """With 2^16 + 3 classes the gradient reaches every class, and that of a label above 2^16 its own."""
    assert_gradient(subject, case, as_documented=True)
