"""Subjects that fail calibration or break the contract get no verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.running.discover import UsageError
from conformance.running.plan import Filters
from tests.stand_in_runs import MARGIN_VALUES, run_stand_in


@pytest.mark.parametrize(
    ("fault", "words"),
    [("unfaithful", "calibration: sent"), ("no-evidence", "calibration: no evidence that mode eager ran")],
)
def test_a_subject_that_fails_calibration_gets_no_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, words: str
) -> None:
    """Every cell is a harness error, and the run is incomplete."""
    filters = Filters(MARGIN_VALUES.operators, dtypes=("float32",), clause="*.documented-formula")
    outcome = run_stand_in(monkeypatch, tmp_path, fault, filters)

    assert [finding.verdict for finding in outcome.findings] == ["harness-error"]
    assert outcome.findings[0].words.startswith(words)
    assert outcome.complete is False


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("returns-none", "it returned NoneType, not a dictionary"),
        ("returns-no-value", "'value' was wanted and is missing; the reply has loss"),
        ("returns-objects", "'value' is no array of numbers"),
        ("returns-what-cannot-be-sent", "DumpError"),
        ("returns-short-bytes", "'value' is no array of numbers"),
    ],
)
def test_a_reply_that_breaks_the_contract_is_a_harness_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, words: str
) -> None:
    """It blames the adapter, in one line, and no framework."""
    outcome = run_stand_in(monkeypatch, tmp_path, fault)

    assert {finding.verdict for finding in outcome.findings} == {"harness-error"}
    assert all(words in finding.words.splitlines()[0] for finding in outcome.findings)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("describes-nothing", "describe() breaks the contract: Object missing required field"),
        ("describes-a-path", "describe() gives '../elsewhere' as framework; that is no name"),
        ("describes-an-unknown-dtype", "describe() offers the dtype 'float33'; there are float16"),
    ],
)
def test_a_description_that_breaks_the_contract_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, words: str
) -> None:
    """Before anything is planned on it or written."""
    with pytest.raises(UsageError) as refused:
        run_stand_in(monkeypatch, tmp_path, fault)

    assert words in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_mode_that_cannot_run_here_is_named_in_the_header(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the machine lacks is left out of the plan, with one line."""
    outcome = run_stand_in(monkeypatch, tmp_path, "mode-left-out")

    assert [(mode.mode, mode.words) for mode in outcome.header.left_out] == [
        ("compiled", "no C++ compiler on this machine; install g++")
    ]
