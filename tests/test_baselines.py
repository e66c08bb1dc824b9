"""The baselines of this repository: whole, one for each framework, and about the cases that are asked today."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.running.discover import built_in, find_subject
from conformance.running.plan import PROFILES
from conformance.running.run import Options, Progress, run_subject
from reports.accepted import read_accepted
from reports.arrangement import DEVIATIONS
from reports.gate import compare
from reports.record import Run
from reports.run_files import read_run

ROOT = Path(__file__).resolve().parent.parent
BASELINES = ROOT / "reports" / "baselines"
ACCEPTED = ROOT / "reports" / "accepted"


@pytest.mark.parametrize("framework", sorted(built_in()))
def test_each_framework_has_a_baseline(framework: str) -> None:
    """A whole run of the quick profile; what deviates in it is accepted with a reason, and no entry is stale."""
    run = read_run(BASELINES / f"{framework}.jsonl")

    assert run.header.subject.framework == framework
    assert run.header.profile == "quick"
    comparison = compare(run, run, read_accepted([ACCEPTED]))
    assert not comparison.stale
    deviating = {each.clause for each in comparison.differences if each.after and each.after.verdict in DEVIATIONS}
    accepted = {each.clause for each in comparison.differences if each.accepted}
    assert deviating == accepted


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The quick profile of NumPy, whole."""
    options = Options(PROFILES["quick"], python=sys.executable, jobs=2, out=tmp_path_factory.mktemp("runs"))
    return read_run(run_subject(find_subject("numpy"), options, Progress()).path)


def test_the_baselines_are_about_the_cases_of_today(today: Run) -> None:
    """A clause that changed needs new baselines: CONTRIBUTING.md says how they are made."""
    comparison = compare(read_run(BASELINES / "numpy.jsonl"), today)

    assert not {"not-comparable", "coverage-lost", "new"} & set(comparison.counts), comparison.counts


def test_the_plain_implementation_conforms_everywhere(today: Run) -> None:
    """NumPy's subject breaks no clause in any dtype: no false alarm."""
    assert {finding.verdict for finding in today.findings} == {"conforms", "observed"}
    assert len(today.findings) > 500
