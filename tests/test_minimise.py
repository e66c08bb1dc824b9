"""Witnesses are minimal: whatever is taken away from one, the deviation vanishes.

A sample of the zoo in two formats is asked here; ``LOSSPROOF_ZOO=all`` asks every fault in every format.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters.gateway import WorkerCrashed, WorkerHung
from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.minimise import minimise
from conformance.cases.strategies import Fixed
from conformance.judging.bench import Bench, Limits
from conformance.judging.clause import Clause, any_case
from conformance.judging.compare import Deviation
from conformance.judging.subject import Refused, Subject, Variant
from conformance.operators.catalogue import clauses
from conformance.running.discover import built_in, find_function
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from reference.arguments import OracleError
from reference.formats import Float64
from reports.record import Counterexample, Finding
from tests.zoo.inhabitants import Inhabitant, inhabitants
from tests.zoo.plain import CHECKOUT

EVERY = 10
"""One fault in so many is asked here."""

HISTORY = ("stale_mask", "cached_by_shape")
"""What these answer depends on the calls before, so that no case of theirs has one answer."""

MANY_CLASSES = ("labels_in_16_bits",)
"""A witness of more than 32,768 classes: they are halved, not tried one by one within the seconds that there are."""

WHOLE = os.environ.get("LOSSPROOF_ZOO") == "all"
DTYPES = ("float16", "float32", "float64") if WHOLE else ("float16", "float64")
FAULTS = [who for who in inhabitants("numpy") if not who.right and who.name not in HISTORY + MANY_CLASSES]
SAMPLE = FAULTS if WHOLE else FAULTS[EVERY // 2 :: EVERY]


def deviations(who: Inhabitant, folder: Path) -> list[Finding]:
    """What ``lossproof check`` reports of one fault, every level."""
    filters = Filters((who.operator,), levels=("documented", "implied", "quality"))
    options = Options(replace(PROFILES["quick"], dtypes=DTYPES), filters, sys.executable, out=folder)
    found = run_subject(find_function(who.target, who.operator, "numpy"), options, Progress()).findings
    return [finding for finding in found if finding.verdict == "deviates"]


def numbers(nested: object) -> Float64 | None:
    """A record's nested lists of hexadecimal floats as an array."""
    if nested is None:
        return None
    strings = np.array(nested, dtype=str)
    return np.array([float.fromhex(one) for one in strings.reshape(-1).tolist()]).reshape(strings.shape)


def case_of(operator: str, shown: Counterexample) -> Case:
    """The case that a counterexample shows."""
    return Case(
        operator=operator,
        dtype=shown.dtype,
        input=np.asarray(numbers(shown.input)).reshape(shown.shape),
        target=np.array(shown.target).reshape(np.shape(shown.target)),
        target_dtype=shown.target_dtype,
        reduction=shown.reduction,
        weight=numbers(shown.weight),
        cotangent=numbers(shown.cotangent),
        options=dict(shown.options),
    )


def simplified(case: Case) -> Iterator[tuple[str, Case]]:
    """Without each row, class and label; with each score 0 and 1 instead."""
    if case.input.ndim == 1:
        yield from ((words, other.unbatched()) for words, other in simplified(case.batched()))
        return
    rows, classes = len(case.input), case.classes
    for row in range(rows if rows > 1 else 0):
        yield f"row {row}", case.rows(np.delete(np.arange(rows), row))
    for one in range(classes if classes > 1 else 0):
        yield from ((f"class {one}", other) for other in without_class(case, one))
    if case.operator == MARGIN:
        yield from without_labels(case)
    yield from with_plain_scores(case)


def without_class(case: Case, gone: int) -> Iterator[Case]:
    """Without a class: its scores, its labels and one place of the target go, higher classes move down."""
    keep = np.arange(case.classes) != gone
    input, weight = case.input[:, keep], None if case.weight is None else case.weight[keep]
    if case.operator == SOFT:
        yield case.replace(input=input, target=case.target[:, keep], weight=weight)
        return
    for at_the_end in (True, False):
        rows = [fitted(labels, gone, case.classes - 1, at_the_end) for labels in case.target.astype(int).tolist()]
        yield case.replace(input=input, target=np.array(rows))


