"""What a run costs: rates, and ratios to what the framework's own calls cost.

    python -m benchmarks.speed --python TORCH_PYTHON          prints
    python -m benchmarks.speed --python TORCH_PYTHON --write  writes docs/benchmarks.md as well

Through a worker, by the code that ``lossproof run`` uses. What is compared takes turns in
one run; each figure is a median with its quartiles. All but the last two parts are
measured on one core.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.accuracy import replace
from benchmarks.engine import rates
from benchmarks.timing import seconds, spread, table, timed
from benchmarks.witnesses import witnesses
from conformance.cases.case import Case
from conformance.cases.drawing import Domain
from conformance.cases.lattice import lattice
from conformance.cases.operator import Operator
from conformance.judging.answers import Array, Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.compare import assert_gradient, assert_value, assert_within
from conformance.judging.subject import Subject
from conformance.operators.catalogue import clauses
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from conformance.operators.multilabel_soft_margin_loss.extremes import half_scores
from conformance.running.calibrate import probe
from conformance.running.discover import built_in
from reference.bit_patterns import scores, soft_margin_blocks
from reference.formats import FORMATS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
TARGETS = (("target", "int64"),)
QUICK_RUNS = 3
SOFT_ROWS = 200_000
SLICE, A_CALL = 1 << 24, 1 << 18
SLICES = (0x0000_0000, 0x3400_0000, 0x3F00_0000, 0x4200_0000, 0xBF00_0000, 0xC100_0000)
"""Where slices of float32 bit patterns begin: subnormal, small, about 1, about 60, and negative ones."""

ALONE = """
import sys, time
import numpy, torch
torch.set_num_threads(1)
batches = [numpy.load(path) for path in sys.argv[1:]]
rows = [[torch.from_numpy(b[name]) for name in ("input", "target", "cotangent")] for b in batches]
for _ in sys.stdin:
    started = time.perf_counter()
    for input, target, cotangent in rows:
        input = input.detach().requires_grad_()
        loss = torch.nn.functional.multilabel_margin_loss(input, target, reduction="none")
        torch.autograd.grad(loss, input, cotangent)
    print(time.perf_counter() - started, flush=True)
"""
"""The framework's own forward and backward calls on the same rows, once for each line that it reads."""


