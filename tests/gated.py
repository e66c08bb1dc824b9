"""Runs whose findings are made up, and the gate between them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from click.testing import CliRunner, Result

from conformance.command.cli import cli
from conformance.running.discover import find_subject
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from reports.record import Accuracy, ArgumentRecord, ClauseRecord, Counterexample, Failure, Finding, Header, Worst
from reports.run_files import RunWriter, read_run

FORMULA, NAN = "margin.value.documented-formula", "margin.numbers.infinities-and-nan"


Edit = Callable[[Finding], Finding | None]


def real_run(folder: Path) -> Path:
    """A run of NumPy, a few clauses."""
    filters = Filters(("multilabel_margin_loss",), dtypes=("float32",), clause="margin.[vn]*")
    options = Options(PROFILES["quick"], filters, sys.executable, out=folder)
    return run_subject(find_subject("numpy"), options, Progress()).path


def rewritten(source: Path, path: Path, edit: Edit, **header: object) -> Path:
    """A run with its findings edited, whole again; an edit that gives nothing leaves the finding out."""
    run = read_run(source)
    kept = [found for found in map(edit, run.findings) if found]
    fields = {**msgspec.to_builtins(run.header), **header, "planned": len(kept)}
    changed = msgspec.convert(fields, Header)
    with RunWriter(path) as writer:
        lines: list[ClauseRecord | Finding | Accuracy] = [*run.clauses, *kept, *run.accuracy]
        writer.write(changed)
        for line in lines:
            writer.write(line)
        writer.finish()
    return path


def only(clause: str, **fields: object) -> Edit:
    """An edit of the findings of one clause."""
    return lambda found: msgspec.structs.replace(found, **fields) if found.clause == clause else found


def witness(got: str = "1.0 (0x1p+0)") -> Counterexample:
    """A counterexample of one row and one class."""
    arguments = {
        "input": ArgumentRecord(dtype="float32", shape=[1, 1], values=[["0x0p+0"]]),
        "target": ArgumentRecord(dtype="int64", shape=[1, 1], values=[[-1]]),
    }
    return Counterexample(
        arguments=arguments, reduction="none", expected="0.0 (0x0p+0), within 0 ulp", got=got,
        reproducer="print(loss([[0.0]], [[-1]]))", dtype="float32",
    )  # fmt: skip


def deviating(problem: str = "finite", share: float = 100.0, case: int = 3) -> Edit:
    """The documented formula deviates in one case."""
    worst = Worst(ulp=share, share_of_bound=share) if problem == "finite" else None
    failure = Failure(case=case, problem=problem, share_of_bound=share if worst else None)
    return only(
        FORMULA, verdict="deviates", worst=worst, counterexample=witness(), repeatable=True, problem=problem,
        failures=[failure], first=case,
    )  # fmt: skip


def off_by(share: float) -> Edit:
    """The documented formula conforms with this worst error, as a share of its bound."""
    return only(FORMULA, worst=Worst(ulp=1, share_of_bound=share))


REFUSED = only(FORMULA, verdict="unsupported", words="TypeError: no")


def lossproof(*words: object) -> Result:
    """A command in this process."""
    return CliRunner().invoke(cli, [str(word) for word in words])


def gated(baseline: Path, candidate: Path, *words: object) -> Result:
    """The gate on two files."""
    return lossproof("gate", "--baseline", baseline, "--candidate", candidate, *words)