def fitted(labels: list[int], gone: int, width: int, at_the_end: bool) -> list[int]:
    """A row of a target without a class; if a place is left over it is the last, or that of a -1 before another."""
    left = [label - (label > gone) for label in labels if label != gone]
    doubled = [place for place in range(width) if left[place : place + 2] == [-1, -1]]
    if len(left) > width:
        del left[doubled[0] if doubled and not at_the_end else width]
    return left + [-1] * (width - len(left))


def without_labels(case: Case) -> Iterator[tuple[str, Case]]:
    """Without each label: those behind it move up."""
    for row, place in np.argwhere(case.target >= 0).tolist():
        target = case.target.copy()
        target[row] = [*np.delete(target[row], place), -1]
        if not np.array_equal(target, case.target):
            yield f"label {row, place}", case.replace(target=target)


def with_plain_scores(case: Case) -> Iterator[tuple[str, Case]]:
    """With 0 in the place of each other score, and 1 in the place of each that is neither."""
    for row, place in np.ndindex(case.input.shape):
        for plain in [0.0, 1.0][: 2 if case.input[row, place] != 1 else 1]:
            if case.input[row, place] != 0:
                input = case.input.copy()
                input[row, place] = plain
                yield f"score {row, place} as {plain}", case.replace(input=input)


def deviates(clause: Clause, subject: Subject, case: Case) -> bool:
    """Whether the subject breaks the clause on a case."""
    try:
        clause.law(subject, case)
    except (Deviation, Refused, WorkerCrashed, WorkerHung):
        return True
    except OracleError:
        return False
    return False


def simplifications_that_deviate(who: Inhabitant, finding: Finding) -> list[str]:
    """What can be taken from a finding's counterexample so that the subject still breaks the clause."""
    (clause,) = clauses(finding.clause)
    if finding.counterexample is None or (isinstance(clause.draw, Fixed) and clause.draw.whole):
        return []
    case = case_of(finding.operator, finding.counterexample)
    variant = Variant(finding.operator, "user", "eager", "cpu", finding.variant.dtype)
    targets = "int64" if finding.operator == MARGIN else "same"
    bench = Bench(built_in()["numpy"], sys.executable, Path(tempfile.gettempdir()), (str(CHECKOUT),))
    subject = Subject(variant, bench, Limits(), targets, ("value", "gradient", "after"), function=who.target)
    try:
        if not deviates(clause, subject, case):
            return ["nothing at all: the counterexample itself conforms"]
        if case.input.shape != case.target.shape:
            return []
        keep = clause.within if clause.within(case) else any_case
        return [words for words, other in simplified(case) if keep(other) and deviates(clause, subject, other)]
    finally:
        bench.close()


@pytest.mark.parametrize("who", SAMPLE, ids=str)
def test_nothing_can_be_taken_from_a_counterexample(who: Inhabitant, tmp_path: Path) -> None:
    """No row, class or label of it can go, and no score be 0 or 1 instead, without the deviation vanishing."""
    warnings.simplefilter("ignore")
    found = deviations(who, tmp_path)

    assert found
    left = {f"{one.clause} {one.variant.dtype}": simplifications_that_deviate(who, one) for one in found}
    assert {clause: words for clause, words in left.items() if words} == {}


def made(*scores: float) -> Case:
    """One row of scores with its label in class 0."""
    target = np.where(np.arange(len(scores)) == 0, 0, -1)[np.newaxis]
    return Case(MARGIN, "float32", np.array([scores]), target, "int64")


