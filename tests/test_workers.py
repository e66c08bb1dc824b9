"""Workers that die, hang or fail give the right finding, and the rest of the run is complete."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters import processes
from conformance.cases.case import Case
from conformance.judging.bench import Limits
from conformance.running.cell import Cell
from conformance.running.discover import Spec, UsageError
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Outcome, Progress, run_subject
from reports.record import Finding
from reports.run_files import read_run

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


@pytest.mark.parametrize(
    ("fault", "verdict", "words"),
    [
        ("sigkill", "crashes", "signal SIGKILL"),
        ("abort", "crashes", "signal SIGABRT"),
        ("exit", "crashes", "exit status 3"),
        ("sleep", "hangs", "no answer within 1 s"),
        ("adapter-raises", "harness-error", "RuntimeError: the adapter is broken"),
    ],
)
def test_a_worker_that_fails_costs_its_own_cell_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, verdict: str, words: str
) -> None:
    """The cell whose cases kill the worker gets the verdict; every other planned cell is answered."""
    outcome = run_stand_in(monkeypatch, tmp_path, fault, limit=1.0 if fault == "sleep" else 60.0)

    findings = by_clause(outcome)
    assert findings["margin.value.sum-of-rows"].verdict == verdict
    assert words in findings["margin.value.sum-of-rows"].words
    others = [finding.verdict for clause, finding in findings.items() if clause != "margin.value.sum-of-rows"]
    assert Counter(others) == {"conforms": 3}
    assert outcome.complete is (verdict != "harness-error")
    assert len(read_run(outcome.path).findings) == outcome.header.planned == 4


def test_what_is_no_exception_is_a_refusal_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A panic of the framework is its answer to that case; the clauses behind it are not touched by it."""
    outcome = run_stand_in(monkeypatch, tmp_path, "panics")
    findings = by_clause(outcome)

    assert findings["margin.value.sum-of-rows"].verdict == "deviates"
    assert findings["margin.value.sum-of-rows"].problem == "refused Panic"
    assert Counter(finding.verdict for finding in findings.values()) == {"deviates": 1, "conforms": 3}


def test_a_first_answer_that_takes_too_long_decides_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A longer try in a fresh worker does: what it answers counts."""
    monkeypatch.setenv("LOSSPROOF_MARK", str(tmp_path / "slept"))
    findings = by_clause(run_stand_in(monkeypatch, tmp_path / "runs", "sleeps-once", limit=1.0))

    assert (tmp_path / "slept").exists()
    assert {finding.verdict for finding in findings.values()} == {"conforms"}


@contextmanager
def one_core_with(processes: int) -> Generator[None]:
    """This process and what it starts on a single core, beside busy processes."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    program = "print(flush=True)\nwhile True: pass"
    busy = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(processes)]
    try:
        assert all(process.stdout and process.stdout.readline() for process in busy)
        yield
    finally:
        for process in busy:
            process.kill()
            process.communicate()
        os.sched_setaffinity(0, cores)


def _law_once(cell: Cell, case: Case) -> str | None:
    """The law on a case, without a second try."""
    return cell.clause.law(cell.subject, case)


def _uncounted(file: int) -> None:
    """A wait that the kernel does not count."""
    del file


