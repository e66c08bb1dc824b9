"""Witnesses are minimal: whatever is taken away from one, the deviation vanishes.

A sample of the zoo in two formats is asked here; ``LOSSPROOF_ZOO=all`` asks every fault in every format.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters.gateway import WorkerCrashed, WorkerHung
from conformance.cases.case import Case
from conformance.cases.corpus import numbers_of
from conformance.cases.drawing import Fixed
from conformance.judging.answers import Refused, Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.clause import Clause, any_case
from conformance.judging.compare import Deviation
from conformance.judging.subject import Subject
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.running.discover import built_in, find_function
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from reference.arguments import OracleError
from reports.record import Counterexample, Finding
from tests.laws import plain_dtypes
from tests.zoo.inhabitants import Inhabitant, inhabitants
from tests.zoo.plain import CHECKOUT

pytestmark = pytest.mark.usefixtures("few_rows")

EVERY = 16
"""One fault in so many is asked here."""

HISTORY = ("stale_mask", "cached_by_shape")
"""What these answer depends on the calls before, so that no case of theirs has one answer."""

MANY_CLASSES = ("labels_in_16_bits",)
"""A witness of more than 32,768 classes: they are halved, not tried one by one within the evaluations allowed."""

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


def case_of(operator: str, shown: Counterexample) -> Case:
    """The case that a counterexample shows."""
    whole = {argument.name for argument in OPERATORS[operator].arguments if argument.whole_numbers}
    arrays = {name: numbers_of(each.values, each.shape) for name, each in shown.arguments.items()}
    return Case(
        operator=OPERATORS[operator],
        dtype=shown.dtype,
        arrays={name: array.astype(np.int64) if name in whole else array for name, array in arrays.items()},
        dtypes={name: each.dtype for name, each in shown.arguments.items() if each.dtype != shown.dtype},
        reduction=shown.reduction,
        cotangent=None if shown.cotangent is None else numbers_of(shown.cotangent),
        options=dict(shown.options),
    )


def simplified(case: Case) -> Iterator[tuple[str, Case]]:
    """Without each row, class and label; with each score 0 and 1 instead."""
    if not case.has_batch:
        yield from ((words, other.unbatched()) for words, other in simplified(case.batched()))
        return
    rows, classes = case.rows, case.classes
    for row in range(rows if rows > 1 else 0):
        yield f"row {row}", case.some_rows(np.delete(np.arange(rows), row))
    for one in range(classes if classes > 1 else 0):
        yield from ((f"class {one}", other) for other in without_class(case, one))
    if case.operator is MARGIN:
        yield from without_labels(case)
    yield from with_plain_scores(case)


def without_class(case: Case, gone: int) -> Iterator[Case]:
    """Without a class: its scores, its labels and one place of the target go, higher classes move down."""
    keep = np.arange(case.classes) != gone
    if case.operator is not MARGIN:
        yield case.places("C", keep)
        return
    for at_the_end in (True, False):
        rows = [fitted(labels, gone, case.classes - 1, at_the_end) for labels in case["target"].astype(int).tolist()]
        yield case.replace(input=case["input"][:, keep], target=np.array(rows))


def fitted(labels: list[int], gone: int, width: int, at_the_end: bool) -> list[int]:
    """A row of a target without a class; if a place is left over it is the last, or that of a -1 before another."""
    left = [label - (label > gone) for label in labels if label != gone]
    doubled = [place for place in range(width) if left[place : place + 2] == [-1, -1]]
    if len(left) > width:
        del left[doubled[0] if doubled and not at_the_end else width]
    return left + [-1] * (width - len(left))


def without_labels(case: Case) -> Iterator[tuple[str, Case]]:
    """Without each label: those behind it move up."""
    for row, place in np.argwhere(case["target"] >= 0).tolist():
        target = case["target"].copy()
        target[row] = [*np.delete(target[row], place), -1]
        if not np.array_equal(target, case["target"]):
            yield f"label {row, place}", case.replace(target=target)


def with_plain_scores(case: Case) -> Iterator[tuple[str, Case]]:
    """With 0 in the place of each other score, and 1 in the place of each that is neither."""
    for row, place in np.ndindex(case["input"].shape):
        for plain in [0.0, 1.0][: 2 if case["input"][row, place] != 1 else 1]:
            if case["input"][row, place] != 0:
                input = case["input"].copy()
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
    bench = Bench(built_in()["numpy"], sys.executable, Path(tempfile.gettempdir()), (str(CHECKOUT),))
    operator, offers = case.operator, ("value", "gradient", "after")
    subject = Subject(variant, bench, Limits(), operator, plain_dtypes(operator), offers, function=who.target)
    try:
        if not deviates(clause, subject, case):
            return ["nothing at all: the counterexample itself conforms"]
        if case["input"].shape != case["target"].shape:
            return []
        keep = clause.keeps if clause.keeps(case) else any_case
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