def test_the_way_of_failing_that_was_found_is_kept_where_it_can_be() -> None:
    """A smaller case that is wrong in another way comes second, but is not left out."""

    def judge(case: Case) -> str:
        if case.input.max() > 5:
            return "nan"
        return "finite" if case.classes > 2 else ""

    kept, kind = minimise(made(7.0, 7.0, 7.0), "nan", judge, 60.0)
    assert (kept.input.tolist(), kind) == ([[7.0]], "nan")

    slipped, kind = minimise(made(7.0, 7.0, 7.0, 7.0), "nan", lambda case: judge(case) * (case.classes > 2), 60.0)
    assert (slipped.input.tolist(), slipped.target.tolist(), kind) == ([[0.0] * 3], [[-1] * 3], "finite")


def test_a_case_of_many_classes_does_not_stay_large_for_the_sake_of_its_kind() -> None:
    """Where only many classes fail in the way that was found, the few that fail otherwise are shown in the end."""

    def judge(case: Case) -> str:
        time.sleep(case.classes * 5e-6)
        return "infinite" if case.classes > 900 else "finite"

    smallest, kind = minimise(made(*[7.0] * 1000), "infinite", judge, 1.0)

    assert (smallest.classes, kind) == (1, "finite")


def test_a_row_that_is_known_to_be_wrong_is_tried_first() -> None:
    """A batch of thousands takes no search."""
    asked: list[Case] = []

    def judge(case: Case) -> str:
        asked.append(case)
        return "finite" if (case.input == 9).any() else ""

    batch = made(*[0.0] * 3).rows(np.zeros(5000, dtype=np.int64))
    batch.input[4321, 1] = 9
    smallest, _ = minimise(batch, "finite", judge, 60.0, row=4321)

    assert smallest.input.tolist() == [[9.0]]
    assert len(asked) < 12


@pytest.mark.parametrize("rows", [1, 2, 7, 100])
def test_rows_that_fail_only_together_stay_together(rows: int) -> None:
    """Of many rows those two are left without which nothing fails."""
    batch = made(0.0, 0.0).rows(np.zeros(rows, dtype=np.int64))
    batch.input[0, 0], batch.input[-1, 1] = 3, 4

    smallest, _ = minimise(batch, "other", lambda case: "other" * (3 in case.input and 4 in case.input), 60.0)

    assert smallest.input.tolist() == ([[3.0, 4.0]] if rows == 1 else [[3.0, 0.0], [0.0, 4.0]])


def test_no_time_leaves_the_case_as_it_is() -> None:
    """Nothing is asked."""
    case = made(3.0, 4.0)

    assert minimise(case, "other", lambda _: "other", 0.0) == (case, "other")


def test_every_case_is_asked_about_once() -> None:
    """What is known is not verified again."""
    seen: list[str] = []

    def judge(case: Case) -> str:
        seen.append(case.digest())
        return "finite" if 3 in case.input and case.classes > 1 else ""

    minimise(made(2.0, 3.0, 0.5, -1.0, 8.0, 1.0), "finite", judge, 60.0)

    assert len(seen) == len(set(seen))


def test_where_shapes_are_dear_numbers_come_first_and_the_smallest_shape_next() -> None:
    """Few programs are compiled: one for the shape that failed, one for a single class."""
    shapes: list[tuple[int, ...]] = []

    def judge(case: Case) -> str:
        shapes.append(case.input.shape)
        return "finite" if (case.target == -1).any() else ""

    one = made(2.0, 3.0, 0.5, -1.0)
    alone, _ = minimise(one, "finite", judge, 60.0, shapes_are_dear=True)
    seen = list(dict.fromkeys(shapes))
    shapes.clear()
    among, _ = minimise(one.rows(np.zeros(9, dtype=np.int64)), "finite", judge, 60.0, 3, shapes_are_dear=True)

    assert alone.digest() == among.digest() == made(0.0).replace(target=np.array([[-1]])).digest()
    assert seen == [(1, 4), (1, 1)]
    assert set(shapes) == {(1, 1)}
