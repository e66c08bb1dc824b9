"""The margin loss under changes that leave it alone: reordered labels; met margins; every block."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, Fixed, drawn
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import Deviation, assert_alike, assert_shape, assert_value, numbers
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss import OPERATOR
from conformance.operators.multilabel_margin_loss.labels import words_for_labels
from conformance.operators.multilabel_margin_loss.pages import (
    BLOCK,
    BLOCK_MINDSPORE,
    FORMULA,
    torch,
)
from reference.formats import Int64
from reference.pairs import label_block

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)

_CLASSES = 6


def _met(case: Case) -> Case:
    """Labels 1 above every other score or more, but for the last row, where a quarter is missing."""
    target = case["target"].astype(np.int64)
    input = case["input"].copy()
    for row, place in np.argwhere(label_block(target)).tolist():
        input[row, target[row, place]] = 5.0 + place
    input[-1] = np.where(input[-1] >= 5.0, 0.75, 0.0)
    return case.replace(input=input)


@clause(
    "margin.value.zero-when-every-margin-is-met",
    "implied",
    FORMULA,
    why="A sum of terms max(0, z) is 0 if and only if no z is positive.",
    cases=drawn(scores="grid", labels=("padded", "tail")).map(_met),
)
def zero_exactly_when_every_margin_is_met(subject: Subject, case: Case) -> None:
    """The loss of a row is exactly 0 where each label is 1 or more above every other class, and not 0 elsewhere."""
    got = subject.evaluate(case).value
    expected = subject.expected_loss(case)
    assert_shape(got, case.result_shape)

    met, missed = expected.high == 0, expected.low > expected.bound
    wrong = (met & (got.values != 0)) | (missed & (got.values == 0))
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        raise Deviation("0" if met[row] else "a loss above 0", numbers(got.values[wrong]), row=row)


@clause(
    "margin.labels.any-order",
    "implied",
    FORMULA,
    why="A sum does not depend on the order of its terms.",
    cases=drawn(labels=("padded", "tail", "duplicates"), least={"C": 2}),
)
def labels_in_reverse_order(subject: Subject, case: Case) -> None:
    """The labels of a block in reverse order give the same loss, within the bounds of both."""
    target: Int64 = case["target"].astype(np.int64)
    turned = target.copy()
    for row, length in enumerate(label_block(target).sum(axis=1).tolist()):
        turned[row, :length] = target[row, :length][::-1]

    got, other = subject.evaluate(case.replace(target=turned)).value, subject.evaluate(case).value

    expected = subject.expected_loss(case)
    assert_alike(got, other, expected, expected, "as with the labels in the other order")


def every_length(domain: Domain) -> list[Case]:
    """Blocks of every length from none to all, each followed by -1 and by every label again."""
    widths = (domain.shapes[0][1],) if domain.shapes else range(1, _CLASSES + 1)
    cases: list[Case] = []
    for classes in widths:
        labels = np.roll(np.arange(classes), 1)
        target = np.stack([np.insert(labels, length, -1)[:classes] for length in range(classes + 1)])
        rows = domain.shapes[0][0] if domain.shapes else len(target)
        for start in range(0, len(target), rows):
            part = np.resize(np.roll(target, -start, axis=0), (rows, classes))
            cases.append(domain.case(input=np.resize([0.25, -0.5, 1.0, 0.0, 0.75], part.shape), target=part))
    return cases


@clause(
    "margin.labels.first-negative-in-every-place",
    "documented",
    BLOCK,
    BLOCK_MINDSPORE,
    cases=Fixed(every_length, whole=False),
    also=("wrapped",),
)
def first_negative_in_every_place(subject: Subject, case: Case) -> None:
    """Wherever the first -1 stands, from the first place to none at all, the labels before it count and no other."""
    assert_value(subject, case)


def _smallest_labels() -> Drawn:
    """Padding with the smallest value of the target's dtype."""

    def change(case: Case) -> Case:
        smallest = np.iinfo(case.dtype_of("target")).min
        target = np.where(case["target"] < 0, smallest, case["target"])
        target[:, -1] = smallest
        return case.replace(target=target)

    return drawn(labels=("padded",), least={"C": 2}).map(change)


@clause(
    "margin.labels.smallest-label",
    "open",
    torch("label targets padded by -1 ensuring same shape as the input."),
    why="The smallest value of the dtype is negative, as the block's end must be, and no page pads with it.",
    cases=_smallest_labels(),
)
def the_smallest_label(subject: Subject, case: Case) -> str:
    """What the smallest value of the target's dtype in the place of -1 does."""
    return words_for_labels(subject, case, "ends the block like -1")


def _beyond_behind() -> Drawn:
    """After the first -1 the labels C, the largest of the dtype, and so on in turn."""

    def change(case: Case) -> Case:
        largest = np.iinfo(case.dtype_of("target")).max
        behind = np.resize([case.classes, largest, 2 * case.classes], case["target"].shape)
        target = case["target"].copy()
        ends = label_block(case["target"].astype(np.int64)).sum(axis=1)
        for row, end in enumerate(ends.tolist()):
            target[row, min(end, case.classes - 2)] = -1
            target[row, min(end, case.classes - 2) + 1 :] = behind[row, min(end, case.classes - 2) + 1 :]
        return case.replace(target=target)

    return drawn(labels=("padded",), least={"C": 2}).map(change)


@clause(
    "margin.labels.out-of-range-behind-the-block",
    "open",
    BLOCK,
    why="Labels behind the block are not considered; whether one that names no class is refused, no page says.",
    cases=_beyond_behind(),
)
def labels_of_no_class_behind_the_block(subject: Subject, case: Case) -> str:
    """What labels beyond the last class do behind the block."""
    return words_for_labels(subject, case, "ignored")
