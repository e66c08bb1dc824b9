"""Runs of the stand-in, right or with a fault."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.judging.bench import Limits
from conformance.running.discover import Spec
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Outcome, Progress, run_subject
from reports.record import Finding

STAND_IN = Path(__file__).with_name("stand_in_adapter.py")


SPEC = Spec("stand-in", STAND_IN)


MARGIN_VALUES = Filters(operators=("multilabel_margin_loss",), dtypes=("float32",), clause="margin.value.[dst]*")
"""Four clauses, of which one takes sums."""


def run_stand_in(
    monkeypatch: pytest.MonkeyPatch, out: Path, fault: str, filters: Filters = MARGIN_VALUES, *, limit: float = 60.0
) -> Outcome:
    """Run the stand-in with a fault, in the quick profile."""
    monkeypatch.setenv("LOSSPROOF_FAULT", fault)
    options = Options(PROFILES["quick"], filters, sys.executable, out=out, limits=Limits(limit, limit))
    return run_subject(SPEC, options, Progress())


def by_clause(outcome: Outcome) -> dict[str, Finding]:
    """Findings by clause, of a run of a single variant."""
    return {finding.clause: finding for finding in outcome.findings}
