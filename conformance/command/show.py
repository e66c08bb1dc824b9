"""What the command line prints: progress, a run's results, the catalogue, one clause."""

from __future__ import annotations

import json
import subprocess
from collections import Counter, defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from conformance.cases.written import list_text
from conformance.judging.clause import Clause
from conformance.operators.catalogue import clauses
from conformance.running import not_asked
from conformance.running.costs import cost_lines, costs_in
from conformance.running.discover import UsageError, built_in, says_how_it_runs
from conformance.running.run import Outcome, Progress
from reports.accepted import Accepted
from reports.record import ArgumentRecord, Counterexample, Finding, Header, LeftOut, Run, Verdict
from reports.run_files import BLAMELESS

_BROKEN: tuple[Verdict, ...] = ("deviates", "crashes", "hangs", "harness-error", "not-run")
_SHOWN: tuple[Verdict, ...] = ("deviates", "crashes", "hangs")
_REPORTED: tuple[Verdict, ...] = (*_BROKEN, "unsupported", "observed", "conforms")


class _BarProgress(Progress):
    """Progress as a bar on a terminal."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._subject = ""
        self._counts: Counter[str] = Counter()
        self._task = bar.add_task("starting", total=None)

    def calibrating(self, subject: str, variants: int) -> None:
        self._subject = subject
        self._bar.update(self._task, description=f"{subject}: calibrating", total=variants, completed=0)

    def calibrated(self) -> None:
        self._bar.advance(self._task)

    def planned(self, subject: str, cells: int, left_out: list[LeftOut]) -> None:
        for mode in left_out:
            self._bar.console.print(f"{subject}: mode {mode.mode} left out: {mode.words}", highlight=False)
        self._bar.update(self._task, description=subject, total=cells, completed=0)

    def found(self, finding: Finding) -> None:
        self._counts[finding.verdict] += 1
        broken = sum(self._counts[verdict] for verdict in _BROKEN)
        self._bar.update(self._task, advance=1, description=f"{self._subject}: {broken} broken")


class _LineProgress(Progress):
    """No progress, but what was left out of the plan is said."""

    def planned(self, subject: str, cells: int, left_out: list[LeftOut]) -> None:
        for mode in left_out:
            click.echo(f"{subject}: mode {mode.mode} left out: {mode.words}", err=True)


@contextmanager
def progress() -> Generator[Progress]:
    """A bar on a terminal, nothing in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _LineProgress()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        yield _BarProgress(bar)


def can_find(python: str, framework: str) -> bool:
    """Whether an interpreter can find a framework, without importing it.

    Raises:
        UsageError: This is no Python interpreter.
    """
    program = "import importlib.util, sys; print('found' if importlib.util.find_spec(sys.argv[1]) else 'missing')"
    try:
        command = [python, "-c", program, framework]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - their own
    except OSError:
        said = ""
    if said not in ("found\n", "missing\n"):
        raise UsageError(f"--python {python}: this is no Python interpreter")
    return said == "found\n"


