"""Several workers share a run: what they find does not depend on their number."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.running.discover import Spec
from conformance.running.lanes import lanes_of, load_of_a_cell
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from tests.calls import STAND_IN


def test_two_workers_find_what_one_finds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Verdicts, cases and order do not depend on the number of workers."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "duplicates-collapse")
    filters = Filters(operators=("multilabel_margin_loss",), clause="margin.labels.*")
    runs = [
        run_subject(
            Spec("stand-in", STAND_IN),
            Options(PROFILES["quick"], filters, sys.executable, jobs, out=tmp_path),
            Progress(),
        )
        for jobs in (1, 3)
    ]

    one, three = ([(f.clause, f.variant, f.verdict, f.cases_digest) for f in run.findings] for run in runs)
    assert one == three


def test_the_lanes_have_about_the_same_to_do() -> None:
    """The largest loads first, so that no lane is left with a long one at the end."""
    assert lanes_of([1, 1, 10, 1, 1, 1, 5], 2) == [1, 1, 0, 1, 1, 1, 1]
    assert lanes_of([3, 3, 3], 1) == [0, 0, 0]
    assert lanes_of([], 2) == []
    shapes, programs = "expensive-shapes", "expensive-programs"
    assert load_of_a_cell([], compiled=True) == load_of_a_cell([shapes], compiled=False)
    assert load_of_a_cell([], compiled=True) < load_of_a_cell([shapes], compiled=True)
    assert load_of_a_cell([shapes], compiled=True) < load_of_a_cell([shapes, programs], compiled=True)
