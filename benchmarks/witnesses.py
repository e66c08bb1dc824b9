"""How long it takes to make the witnesses of the zoo small."""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks.timing import spread, table
from conformance.cases.case import Case
from conformance.cases.minimise import minimise
from conformance.cases.trials import Budget, Judge
from conformance.running.discover import find_function
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from tests.zoo.inhabitants import Inhabitant, inhabitants


@dataclass(frozen=True)
class Search:
    """One witness that was made smaller: seconds, and how many cases were asked about."""

    seconds: float
    asked: int


def searches(who: Inhabitant) -> list[Search]:
    """Every witness of one fault of the zoo, from its failing batch to the smallest case."""
    found: list[Search] = []

    def watched(case: Case, kind: str, judge: Judge, budget: Budget, row: int | None = None) -> tuple[Case, str]:
        asked = [0]

        def counting(other: Case) -> str:
            asked[0] += 1
            return judge(other)

        started = time.perf_counter()
        smallest = minimise(case, kind, counting, budget, row)
        found.append(Search(time.perf_counter() - started, asked[0]))
        return smallest

    filters = Filters((who.operator,), ("eager",), levels=("documented", "implied", "quality"))
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, patch("conformance.running.witness.minimise", watched):
        options = Options(PROFILES["quick"], filters, sys.executable, out=Path(folder))
        outcome = run_subject(find_function(who.target, who.operator, "numpy"), options, Progress())
    broken = [finding.words for finding in outcome.findings if finding.verdict == "harness-error"]
    if broken:
        raise RuntimeError(f"{who}: {broken[0]}")
    return found


def _median(searched: list[Search]) -> float:
    return statistics.median(search.seconds for search in searched)


def witnesses(every: int) -> str:
    """From a failing batch to the minimal counterexample, over the faults of the zoo."""
    faults = [who for who in inhabitants("numpy") if not who.right][::every]
    with ProcessPoolExecutor(2) as pool:
        found = list(filter(None, pool.map(searches, faults)))
    every_search = list(itertools.chain.from_iterable(found))
    lines = {
        f"each of {len(every_search)} witnesses, ms": spread([one.seconds for one in every_search], 1e3),
        f"the median of each of {len(found)} faults, ms": spread(list(map(_median, found)), 1e3),
        "cases asked about for a witness": spread([float(one.asked) for one in every_search]),
    }
    longest = max(one.seconds for one in every_search)
    return table("quick profile", lines) + f"\n\nOne fault in {every} was asked. The longest took {longest:.2f} s."
