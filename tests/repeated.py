"""Does the same version, asked again, get the same verdicts? Several runs of each framework, compared with the first.

    python -m tests.repeated --python torch=.tox/torch/bin/python --runs 10 --folder repeated
    python -m tests.repeated --folder repeated --write          those that are there, into docs/repeatability.md

A run that lies in the folder already is not made again, and what the page says of other
subjects and modes stays, so that series may be made in several sittings; each is of one
state of the suite, which the page names. Exit status: 0 where every run says the same, 1
where one does not.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy import part, replace
from reports.record import Finding, Run
from reports.run_files import find_run_files, read_run

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "repeatability.md"

HEAD = (
    "| subject | modes | profile | runs | cells | other verdicts | other recordings | begun, suite |",
    "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
)

Cell = tuple[str, str]
"""A clause and a variant, in words."""


@dataclass(frozen=True)
class Series:
    """Runs of one framework, and the cells about which they differ."""

    runs: list[Run]
    verdicts: list[Cell]
    recordings: list[Cell]

    @property
    def modes(self) -> list[str]:
        """The modes that were asked."""
        return list(dict.fromkeys(found.variant.mode for found in self.runs[0].findings))


def cell_of(found: Finding) -> Cell:
    """Which cell of the plan a finding answers."""
    variant = found.variant
    return found.clause, f"{variant.form}, {variant.mode}, {variant.device}, {variant.dtype}"


def said(found: Finding) -> tuple[object, ...]:
    """What a finding must say again: its verdict, about the same cases, with the same problem."""
    return found.verdict, found.cases, found.cases_digest, found.problem


def recorded(found: Finding) -> object:
    """What an open clause saw, and how often."""
    return found.observed.behaviours if found.observed else None


def compared(runs: list[Run]) -> Series:
    """A series, with what differs from its first run."""
    first = {cell_of(found): found for found in runs[0].findings}
    verdicts: dict[Cell, None] = {}
    recordings: dict[Cell, None] = {}
    for run in runs[1:]:
        again = {cell_of(found): found for found in run.findings}
        verdicts.update(dict.fromkeys(first.keys() ^ again.keys()))
        for cell in first.keys() & again.keys():
            if said(first[cell]) != said(again[cell]):
                verdicts[cell] = None
            elif recorded(first[cell]) != recorded(again[cell]):
                recordings[cell] = None
    return Series(runs, sorted(verdicts), sorted(recordings))


def whole(folders: Iterable[Path]) -> list[Run]:
    """The runs that came to their end, with a verdict for every cell."""
    there = sorted(folder for folder in folders if folder.is_dir())
    runs = [read_run(path) for path in find_run_files(there) if ".partial" not in path.name]
    return [run for run in runs if run.footer.complete]


def gathered(folder: Path) -> list[Series]:
    """The series of a folder: what was asked again, by version and state of the suite; the latest comes last."""
    series: dict[tuple[str, ...], list[Run]] = {}
    for asked in sorted(folder.glob("*")):
        for run in whole(asked.glob("*")):
            key = (asked.name, run.name, run.header.profile, run.header.suite.digest)
            series.setdefault(key, []).append(run)
    return sorted(map(compared, series.values()), key=lambda each: each.runs[0].header.started)


def of(series: Series) -> tuple[str, str, str]:
    """What was asked: the subject, its modes, the profile."""
    run = series.runs[0]
    return run.name, ", ".join(series.modes), run.header.profile


def row(series: Series) -> str:
    """A line of the table."""
    header = series.runs[0].header
    cells = [
        *of(series),
        f"{len(series.runs)}",
        f"{header.planned:,}",
        f"{len(series.verdicts)}",
        f"{len(series.recordings)}",
        f"{header.started[:10]}, `{header.suite.digest[7:19]}`",
    ]
    return f"| {' | '.join(cells)} |"


def notes(series: Series) -> list[str]:
    """A line for each cell about which the runs differ."""
    differ = [("another verdict", *cell) for cell in series.verdicts]
    differ += [("another recording", *cell) for cell in series.recordings]
    return [f"- {', '.join(of(series))}: {what}: `{clause}` ({variant})" for what, clause, variant in differ]


def table(found: Iterable[Series], before: str = "") -> str:
    """All series, and below them each cell about which runs differ.

    Of the table before, what no new series is about stays.
    """
    lines = before.splitlines()
    rows = [line for line in lines if line.startswith("| ") and line not in HEAD]
    below = [line for line in lines if line.startswith("- ")]
    for series in found:
        rows = [line for line in rows if not line.startswith(f"| {' | '.join(of(series))} |")] + [row(series)]
        below = [line for line in below if not line.startswith(f"- {', '.join(of(series))}: ")] + notes(series)
    return "\n".join([*HEAD, *sorted(rows), "", *sorted(below)]).rstrip()


def make(framework: str, python: str, typed: argparse.Namespace) -> bool:
    """Make the runs that are not there yet; whether all came to their end."""
    for number in range(1, typed.runs + 1):
        out = typed.folder / "-".join([framework, *typed.mode]) / str(number)
        if whole([out]):
            continue
        command = [sys.executable, str(ROOT / "lossproof.py"), "run", framework, "--python", python]
        command += ["--profile", typed.profile, "--out", str(out)]
        for mode in typed.mode:
            command += ["--mode", mode]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        sys.stdout.write(f"{framework}, run {number}: {(done.stdout or done.stderr).strip().splitlines()[-2:]}\n")
        sys.stdout.flush()
        if done.returncode:
            return False
    return True


def main() -> int:
    """Make what is missing, compare, print, write; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", default=[], metavar="FRAMEWORK=PATH", help="run this framework")
    parser.add_argument("--runs", type=int, default=10, help="of each")
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--mode", action="append", default=[], help="only this mode")
    parser.add_argument("--folder", type=Path, required=True, help="where runs lie: FRAMEWORK[-MODE]/NUMBER/")
    parser.add_argument("--write", action="store_true", help=f"put the series into the table of docs/{PAGE.name}")
    typed = parser.parse_args()
    pairs = [pair.partition("=") for pair in typed.python]
    made = [make(framework, python, typed) for framework, _, python in pairs]
    found = gathered(typed.folder)
    sys.stdout.write(f"{table(found)}\n")
    if typed.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(replace(page, "runs", table(found, part(page, "runs"))), encoding="utf-8")
    return int(not all(made) or any(series.verdicts for series in found))


if __name__ == "__main__":
    raise SystemExit(main())
