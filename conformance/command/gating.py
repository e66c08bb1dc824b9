"""The commands of the gate: gate and accept."""

from __future__ import annotations

import datetime
import fnmatch
import sys
from collections.abc import Sequence
from math import isfinite
from pathlib import Path

import click

from conformance.command import show_gate
from conformance.command.console import FORMATS, Command, fail, named
from conformance.operators.catalogue import clauses
from conformance.running.discover import UsageError
from reports.accepted import Accepted, AcceptedError, draft, read_accepted
from reports.classes import CLASSES, FACTOR, Class
from reports.comparison import write_comparison
from reports.gate import FAIL_ON, Comparison, NotComparable, compare, gravest
from reports.lines import RunFileError
from reports.record import Run
from reports.run_files import find_run_files, read_run

ACCEPTED = Path("reports/accepted")
_WHY = "; say in each `why` what makes it acceptable"
"""Where accepted deviations lie, from the folder in which the command is given."""

FAIL_ON_HELP = (
    f"Classes that stop an upgrade, of {', '.join(CLASSES)}; "
    f"default: {', '.join(kind for kind in CLASSES if kind in FAIL_ON)}."
)

_GATE_EXAMPLES = """\
lossproof gate --baseline baselines/torch.jsonl --candidate runs/torch-2.14.1.jsonl
lossproof gate --baseline old.jsonl --candidate new.jsonl --fail-on regressed,changed --format markdown
"""
_ACCEPT_EXAMPLES = """\
lossproof accept runs/torch-2.14.1.jsonl --clause 'margin.labels.*' --why 'only compiled code; we run eager'
"""