def ways(python: str, subject: str) -> str:
    """How a subject would run under an interpreter, where its adapter tells that as a program; else empty."""
    adapter = built_in()[subject]
    if not says_how_it_runs(adapter):
        return ""
    command = [python, "-B", str(adapter)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - their own interpreter
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return f"; {said[-1]}" if said else ""


def outcome(found: Outcome, style: str, let_pass: Mapping[int, Accepted] = MappingProxyType({})) -> str:
    """The results of a run; of findings that are accepted, by number, also why."""
    if style == "json":
        whys = {number: {"accepted": entry.why} for number, entry in let_pass.items()}
        plain = [_plain(finding, found.header) | whys.get(place, {}) for place, finding in enumerate(found.findings)]
        return json.dumps(plain, indent=1)
    return _as_markdown(found) if style == "markdown" else _as_text(found)


def _as_markdown(found: Outcome) -> str:
    subject, broken = found.header.subject, _by_clause(found.findings)
    rows = [f"| `{clause}` | {variants_of(group)} | {_witness(group[0])} |" for clause, group in broken.items()]
    table = ["", "| broken clause | variants | witness |", "| --- | --- | --- |", *rows] if rows else []
    left = (*cost_lines(found.header.measured), *not_asked.lines(found.not_asked), *_absent(found.header))
    costs = ["", *(f"- {line}" for line in left)]
    head = f"**{subject.framework} {subject.version}**, {len(found.findings)} cells: {_counted(found.findings)}"
    return "\n".join([head, *table, *costs])


def _as_text(found: Outcome) -> str:
    subject, broken = found.header.subject, _by_clause(found.findings)
    lines = [line for clause, group in broken.items() for line in _clause_lines(clause, group)]
    lines += _faults(found.findings)
    state = "" if found.complete else "\nincomplete: at least one cell has no verdict"
    return "\n".join(
        [
            *lines,
            *cost_lines(found.header.measured),
            *_absent(found.header),
            f"{subject.framework} {subject.version}, {len(found.findings)} cells: {_counted(found.findings)}{state}",
            f"written to {found.path}",
        ]
    )


def _counted(findings: list[Finding]) -> str:
    """How many findings have which verdict."""
    counts = Counter(finding.verdict for finding in findings)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in _REPORTED if counts[verdict])


def _absent(header: Header) -> list[str]:
    """The operators that the framework does not have, those of the same words in a line."""
    by_words: defaultdict[str, list[str]] = defaultdict(list)
    for operator, words in header.absent.items():
        by_words[words].append(operator)
    return [f"absent: {', '.join(operators)} ({words})" for words, operators in by_words.items()]


def _plain(finding: Finding, header: Header) -> dict[str, Any]:
    """A finding as JSON has it, with the cost classes of its mode and what each of them left out."""
    costs = costs_in(header.measured, finding.operator, finding.variant.mode)
    return {**msgspec.to_builtins(finding), "costs": costs}


def _by_clause(findings: list[Finding]) -> dict[str, list[Finding]]:
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.verdict in _SHOWN:
            groups[finding.clause].append(finding)
    return dict(groups)


def variants_of(group: list[Finding]) -> str:
    """The variants of a group, formats gathered: ``native inductor float32 float64``."""
    gathered: defaultdict[str, list[str]] = defaultdict(list)
    for finding in group:
        gathered[f"{finding.variant.form} {finding.variant.mode}"].append(finding.variant.dtype)
    return "; ".join(f"{variant} {' '.join(dtypes)}" for variant, dtypes in gathered.items())


def _witness(finding: Finding) -> str:
    shown = finding.counterexample
    if shown is None:
        return finding.words.splitlines()[0] if finding.words else ""
    return f"expected {shown.expected}; got {shown.got}"


def _clause_lines(clause: str, group: list[Finding]) -> list[str]:
    first = group[0]
    lines = [f"{clause} ({first.level}): {first.verdict}", f"  variants  {variants_of(group)}"]
    shown = first.counterexample
    if shown is None:
        return [*lines, f"  because   {first.words}", ""]
    lines += argument_lines(shown)
    lines += [f"  reduction {shown.reduction or 'left out'}"]
    lines += [f"  {name:9} {value!r}" for name, value in shown.options.items()]
    lines += [f"  expected  {shown.expected}", f"  got       {shown.got}"]
    lines += ["  try", *(f"    {text}" for text in shown.reproducer.splitlines())] if shown.reproducer else []
    return [*lines, ""]


def argument_lines(shown: Counterexample) -> list[str]:
    """A line for each argument of a counterexample, and one for the upstream gradient."""
    lines = [f"  {name:9} {list_text(decimal(each.values))} ({each.dtype})" for name, each in shown.arguments.items()]
    return lines if shown.cotangent is None else [*lines, f"  upstream  {list_text(decimal(shown.cotangent))}"]