@contextmanager
def subject_of(python: str, operator: Operator, dtype: str) -> Generator[Subject]:
    """Torch, eager, in a warm worker on this process's cores."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(built_in()["torch"], python, Path(folder))
        variant = Variant(operator.name, "native", "eager", "cpu", dtype)
        dtypes = TARGETS if operator is MARGIN else ()
        subject = Subject(variant, bench, Limits(), operator, dtypes, ("value", "gradient"))
        try:
            subject.evaluate(probe(subject, (2, 4)), "gradient")
            yield subject
        finally:
            bench.close()


@contextmanager
def alone(python: str, cases: list[Case], folder: Path) -> Generator[Callable[[], float]]:
    """The framework without the suite; called, it gives the seconds of one round."""
    paths = [str(folder / f"{place}.npz") for place in range(len(cases))]
    for path, case in zip(paths, cases, strict=True):
        np.savez(
            path,
            input=case["input"].astype(np.float32),
            target=case["target"],
            cotangent=case.upstream().astype(np.float32),
        )
    command = [python, "-c", ALONE, *paths]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603

        def once() -> float:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("the framework's process has no pipes")
            process.stdin.write("again\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        once()
        yield once
        process.terminate()


def exhaustive(python: str) -> str:
    """The lattice up to four classes, float32: the suite against the framework alone."""
    cases = lattice(Domain(MARGIN, "float32", TARGETS, lattice=4))

    def both(subject: Subject, asked: list[Case]) -> None:
        for case in asked:
            assert_value(subject, case)
            assert_gradient(subject, case)

    with (
        tempfile.TemporaryDirectory() as folder,
        subject_of(python, MARGIN, "float32") as subject,
        alone(python, cases, Path(folder)) as framework,
    ):
        both(subject, cases)
        tasks: dict[str, Callable[[], float]] = {
            "alone": framework,
            "calls": lambda: seconds(lambda: [subject.evaluate(case, "gradient") for case in cases]),
            "first": lambda: seconds(lambda: both(subject, [case.replace() for case in cases])),
            "later": lambda: seconds(lambda: both(subject, cases)),
        }
        taken = timed(tasks)
    lines = {
        "the framework's own forward and backward calls, alone, ms": spread(taken["alone"], 1e3),
        "the same calls through a worker, ms": spread(taken["calls"], 1e3),
        "both clauses, first variant, oracle included, ms": spread(taken["first"], 1e3),
        "both clauses, every later variant, ms": spread(taken["later"], 1e3),
    }
    for name, below in (("later", "alone"), ("later", "calls"), ("first", "alone"), ("first", "calls")):
        ratios = [above / under for above, under in zip(taken[name], taken[below], strict=True)]
        words = {"alone": "the framework alone", "calls": "the calls through a worker"}[below]
        lines[f"{name} variant over {words}, times"] = spread(ratios)
    return table(f"{sum(case.rows for case in cases):,} rows", lines)


def complete(python: str) -> str:
    """Value, gradient, oracle, bound and comparison at four classes, and where the time goes."""
    generator = np.random.default_rng(0)
    shape = (SOFT_ROWS, 4)
    usual = FORMATS["float32"].round(generator.normal(size=shape) * 4)
    labels = generator.integers(0, 2, shape).astype(np.float64)
    batches = {
        MARGIN: lattice(Domain(MARGIN, "float32", TARGETS, lattice=4))[3],
        SOFT: Case(SOFT, "float32", {"input": usual, "target": labels}),
    }
    lines: dict[str, str] = {}
    for operator, batch in batches.items():
        with subject_of(python, operator, "float32") as subject:
            taken = timed({"whole": lambda: seconds(lambda: whole(subject, batch.replace()))})  # noqa: B023
        rates = [batch.rows / value for value in taken["whole"]]
        lines[f"{operator}, {batch.rows:,} rows of 4 classes, rows a second"] = spread(rates, digits=",.0f")
    return table("complete check", lines)


def whole(subject: Subject, case: Case) -> None:
    """One call for value and gradient, the oracle, both comparisons."""
    got, expected = subject.evaluate(case, "gradient"), subject.expected(case)
    assert_within(subject, case, got.value, expected.value)
    assert_within(subject, case, got.gradient, expected.gradient)


def half(python: str) -> str:
    """All scores of the 16-bit formats, both labels, value and gradient."""
    lines: dict[str, str] = {}
    for dtype in ("float16", "bfloat16"):
        batches = half_scores(Domain(SOFT, dtype))
        with subject_of(python, SOFT, dtype) as subject:

            def both(asked: Subject = subject, cases: list[Case] = batches) -> None:
                for case in cases:
                    fresh = case.replace()
                    assert_value(asked, fresh, as_documented=True)
                    assert_gradient(asked, fresh)

            rows = sum(case.rows for case in batches)
            lines[f"{dtype}, {rows:,} rows, ms"] = spread(timed({"": lambda: seconds(both)})[""], 1e3)
    return table("every half score", lines)


def single(python: str) -> str:
    """Slices of the float32 scores, and what all of them would take."""
    taken: dict[str, list[float]] = {"value": [], "value and gradient": []}
    with subject_of(python, SOFT, "float32") as subject:
        check_slice(subject, range(A_CALL), gradient=True)
        for first in SLICES:
            patterns = range(first, first + SLICE)
            for name, values in taken.items():
                values.append(seconds(lambda: check_slice(subject, patterns, gradient="gradient" in name)))  # noqa: B023
    lines: dict[str, str] = {}
    for name, values in taken.items():
        lines[f"{name}, {SLICE:,} scores, s"] = spread(values)
        lines[f"{name}, all 2^32 at this rate, minutes"] = spread(values, (1 << 32) / SLICE / 60)
    return table("one label", lines)


def check_slice(subject: Subject, patterns: range, *, gradient: bool) -> None:
    """A range of scores, in calls of many rows, compared block by block."""
    for start in range(0, len(patterns), A_CALL):
        part = patterns[start : start + A_CALL]
        rows = scores(part, FORMATS["float32"])[:, np.newaxis]
        case = Case(SOFT, "float32", {"input": rows, "target": np.ones(rows.shape)})
        got = subject.evaluate(case, *(["gradient"] if gradient else []))
        for block, expected in soft_margin_blocks(part, 1.0, subject.arithmetic, printed=True):
            assert_within(subject, case, Array(got.value.values[block], "float32"), expected.value)
            if gradient:
                slopes = got.gradient.values[block, 0]
                assert_within(subject, case, Array(slopes, "float32"), expected.gradient)


def quick(python: str) -> str:
    """The quick profile of torch, eager, as a user starts it; and what drawing and calling cost."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "lossproof.py"), "run", "torch", "--python", python]
        command += ["--profile", "quick", "--mode", "eager", "--out", folder]
        whole_run = timed(
            {"run": lambda: seconds(lambda: subprocess.run(command, check=True, capture_output=True))},  # noqa: S603
            QUICK_RUNS,
        )["run"]
    clause = clauses("margin.value.documented-formula")[0]
    seeds = itertools.count()
    with subject_of(python, MARGIN, "float32") as subject:
        call = probe(subject, (2, 4))
        parts = timed(
            {
                "draw": lambda: seconds(
                    lambda: clause.draw.cases(Domain(MARGIN, "float32", TARGETS), 100, clause.id, next(seeds))
                ),
                "call": lambda: seconds(lambda: [subject.evaluate(call) for _ in range(100)]),
                "expect": lambda: seconds(lambda: [subject.expected(call.replace()) for _ in range(100)]),
            }
        )
    lines = {
        f"`lossproof run torch --profile quick --mode eager`, {QUICK_RUNS} runs, s": spread(whole_run),
        "100 cases drawn, ms": spread(parts["draw"], 1e3),
        "100 calls of a warm worker, ms": spread(parts["call"], 1e3),
        "100 small cases through the margin oracle, ms": spread(parts["expect"], 1e3),
    }
    return table("quick profile", lines)


