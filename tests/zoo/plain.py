"""Plain random cases, as people try a port of theirs on, and how many of them an implementation gets right.

Scores are normal and float32; a batch has one to four rows of two to six classes. The
margin loss has one to three different labels a row, padded by -1; the soft margin loss
has labels 0 and 1 and no weight. The reduction is any of the three; the upstream
gradient is ones.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
from pathlib import Path

import numpy as np

from conformance.cases.case import Case
from conformance.judging.answers import Refused, Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.subject import Subject
from conformance.operators.catalogue import OPERATORS
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.running.discover import built_in
from tests.laws import plain_dtypes
from tests.zoo.inhabitants import first_mode

CHECKOUT = Path(__file__).resolve().parents[2]


@functools.cache
def plain_cases(operator: str, count: int) -> tuple[Case, ...]:
    """The first so many plain cases of an operator."""
    generator = np.random.default_rng(0)
    return tuple(_plain_case(generator, operator) for _ in range(count))


def _plain_case(generator: np.random.Generator, operator: str) -> Case:
    rows, classes = int(generator.integers(1, 5)), int(generator.integers(2, 7))
    margin = operator == MARGIN.name
    target = _labels(generator, rows, classes) if margin else generator.integers(0, 2, (rows, classes)).astype(float)
    input = generator.normal(size=(rows, classes)).astype(np.float32).astype(np.float64)
    return Case(
        operator=OPERATORS[operator],
        dtype="float32",
        arrays={"input": input, "target": target},
        dtypes=dict(plain_dtypes(OPERATORS[operator])),
        reduction=("none", "sum", "mean")[generator.integers(3)],
    )


def _labels(generator: np.random.Generator, rows: int, classes: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    target = np.full((rows, classes), -1, dtype=np.int64)
    for row in target:
        count = int(generator.integers(1, min(3, classes) + 1))
        row[:count] = generator.permutation(classes)[:count]
    return target


@functools.cache
def _bench(framework: str, python: str) -> Bench:
    """One worker for all implementations of a framework that this process asks."""
    folder = tempfile.TemporaryDirectory(prefix="lossproof-zoo-")
    bench = Bench(built_in()[framework], python, Path(folder.name), (str(CHECKOUT),))
    atexit.register(folder.cleanup)
    atexit.register(bench.close)
    return bench


def agreement(target: str, operator: str, framework: str, python: str, count: int) -> float:
    """The share of plain cases on which value and gradient are within their bounds."""
    subject = Subject(
        variant=Variant(operator, "user", first_mode(framework), "cpu", "float32"),
        bench=_bench(framework, python),
        limits=Limits(),
        operator=OPERATORS[operator],
        dtypes=plain_dtypes(OPERATORS[operator]),
        offers=("value", "gradient"),
        flushes=framework in ("jax", "tensorflow"),
        function=target,
    )
    cases = plain_cases(operator, count)
    return sum(_agrees(subject, case) for case in cases) / len(cases)


def _agrees(subject: Subject, case: Case) -> bool:
    try:
        got = subject.evaluate(case, "gradient")
    except Refused:
        return False
    expected = subject.expected(case, as_documented=True)
    pairs = ((got.value, expected.value), (got.gradient, expected.gradient))
    return all(
        array.shape == bound.low.shape and bool(bound.admits(array.values, case.format).all()) for array, bound in pairs
    )