class Classes(click.ParamType[frozenset[Class]]):
    """Classes of differences, with commas between them."""

    name = "CLASS,…"

    def convert(
        self, value: str | frozenset[Class], param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[Class]:
        """The classes that a text names."""
        if isinstance(value, frozenset):
            return value
        words = [word.strip() for word in value.split(",")]
        unknown = [word for word in words if word not in CLASSES]
        if unknown:
            self.fail(f"{unknown[0]}: no such class; there are {', '.join(CLASSES)}", param, ctx)
        return frozenset(kind for kind in CLASSES if words.count(kind))


@click.command(cls=Command, epilog=_GATE_EXAMPLES)
@click.option(
    "--baseline",
    required=True,
    type=click.Path(path_type=Path),
    help="Run file that was accepted, or a folder of them.",
)
@click.option(
    "--candidate",
    required=True,
    type=click.Path(path_type=Path),
    help="Run file to be judged, or a folder of them, paired by framework.",
)
@click.option("--accepted", multiple=True, type=click.Path(path_type=Path),
              help=f"Accepted deviations, a .toml file or a folder of them; default: {ACCEPTED}.")  # fmt: skip
@click.option("--fail-on", type=Classes(), default=FAIL_ON, help=FAIL_ON_HELP)
@click.option("--factor", type=click.FloatRange(1), default=FACTOR, show_default=True,
              help="By how much an error's share of its bound may grow before it is worse.")  # fmt: skip
@click.option("--page", type=click.Path(path_type=Path), help="Write the comparison as a page of its own.")
@click.option("--summary", type=click.Path(path_type=Path), envvar="GITHUB_STEP_SUMMARY",
              help="File to which the Markdown is added; default: what GITHUB_STEP_SUMMARY names.")  # fmt: skip
@click.option("--format", "style", type=FORMATS, default="text", show_default=True, help="How to print the outcome.")
def gate(
    baseline: Path, candidate: Path, accepted: tuple[Path, ...], fail_on: frozenset[Class], factor: float,
    page: Path | None, summary: Path | None, style: str,
) -> None:  # fmt: skip
    """Say whether a framework may be upgraded: put every difference between two runs into a class.

    Exit status: 0 where nothing stands against it; 1 where something regressed or
    changed; 2 for wrong words; 3 where an accepted deviation is stale; 4 where a run is
    incomplete or cannot be compared; 5 where results are only less accurate; 6 where
    support or coverage was lost. Of several the first in the order 2, 4, 1, 6, 3, 5.
    """
    if not isfinite(factor):
        fail(UsageError(f"--factor {factor}: not a number by which an error may grow"))
    entries = known_deviations(accepted)
    try:
        pairs, alone = _pairs(_runs("--baseline", baseline), _runs("--candidate", candidate))
        found = [compare(before, after, entries, factor) for before, after in pairs]
    except (RunFileError, NotComparable) as error:
        fail(error, 4)
    except UsageError as error:
        fail(error)
    for words in alone:
        click.echo(f"lossproof: {words}", err=True)
    statuses = _reported(found, style, fail_on, page, summary)
    sys.exit(gravest([*statuses, 6] if alone and "coverage-lost" in fail_on else statuses))


def _reported(
    found: list[Comparison], style: str, fail_on: frozenset[Class], page: Path | None, summary: Path | None
) -> list[int]:
    """Print each comparison and write its page; the exit statuses."""
    pages = [page and _page_of(page, each, one_of_many=len(found) > 1) for each in found]
    return [report(each, style, fail_on, to, summary) for each, to in zip(found, pages, strict=True)]


def _runs(option: str, path: Path) -> list[Run]:
    """The run that a path names, or the runs of a folder."""
    files = find_run_files([path])
    if not files or not files[0].is_file():
        raise UsageError(f"{option} {path}: {'no run files there' if path.is_dir() else 'no such file'}")
    return [read_run(file) for file in files]


def _pairs(before: list[Run], after: list[Run]) -> tuple[list[tuple[Run, Run]], list[str]]:
    """Baseline and candidate of each framework, and what has no partner, in words.

    One file against one file is a pair, whatever is in them.
    """
    if len(before) == len(after) == 1:
        return [(before[0], after[0])], []
    baselines, candidates = _by_framework(before), _by_framework(after)
    pairs = [(baselines[name], run) for name, run in candidates.items() if name in baselines]
    alone = [
        f"{run.path}: no candidate of {name}: its coverage is lost"
        for name, run in baselines.items()
        if name not in candidates
    ]
    missing = [str(run.path) for name, run in candidates.items() if name not in baselines]
    if missing:
        raise NotComparable(f"{', '.join(missing)}: no baseline of that framework")
    return pairs, alone


def _by_framework(runs: list[Run]) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for run in runs:
        name = run.header.subject.framework
        if name in found:
            raise UsageError(f"{found[name].path} and {run.path} are both of {name}; name one of them")
        found[name] = run
    return found


def _page_of(page: Path, found: Comparison, *, one_of_many: bool) -> Path:
    """The page of one comparison: several have their framework in the name."""
    return page.with_stem(f"{page.stem}-{found.candidate.header.subject.framework}") if one_of_many else page


def known_deviations(places: Sequence[Path]) -> list[Accepted]:
    """The entries of some files and folders, or of the usual folder where none is named; ends where one is unusable."""
    try:
        return read_accepted(places or ([ACCEPTED] if ACCEPTED.is_dir() else []))
    except AcceptedError as error:
        fail(error)


def report(found: Comparison, style: str, fail_on: frozenset[Class], page: Path | None, summary: Path | None) -> int:
    """Print a comparison, write its page and its summary, and give back the exit status."""
    click.echo(show_gate.comparison(found, style, fail_on))
    try:
        if page is not None:
            write_comparison(found, page, fail_on)
            click.echo(f"comparison: {page.resolve()}", err=style != "text")
        if summary is not None:
            with summary.open("a", encoding="utf-8") as file:
                file.write(show_gate.comparison(found, "markdown", fail_on) + "\n")
    except OSError as error:
        fail(named(error))
    return found.status(fail_on)


@click.command(cls=Command, epilog=_ACCEPT_EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--clause", default="*", metavar="GLOB", help="Only deviations from clauses whose id matches.")
@click.option("--why", default="", metavar="WORDS", help="What makes them acceptable; without it the gate asks for it.")
@click.option("--upstream", default="", metavar="URL", help="Where the framework's maintainers know of it.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day on which they may pass.")
@click.option("--to", "path", type=click.Path(path_type=Path),
              help=f"File to which entries are added; default: {ACCEPTED}/FRAMEWORK.toml.")  # fmt: skip
def accept(run: Path, clause: str, why: str, upstream: str, until: datetime.datetime | None, path: Path | None) -> None:
    """Draft entries for the deviations of a run: read them, say why they may pass, commit them.

    Deviations that an entry covers already are left out.
    """
    if until and until.date() < datetime.datetime.now(datetime.UTC).date():
        fail(UsageError(f"--until {until.date()}: that day has passed"))
    if not any(fnmatch.fnmatchcase(known.id, clause) for known in clauses()):
        fail(UsageError(f"--clause {clause}: matches no clause; see lossproof list"))
    try:
        read = read_run(run)
        path = path or ACCEPTED / f"{read.header.subject.framework}.toml"
        covered = _covered(read, read_accepted([path]) if path.exists() else [])
        wanted = [f for f in read.findings if fnmatch.fnmatchcase(f.clause, clause) and id(f) not in covered]
        text = draft(read, wanted, why=why, upstream=upstream, until=until.date() if until else None)
        _append(path, text)
    except RunFileError as error:
        fail(error, 4)
    except AcceptedError as error:
        fail(error)
    except OSError as error:
        fail(named(error))
    click.echo(_added(text.count("[[accepted]]"), path, asked="" if why else _WHY))


def _append(path: Path, text: str) -> None:
    """Add entries to a file of accepted deviations; without any the file is left alone."""
    if not text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if file.tell() else "") + text)


def _added(count: int, path: Path, asked: str) -> str:
    if not count:
        return "no deviation that no entry covers; nothing was written"
    return f"{count} entr{'y' if count == 1 else 'ies'} added to {path}{asked}"


def _covered(run: Run, entries: Sequence[Accepted]) -> set[int]:
    return {id(found) for entry in entries for found in entry.asked_in(run) if entry.covers(found)}