def test_a_slow_answer_on_a_busy_machine_is_no_hang(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A call of 0.5 s of processor time beside busy processes, whose limit is 0.8 s: one try is enough."""
    filters = Filters(MARGIN_VALUES.operators, dtypes=("float32",), clause="margin.value.sum-of-rows")
    monkeypatch.setattr("conformance.running.judge._law", _law_once)
    slowest = 0.0

    for attempt in range(5):  # now and then the kernel gives the call most of the core, and nothing is slow
        monkeypatch.setenv("LOSSPROOF_MARK", str(tmp_path / f"computed-{attempt}"))
        with one_core_with(4):
            finding = run_stand_in(monkeypatch, tmp_path / "runs", "computes-once", filters, limit=0.8).findings[0]
        assert finding.verdict == "conforms", finding.words
        slowest = max(slowest, finding.seconds)
        if slowest > 0.8:
            break

    assert slowest > 0.8


@pytest.mark.parametrize("counted", [True, False], ids=["waits are counted", "waits are not counted"])
def test_a_wait_for_a_core_is_not_a_workers_own_time(monkeypatch: pytest.MonkeyPatch, *, counted: bool) -> None:
    """Computing and sleeping are."""
    if not counted:
        monkeypatch.setattr(processes, "_waited", _uncounted)
    own: dict[str, float] = {}
    with one_core_with(3):
        for program in ("while True: pass", "time.sleep(60)"):
            words = [sys.executable, "-c", f"import time\nprint(flush=True)\n{program}"]
            with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as process:
                assert process.stdout is not None
                process.stdout.readline()  # it has started
                time.sleep(0.1)
                watched = processes.Watched(process.pid)
                since = watched.moment()
                time.sleep(1.0)
                own[program] = watched.own_seconds(since) / (time.monotonic() - since.clock)
                watched.close()
                process.kill()

    computing, sleeping = own.values()
    assert 0.02 < computing < 0.85  # a session of its own may get half a core or more
    assert sleeping > 0.9


def test_a_hang_on_every_case_is_told_without_waiting_for_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Calibration hangs twice; every clause that needs an answer hangs, and the run is complete."""
    outcome = run_stand_in(monkeypatch, tmp_path, "always-sleeps", limit=1.0)

    assert {finding.verdict for finding in outcome.findings} == {"hangs"}
    assert all("no answer within 1 s" in finding.words for finding in outcome.findings)
    assert outcome.complete


def test_one_death_while_calibrating_decides_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A variant that refuses everything is unsupported, whatever happened to its first process."""
    monkeypatch.setenv("LOSSPROOF_MARK", str(tmp_path / "died"))
    outcome = run_stand_in(monkeypatch, tmp_path / "runs", "dies-once-and-refuses")

    assert (tmp_path / "died").exists()
    assert {finding.verdict for finding in outcome.findings} == {"unsupported"}
    assert not outcome.answered


def test_a_refusal_of_the_first_case_alone_deviates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a refusal of any other case does: what comes first is not what counts."""
    monkeypatch.setenv("LOSSPROOF_MARK", str(tmp_path / "refused"))
    filters = Filters(("multilabel_soft_margin_loss",), dtypes=("float32",), clause="soft.gradients.of-weight")
    finding = run_stand_in(monkeypatch, tmp_path / "runs", "refuses-the-first-weight-gradient", filters).findings[0]

    assert (finding.verdict, finding.problem, finding.first) == ("deviates", "refused IndexError", 1)


def test_what_is_recorded_has_words_for_a_wrong_shape(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An open clause never fails: a loss for all rows, or a gradient without rows, is what it saw."""
    clauses = ("*.numbers.infinities-and-nan", "soft.labels.minus-one", "margin.gradients.subgradient-at-tie")
    for clause in clauses:
        outcome = run_stand_in(
            monkeypatch, tmp_path, "one-loss-for-all-rows", Filters(dtypes=("float32",), clause=clause)
        )
        assert outcome.complete
        for finding in outcome.findings:
            assert finding.observed is not None
            assert any(words.startswith("shape ") for words in finding.observed.behaviours), finding


def test_the_import_of_a_framework_is_no_part_of_a_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker that takes longer to start than a call may last: nothing hangs."""
    outcome = run_stand_in(monkeypatch, tmp_path, "imports-slowly", limit=1.0)

    assert {finding.verdict for finding in outcome.findings} == {"conforms"}


@pytest.mark.parametrize("fault", ["sigkill", "sleep"])
def test_a_death_is_asked_again_and_shows_its_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str) -> None:
    """A crash or a hang names the case and says that it repeats."""
    filters = Filters(MARGIN_VALUES.operators, dtypes=("float32",), clause="margin.value.sum-of-rows")
    finding = run_stand_in(monkeypatch, tmp_path, fault, filters, limit=1.0).findings[0]

    assert finding.repeatable is True
    assert finding.counterexample is not None
    assert finding.counterexample.reduction == "sum"
    assert "reduction='sum'" in finding.counterexample.reproducer


def test_a_variant_that_refuses_everything_is_unsupported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every value clause is unsupported, in the framework's words."""
    outcome = run_stand_in(monkeypatch, tmp_path, "refuses")

    assert {finding.verdict for finding in outcome.findings} == {"unsupported"}
    assert {finding.words for finding in outcome.findings} == {"NotImplementedError: no kernel for 'cpu'"}


def test_a_variant_that_refuses_some_valid_cases_deviates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Answering some documented cases and raising on another is a deviation there."""
    findings = by_clause(run_stand_in(monkeypatch, tmp_path, "refuses-sum"))

    finding = findings["margin.value.sum-of-rows"]
    assert finding.verdict == "deviates"
    assert finding.counterexample is not None
    assert "no kernel for 'sum'" in finding.counterexample.got
    assert findings["margin.value.documented-formula"].verdict == "conforms"


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