def frozen(arguments: Mapping[str, ArgumentRecord]) -> str:
    """Arguments in a line, as the corpus holds them."""
    return ", ".join(f"{name} {argument.values}" for name, argument in arguments.items())


def decimal(values: Any) -> Any:
    """Nested lists of hexadecimal floats in decimal; integers stay as they are."""
    if isinstance(values, str):
        return float.fromhex(values)
    return values if values is None or isinstance(values, int | float) else [decimal(part) for part in values]


def checked(found: Outcome, target: str, style: str, let_pass: Mapping[int, Accepted], *, written: bool = False) -> str:
    """What was found about somebody's own function: each broken clause with its statement and its error.

    Args:
        found: The run.
        target: The function.
        style: How to write it.
        let_pass: The entries that accept deviations of what it wraps, by the findings' numbers.
        written: Whether the run file is kept.
    """
    if style != "text":
        return outcome(found, style, let_pass)
    statements = {clause.id: clause.statement for clause in clauses()}
    lines: list[str] = []
    others = [finding for number, finding in enumerate(found.findings) if number not in let_pass]
    for clause, group in _by_clause(others).items():
        first, *rest = _clause_lines(clause, group)
        lines += [first, f"  says      {statements[clause]}", *rest[:-1], *_error(group[0]), ""]
    passed = [_let_pass(found.findings[number], entry) for number, entry in let_pass.items()]
    left = [*cost_lines(found.header.measured), *not_asked.lines(found.not_asked)]
    asked = len({finding.clause for finding in found.findings})
    total = _counted(found.findings) + (f" ({len(passed)} accepted)" if passed else "")
    ending = [f"{target}, {asked} clauses: {total}", *([f"written to {found.path}"] if written else [])]
    return "\n".join([*lines, *_faults(found.findings), *passed, *left, *ending])


def _let_pass(finding: Finding, entry: Accepted) -> str:
    return f"accepted: {finding.clause} {variants_of([finding])}, {finding.verdict}: {entry.why}"


def _error(finding: Finding) -> list[str]:
    worst = finding.worst
    if finding.verdict != "deviates" or worst is None:
        return []
    return [f"  error     up to {worst.ulp} ulp, {worst.share_of_bound} times the bound, in {finding.cases} cases"]


def _faults(findings: list[Finding]) -> list[str]:
    """The suite's and the adapter's own failures, each once, with the number of cells that it cost."""
    counts = Counter(finding.words.splitlines()[0] for finding in findings if finding.verdict in BLAMELESS)
    return [f"harness-error in {count} cells: {words}" for words, count in counts.items()]


def catalogue(found: list[Clause], style: str) -> str:
    """The clauses, a line each."""
    if style == "json":
        keys = ("id", "operator", "family", "level", "statement")
        return json.dumps([{key: str(getattr(clause, key)) for key in keys} for clause in found], indent=1)
    if style == "markdown":
        rows = [f"| `{clause.id}` | {clause.level} | {clause.statement} |" for clause in found]
        return "\n".join(["| clause | level | statement |", "| --- | --- | --- |", *rows])
    width = max(len(clause.id) for clause in found)
    return "\n".join(f"{clause.id:{width}}  {clause.level:10}  {clause.statement}" for clause in found)


def explanation(clause: Clause, runs: list[Run]) -> str:
    """One clause with its sources, and what each known run said."""
    lines = [clause.id, f"  {clause.statement}", f"  level: {clause.level}"]
    lines += [f"  why: {clause.why}"] if clause.why else []
    for source in clause.sources:
        lines += [f"  {source.title} {source.version}: “{source.words}”", f"    {source.address}"]
    for run in runs:
        findings = [finding for finding in run.findings if finding.clause == clause.id]
        lines += [f"  {run.name}: {_counted(findings) or 'not asked'}"]
        lines += [
            f"    {variants_of([finding])}: {_witness(finding)}" for finding in findings if finding.verdict in _BROKEN
        ]
    return "\n".join(lines)
