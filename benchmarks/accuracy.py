"""How exact the oracles are and how near the bounds, measured at length.

    python -m benchmarks.accuracy               about twenty minutes on two cores; writes docs/accuracy.md
    python -m benchmarks.accuracy --rows 20000  a short look; prints, and writes nothing

Two oracles that share no code are compared on generated rows, half of them or more
adversarial. Right implementations are held against the bounds, in shapes from one class
to 100,000 and from one row to 10,000. The tables of ``docs/accuracy.md`` are replaced.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from unittest.mock import patch

import numpy as np

from reference.exact import Rounded, quotient_of_sum
from reference.formats import FORMATS, Arithmetic, Bool, Float64, Int64
from reference.margin import margin_loss
from tests.agreement import batch
from tests.zoo import families
from tests.zoo.trials import Trial, trials

PAGE = Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"
ROWS_EACH = 1_000_000
DTYPES = tuple(FORMATS)
PLAIN_SHARE = 2  # of the batches, one in two is of a plain family
SMALL = ((200, 1), (200, 2), (200, 3), (200, 4), (150, 5), (100, 8), (40, 33))
LARGE = ((1, 100_000), (10_000, 4), (64, 1000), (3, 4096))

Agreement = tuple[str, str, bool, int, int]


def agreement(job: tuple[str, str, str, int]) -> Agreement:
    """Compare the two oracles of an operator on one batch."""
    operator, family, dtype, seed = job
    shape = (100, 1 + seed % 4)
    compared, disagreements = batch(operator, family, shape, dtype, seed)
    return operator, dtype, family not in families.PLAIN, compared, len(disagreements)


def agreement_jobs(rows: int) -> Iterator[tuple[str, str, str, int]]:
    """Batches of 100 rows, plain and adversarial ones taking turns."""
    adversarial = itertools.cycle(sorted(set(families.FAMILIES) - set(families.PLAIN)))
    plain = itertools.cycle(families.PLAIN)
    for operator in ("margin", "soft"):
        for seed in range(rows // 100):
            yield operator, next(plain if seed % PLAIN_SHARE else adversarial), DTYPES[seed // 2 % 4], seed


def bound(job: tuple[str, str, str, tuple[int, int], int]) -> list[Trial]:
    """Hold every right implementation against its bounds on one batch."""
    operator, dtype, family, shape, seed = job
    most = None if shape[1] <= 33 else 8 if shape[1] <= 4096 else 2
    return list(trials(operator, dtype, family, shape, seed, most=most))


def bound_jobs(rows: int) -> Iterator[tuple[str, str, str, tuple[int, int], int]]:
    """Small shapes with many seeds, large ones once."""
    for operator, dtype, family in itertools.product(("margin", "soft"), DTYPES, families.FAMILIES):
        for seed in range(max(1, rows // 500_000)):
            yield from ((operator, dtype, family, shape, seed) for shape in SMALL)
        if rows == ROWS_EACH and family in ("usual", "big-then-tiny", "offset"):
            yield from ((operator, dtype, family, shape, 0) for shape in LARGE)


def agreement_table(found: Iterable[Agreement]) -> str:
    """Rows compared and results that differed, for each operator and format."""
    rows: Counter[tuple[str, str]] = Counter()
    hard: Counter[tuple[str, str]] = Counter()
    different: Counter[tuple[str, str]] = Counter()
    for operator, dtype, adversarial, compared, disagreements in found:
        rows[operator, dtype] += compared
        hard[operator, dtype] += compared * adversarial
        different[operator, dtype] += disagreements
    lines = [f"| {key[0]} | {key[1]} | {rows[key]:,} | {hard[key]:,} | {different[key]} |" for key in rows]
    head = "| operator | format | rows | adversarial | disagreements |\n| --- | --- | ---: | ---: | ---: |\n"
    return head + "\n".join(lines)


def bound_table(found: Iterable[Trial]) -> str:
    """Cases, exceedances and the largest share of the bound, with who reached it."""
    groups: dict[tuple[str, str, str], list[Trial]] = defaultdict(list)
    for trial in found:
        groups[trial.operator, trial.quantity, trial.dtype].append(trial)
    lines: list[str] = []
    for (operator, quantity, dtype), members in groups.items():
        best = max(members, key=lambda trial: trial.share)
        cases, exceeded = sum(trial.cases for trial in members), sum(trial.exceeded for trial in members)
        who = f"{best.implementation}, {best.family}"
        lines.append(f"| {operator} | {quantity} | {dtype} | {cases:,} | {exceeded} | {best.share:.3f} | {who} |")
    head = "| operator | quantity | format | cases | outside | largest share | reached by |\n"
    return head + "| --- | --- | --- | ---: | ---: | ---: | --- |\n" + "\n".join(lines)


def plain_margin(scores: Float64, target: Int64) -> Float64:
    """The formula in float64 by broadcasting: value only, no bound."""
    block: Bool = np.logical_and.accumulate(target >= 0, axis=1)
    labels = np.where(block, target, 0)
    named = ((labels[:, :, None] == np.arange(int(scores.shape[1]))) & block[:, :, None]).any(axis=1)
    gap = 1 - np.take_along_axis(scores, labels, axis=1)[:, :, None] + scores[:, None, :]
    counted = block[:, :, None] & ~named[:, None, :]
    return np.asarray(np.where(counted, np.maximum(gap, 0), 0).sum(axis=(1, 2)) / scores.shape[1])


def costs() -> str:
    """What the margin oracle costs: its ratio to the plain formula, and a row that Python's integers decide."""
    generator = np.random.default_rng(0)
    scores = generator.integers(-8, 9, (100_000, 4)) / 4
    target = generator.integers(-1, 4, scores.shape)
    single, double = Arithmetic(FORMATS["float32"]), Arithmetic(FORMATS["float64"])
    ratios: list[float] = []
    for _ in range(9):
        started = time.perf_counter()
        plain_margin(scores, target)
        middle = time.perf_counter()
        margin_loss(scores, target, "none", single)
        ratios.append((time.perf_counter() - middle) / (middle - started))
    hard = np.tile([-(2.0**900), 2.0**-900, 1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], (2000, 1))
    block = np.tile([0, -1, *[0] * 8], (2000, 1))
    counted: list[int] = []

    def counting(counts: Float64, values: Float64, ones: Float64, divisor: int) -> Rounded:
        result = quotient_of_sum(counts, values, ones, divisor)
        counted.append(result.refined)
        return result

    seconds: list[float] = []
    with patch("reference.margin.quotient_of_sum", counting):
        for _ in range(9):
            started = time.perf_counter()
            margin_loss(hard, block, "none", double)
            seconds.append(time.perf_counter() - started)
    low, median, high = statistics.quantiles(ratios, n=4)
    each = statistics.median(seconds) / len(hard) * 1e6
    return (
        f"Value, gradient and bounds of 100,000 lattice rows of 4 classes take {median:.2f} times as long as the plain "
        f"float64 formula of the value alone (quartiles {low:.2f} to {high:.2f}). A row of 10 classes that "
        f"Python's integers must decide takes {each:.0f} µs ({counted[0]:,} of {len(hard):,} rows were decided so)."
    )


def replace(page: str, name: str, text: str) -> str:
    """A page with one measured part replaced."""
    before, _, after = _split(page, name)
    return f"{before}\n{text}\n{after}"


def part(page: str, name: str) -> str:
    """One measured part of a page."""
    return _split(page, name)[1]


def _split(page: str, name: str) -> tuple[str, str, str]:
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(start)
    text, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no part {name!r}")
    return before + start, text.strip(), end + after


def main() -> None:
    """Measure, print, and write the page if the measurement is whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=ROWS_EACH, help="rows on which the oracles are compared")
    rows: int = parser.parse_args().rows
    measured = {"costs": costs()}
    with ProcessPoolExecutor(2) as pool:
        measured["bounds"] = bound_table(
            trial for part in pool.map(bound, bound_jobs(rows), chunksize=4) for trial in part
        )
        measured["agreement"] = agreement_table(pool.map(agreement, agreement_jobs(rows), chunksize=20))
    measured["machine"] = f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}."
    page = PAGE.read_text(encoding="utf-8")
    for name, text in measured.items():
        print(f"{name}\n{text}\n")
        page = replace(page, name, text)
    if rows == ROWS_EACH:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
