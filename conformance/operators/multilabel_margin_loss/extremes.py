"""The margin loss at its edges: many classes, gaps beside the kink, labels out of range."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, Fixed, drawn
from conformance.cases.random_bits import RandomBits
from conformance.judging.answers import Refused, Undecided
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import Deviation, assert_gradient, assert_shape, assert_value, numbers
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss import OPERATOR
from conformance.operators.multilabel_margin_loss.pages import BLOCK, FORMULA

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)

_MANY_CLASSES = (130, 300, 33_000)


def many_classes(domain: Domain) -> list[Case]:
    """One row each of more than 2^7, 2^8 and 2^15 classes, labels at either end."""
    bits = RandomBits(0)
    cases: list[Case] = []
    for classes in _MANY_CLASSES[:1] if domain.shapes else [most for most in _MANY_CLASSES if most <= domain.classes]:
        target = np.full((1, classes), -1, dtype=np.int64)
        target[0, :3] = classes - 1, 2, classes - 4
        scores = bits.integers(-8, 9, (1, classes)) / 4 - 1.5
        cases.append(_case(domain, scores, target))
    return cases


def _case(domain: Domain, scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]], target: object) -> Case:
    return domain.case(input=domain.format.round(scores), target=np.asarray(target, dtype=np.int64))


@clause(
    "margin.labels.many-classes",
    "implied",
    FORMULA,
    why="The formula knows no largest number of classes.",
    cases=Fixed(many_classes, whole=False),
    also=("largest",),
)
def labels_beyond_narrow_integers(subject: Subject, case: Case) -> None:
    """Labels above 2^7, 2^8 and 2^15 name their own class, and classes above them count."""
    assert_value(subject, case)


@clause(
    "margin.gradients.many-classes",
    "implied",
    FORMULA,
    why="The derivative of the formula, whatever the number of classes.",
    cases=Fixed(many_classes, whole=False),
    needs="gradient",
    also=("largest",),
)
def derivatives_of_many_classes(subject: Subject, case: Case) -> None:
    """The gradient reaches every one of more than 2^7, 2^8 and 2^15 classes."""
    assert_gradient(subject, case)


def _out_of_range() -> Drawn:
    padded = drawn(labels=("padded",), least={"C": 2})

    def change(case: Case) -> Case:
        target = case["target"].copy()
        beyond = (0, 1, 4, 2**20)[int(abs(case["input"][0, 0]) * 4) % 4 if np.isfinite(case["input"][0, 0]) else 0]
        target[0, 0] = case.classes + beyond
        return case.replace(input=np.clip(case["input"], -4.0, 4.0), target=target)

    return padded.map(change)


def _names_no_class(case: Case) -> bool:
    """Whether the first label of the first row is beyond the last class."""
    return bool(case["input"].ndim == 2 and case["target"][0, 0] >= case.classes)


@clause(
    "margin.errors.label-out-of-range",
    "quality",
    BLOCK,
    why="A label that names no class has no score; taking another class's score for it hides a broken input.",
    cases=_out_of_range(),
    keeps=_names_no_class,
    also=("narrow",),
)
def labels_out_of_range_are_refused(subject: Subject, case: Case) -> None:
    """A label beyond the last class, before the block's end, is refused or gives NaN, never a number."""
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        if subject.refusal is not None:
            raise Undecided(refused.words) from None
        return
    assert_shape(got, case.result_shape)
    if not np.isnan(got.values[0]):
        raise Deviation("a refusal, or NaN for the row", numbers(got.values[:1]))
