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

_MANY_CLASSES = (130, 300, 33_000, 2**16 + 3)


def many_classes(domain: Domain) -> list[Case]:
    """One row each of more than 2^7, 2^8 and 2^15 classes, labels at either end."""
    bits = RandomBits(0)
    cases: list[Case] = []
    most = min(domain.classes, domain.format.largest)  # a format in which the number of classes overflows has no mean
    for classes in _MANY_CLASSES[:1] if domain.shapes else [each for each in _MANY_CLASSES if each <= most]:
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
    """Labels above 2^7, 2^8 and 2^16 name their own class, and classes above them count."""
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
    """The gradient reaches every one of more than 2^7, 2^8 and 2^16 classes."""
    assert_gradient(subject, case)


def _out_of_range() -> Drawn:
    """The first label just beyond the last class, far beyond it, or beyond what a narrower integer holds."""
    padded = drawn(labels=("padded",), least={"C": 2})

    def change(case: Case, bits: RandomBits, domain: Domain) -> Case:
        largest = np.iinfo(dict(domain.dtypes).get("target", "int64")).max
        beyond = (case.classes, 2**32, 2**16, 2**8, case.classes + 1, 2**32 + 1, 2**16 + 1, 2**15, 2**20, largest)
        target = case["target"].copy()
        (target[0, 0],) = bits.in_turn([label for label in beyond if label <= largest])
        return case.replace(input=np.clip(case["input"], -4.0, 4.0), target=target)

    return padded.then(change)


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
