"""The margin loss and its labels: where the block ends, duplicates, the extremes."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Drawn, drawn
from conformance.judging.answers import Refused
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import assert_same_bits, assert_within
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss import OPERATOR
from conformance.operators.multilabel_margin_loss.pages import BLOCK, BLOCK_MINDSPORE, EXCLUSION, FORMULA, torch
from reference.margin_exact import block_of
from reference.pairs import label_block

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


def _rows(case: Case) -> list[list[int]]:
    return [[int(label) for label in row] for row in case["target"].tolist()]


def _blocks(case: Case) -> list[list[int]]:
    return [block_of(row) for row in _rows(case)]


def has_tail(case: Case) -> bool:
    """Whether a valid label stands after a first negative one."""
    return any(max(row[len(block) :], default=-1) >= 0 for row, block in zip(_rows(case), _blocks(case), strict=True))


def all_blocks_empty(case: Case) -> bool:
    """Whether every target is -1 throughout."""
    return all(max(row, default=-1) < 0 for row in _rows(case))


def has_duplicates(case: Case) -> bool:
    """Whether a block holds a label twice."""
    return any(len(set(block)) < len(block) for block in _blocks(case))


def all_blocks_full(case: Case) -> bool:
    """Whether every class is a label in every row."""
    return all(len(set(block)) == case.classes for block in _blocks(case))


@clause(
    "margin.labels.block-ends-at-first-negative",
    "documented",
    BLOCK,
    BLOCK_MINDSPORE,
    torch("for target y, only consider labels 3 and 0, not after label -1"),
    cases=drawn(labels=("tail", "leading")),
    keeps=has_tail,
    also=("narrow", "wrapped"),
)
def what_follows_the_first_negative_label_is_ignored(subject: Subject, case: Case) -> None:
    """Valid labels after the first -1 change nothing: the loss is the one of -1 in their place, bit for bit."""
    block = label_block(case["target"].astype(np.int64))
    blanked = case.replace(target=np.where(block, case["target"], -1))

    got, other = subject.evaluate(case), subject.evaluate(blanked)

    assert_same_bits(got.value, other.value, "as with -1 after the block")
    assert_within(subject, case, got.value, subject.expected_loss(case))


@clause(
    "margin.labels.empty-block",
    "implied",
    BLOCK,
    why="The sum over no labels is 0.",
    cases=drawn(labels=("empty",)),
    keeps=all_blocks_empty,
)
def no_labels_no_loss(subject: Subject, case: Case) -> None:
    """A row whose target is all -1 has loss 0."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected_loss(case))


@clause(
    "margin.labels.duplicates-count",
    "implied",
    FORMULA,
    why="The sum of the formula runs over the places j of the target, not over different classes.",
    cases=drawn(labels=("duplicates",), least={"C": 2}),
    keeps=has_duplicates,
)
def duplicate_labels_count_each_time(subject: Subject, case: Case) -> None:
    """A label that stands twice in the block contributes twice."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected_loss(case))


@clause(
    "margin.labels.every-class",
    "documented",
    EXCLUSION,
    cases=drawn(labels=("all",)),
    keeps=all_blocks_full,
)
def every_class_a_target(subject: Subject, case: Case) -> None:
    """Where every class is a label there is no pair, and the loss is 0."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected_loss(case))


def _other_negatives() -> Drawn:
    """Padding with -2 and -100 where the pages say -1."""

    def change(case: Case) -> Case:
        target = case["target"].copy()
        target[:, -1] = -1
        fill = np.where(np.arange(target.size).reshape(target.shape) % 2 == 0, -2, -100)
        return case.replace(target=np.where(target < 0, fill, target))

    return drawn(labels=("padded",), least={"C": 2}).map(change)


@clause(
    "margin.labels.other-negatives",
    "open",
    torch("label targets padded by -1 ensuring same shape as the input."),
    why="The pages pad with -1 and speak of non-negative targets; of other negative labels they say nothing.",
    cases=_other_negatives(),
)
def negatives_other_than_minus_one(subject: Subject, case: Case) -> str:
    """What labels such as -2 and -100 in the place of -1 do."""
    return words_for_labels(subject, case, "end the block like -1")


def words_for_labels(subject: Subject, case: Case, as_expected: str) -> str:
    """What labels of which no page speaks do: what the formula makes of the block before them, or else."""
    try:
        got = subject.evaluate(case)
    except Refused as refused:
        return f"refused: {refused.signature}"
    expected = subject.expected_loss(case)
    if got.value.shape != expected.low.shape:
        return f"shape {got.value.shape}"
    return as_expected if expected.admits(got.value.values, case.format).all() else "change the loss"
