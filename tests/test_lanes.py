"""Several workers share a run: what they find does not depend on their number."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.judging.answers import Variant
from conformance.running.discover import Spec
from conformance.running.lanes import shares
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


def test_each_form_begins_with_another_worker() -> None:
    """The formats that take longest are the same in every form, so that no worker gets them all."""
    wanted = [
        Variant("multilabel_margin_loss", form, "eager", "cpu", dtype)
        for form in ("native", "module")
        for dtype in ("float16", "bfloat16", "float32", "float64")
    ]

    assert shares(wanted, 2) == [0, 1, 0, 1, 1, 0, 1, 0]
    assert shares(wanted, 1) == [0] * len(wanted)