def on_one_core(measure: Callable[[str], str], python: str) -> str:
    """Measure with this process and its workers on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return measure(python)
    finally:
        os.sched_setaffinity(0, cores)


def main() -> None:
    """Measure, print, and write the page if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", required=True, help="interpreter that has torch")
    parser.add_argument("--every", type=int, default=1, help="of the zoo, one fault in so many")
    parser.add_argument("--write", action="store_true", help=f"replace the tables of docs/{PAGE.name}")
    arguments = parser.parse_args()
    python: str = arguments.python
    parts: dict[str, Callable[[], str]] = {
        "lattice": lambda: on_one_core(exhaustive, python),
        "complete": lambda: on_one_core(complete, python),
        "half": lambda: on_one_core(half, python),
        "single": lambda: on_one_core(single, python),
        "engine": lambda: on_one_core(lambda _: rates(), python),
        "witnesses": lambda: witnesses(arguments.every),
        "quick": lambda: quick(python),
        "machine": lambda: (
            f"{datetime.now(UTC):%Y-%m-%d}: {platform.machine()}, {os.cpu_count()} cores, "
            f"Python {platform.python_version()}, NumPy {np.__version__}; load at the end {os.getloadavg()[0]:.1f}."
        ),
    }
    page = PAGE.read_text(encoding="utf-8")
    for name, measure in parts.items():
        text = measure()
        print(f"{name}\n{text}\n", flush=True)
        page = replace(page, name, text)
    if arguments.write:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
