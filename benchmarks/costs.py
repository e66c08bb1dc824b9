"""What the oracles, the drawing of cases and the workers cost.

    python -m benchmarks.costs

Each figure is the median of interleaved repetitions in one run, with its quartiles;
what is compared with something else is given as a ratio as well.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from conformance.calibrate import probe
from conformance.case import MARGIN
from conformance.catalogue import clauses
from conformance.discover import built_in
from conformance.strategies import Domain
from conformance.subject import Bench, Limits, Subject, Variant
from reference.formats import FORMATS, Arithmetic, Float64, Int64
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss

ROWS, CLASSES, REPETITIONS = 100_000, 4, 9


def plain_margin(scores: Float64, target: Int64) -> Float64:
    """The formula in float64 by broadcasting: value only, no bound."""
    block = np.logical_and.accumulate(target >= 0, axis=1)
    labels = np.where(block, target, 0)
    named = ((labels[:, :, None] == np.arange(CLASSES)) & block[:, :, None]).any(axis=1)
    gap = 1 - np.take_along_axis(scores, labels, axis=1)[:, :, None] + scores[:, None, :]
    counted = block[:, :, None] & ~named[:, None, :]
    return np.asarray(np.where(counted, np.maximum(gap, 0), 0).sum(axis=(1, 2)) / CLASSES)


def plain_soft_margin(scores: Float64, labels: Float64) -> Float64:
    """The stable form in float64: value only, no bound."""
    kink = (1 - labels) * np.maximum(scores, 0) + labels * np.maximum(-scores, 0)
    return np.asarray((kink + np.log1p(np.exp(-np.abs(scores)))).mean(axis=1))


def timed(tasks: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each task, the tasks taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(REPETITIONS):
        for name, task in tasks.items():
            started = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def spread(values: list[float], scale: float, unit: str) -> str:
    """Median and quartiles."""
    low, middle, high = (scale * value for value in statistics.quantiles(values, n=4))
    return f"{middle:10.3g} {unit} (quartiles {low:.3g} to {high:.3g})"


def main() -> None:
    """Measure and print."""
    generator = np.random.default_rng(0)
    scores = generator.integers(-8, 9, (ROWS, CLASSES)) / 4
    target = generator.integers(-1, CLASSES, (ROWS, CLASSES))
    labels = generator.integers(0, 2, (ROWS, CLASSES)).astype(np.float64)
    single = Arithmetic(FORMATS["float32"])
    clause = clauses("margin.value.documented-formula")[0]
    variant = Variant(MARGIN, "port", "eager", "cpu", "float32")
    bench = Bench(built_in()["numpy"], sys.executable, Path(tempfile.gettempdir()))
    subject = Subject(variant, bench, Limits(), "int64", ("value",))
    call = probe(subject, (2, 4))
    subject.evaluate(call)
    tasks: dict[str, Callable[[], object]] = {
        "margin, plain formula, value": lambda: plain_margin(scores, target),
        "margin, oracle, value, gradient, bounds": lambda: margin_loss(scores, target, "none", single),
        "soft margin, plain formula, value": lambda: plain_soft_margin(scores, labels),
        "soft margin, oracle, value, gradient, bounds": lambda: soft_margin_loss(scores, labels, "none", single),
        "drawing 100 cases": lambda: clause.draw.cases(Domain("float32", "int64"), 100, clause.id, 0),
        "100 calls of a warm worker": lambda: [subject.evaluate(call) for _ in range(100)],
    }
    seconds = timed(tasks)
    bench.discard()
    for name, values in seconds.items():
        print(f"{name:48}{spread(values, 1e3, 'ms')}")
    for operator in ("margin", "soft margin"):
        plain, oracle = (
            seconds[f"{operator}, plain formula, value"],
            seconds[f"{operator}, oracle, value, gradient, bounds"],
        )
        ratios = [with_bounds / alone for with_bounds, alone in zip(oracle, plain, strict=True)]
        print(f"{operator + ', oracle over plain formula':48}{spread(ratios, 1.0, 'x')}")


if __name__ == "__main__":
    main()
