"""The gate puts changes that were planted in a framework's code into their classes, by running both versions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.judging.bench import Limits
from conformance.running.discover import Spec, find_subject
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from reports.gate import FAIL_ON, Comparison, compare
from reports.record import Run
from reports.run_files import read_run
from tests.stand_in.planted import CHANGES, Change
from tests.stand_in.versions import Edit, write_version

pytestmark = pytest.mark.usefixtures("few_rows")

SECONDS = 1.5
"""After which a call counts as hung here."""


class Runs:
    """Runs of versions of the stand-in, each made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[object, Run] = {}

    def of(self, version: str, edits: tuple[Edit, ...], change: Change) -> Run:
        """The run of a version, asked what a change is about."""
        key = (version, edits, change.clauses, change.dtypes, change.modes)
        if key not in self._made:
            folder = self._folder / str(len(self._made))
            adapter = write_version(folder, version, edits)
            self._made[key] = _run(adapter, change, folder)
        return self._made[key]


def _run(adapter: Path, change: Change, folder: Path) -> Run:
    dropped = {word for word in (*change.modes, *change.dtypes) if f'"{word}"' not in _offers(adapter)}
    filters = Filters(
        (change.operator,),
        tuple(mode for mode in change.modes if mode not in dropped),
        tuple(dtype for dtype in change.dtypes if dtype not in dropped),
        change.clauses,
    )
    limits = Limits(SECONDS, SECONDS)
    options = Options(PROFILES["quick"], filters, sys.executable, jobs=2, out=folder, limits=limits, minimise=100)
    return read_run(run_subject(Spec("stand_in", adapter), options, Progress()).path)


def _offers(adapter: Path) -> str:
    """The lines of an adapter that name its modes and dtypes."""
    lines = adapter.read_text(encoding="utf-8").splitlines()
    return "".join(line for line in lines if '"modes":' in line or line.startswith("_DTYPES"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Every run that a test of this file needs."""
    return Runs(tmp_path_factory.mktemp("versions"))


def compared(runs: Runs, change: Change) -> Comparison:
    """Both versions of a change, run and compared."""
    return compare(runs.of("1.0", change.before, change), runs.of("1.1", change.after, change))


def test_the_same_version_is_the_same_each_time(tmp_path: Path) -> None:
    """Every clause of two losses, run three times more: nothing is worse, changed or otherwise observed."""

    def run(name: str) -> Run:
        filters = Filters(("multilabel_margin_loss", "soft_margin_loss"), dtypes=("float32",))
        options = Options(PROFILES["quick"], filters, sys.executable, jobs=2, out=tmp_path / name)
        return read_run(run_subject(find_subject("numpy"), options, Progress()).path)

    baseline = run("baseline")

    counts = [compare(baseline, run(str(number))).counts for number in range(3)]

    assert counts == [{"same": baseline.header.planned}] * 3


def test_every_class_has_its_changes() -> None:
    """Thirty changes and more, of every class that a change of a framework can be in."""
    assert len(CHANGES) == len({change.words for change in CHANGES}) >= 30
    planted = {change.expected for change in CHANGES}
    assert planted == {
        "regressed", "changed", "worse", "fixed", "support-lost", "support-gained", "coverage-lost", "new", "same",
        "behaviour-changed",
    }  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.words.replace(" ", "-"))
def test_a_planted_change_is_put_into_its_class(runs: Runs, change: Change) -> None:
    """Wherever it is seen, in its class; and seen where it must be."""
    found = compared(runs, change)

    kinds = {(each.clause, each.kind): each.words for each in found.differences}
    assert (change.where, change.expected) in kinds, found.counts
    unexpected = {key: words for key, words in kinds.items() if key[1] not in {"same", change.expected, *change.beside}}
    assert not unexpected
    assert (found.status() != 0) is (change.expected in FAIL_ON)
