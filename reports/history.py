"""What each version of a framework does, clause by clause, from the runs of its versions.

``history.json`` holds it for machines, in the manner of browser-compat-data, with the fields::

    schema         "lossproof-history/1"
    frameworks     by name:
      versions       oldest first: version, run, started, suite, profile, seed, complete, and
                     superseded: the earlier runs of the version, which were not used
      operators      by name: a statement, earlier, versions (by version: mark and notes), and
        clauses        by id: level, a statement, earlier, changed, versions (by version: mark and notes);
                       an open clause has, instead of a statement, behaviours (by version) and changes: version,
                       variants, new, gone, other_cases (it was asked with others than the version before)

A statement is what holds in the newest version that has a verdict::

    version_added    the first version from which on it conforms in all later measured ones; "≤x" where x is the
                     oldest measured one, or where those before were not asked in the variants that tell; false
                     where it does not conform; null where nothing was judged
    version_removed  the first version from which on it conforms no more, where it did
    partial          it conforms in some of its variants only (an operator: in some of its clauses only);
                     version_added is then since when it is so
    notes            what deviates, refuses, crashes or hangs, in words, and what that rests on

and ``earlier`` holds the same for the versions before in which it conformed in more or fewer variants, or again,
newest first. A mark is a verdict, ``partial`` or ``not-measured``. Only measured versions are named: what changed
in a version changed there or after the measured version before it. Of several runs of one version the latest
started counts. The same runs in any order give the same bytes.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from packaging.version import InvalidVersion, Version

from reports.accepted import signature
from reports.arrangement import GLYPHS, group, natural, unstated
from reports.record import ClauseRecord, Finding, Run, VariantRecord
from reports.standing import SILENT, Cell, Mark, Point, Statement, behaviours_of, point, statements

SCHEMA = "lossproof-history/1"


@dataclass(frozen=True, eq=False)
class Release:
    """One version of a framework: the run that counts, and the earlier ones of the same version."""

    version: str
    run: Run
    superseded: Sequence[Run]


@dataclass(frozen=True)
class Change:
    """An open clause that behaves otherwise than in the measured version before.

    Attributes:
        version: The version that does.
        variants: In which of its variants.
        new: What it does and the version before did not.
        gone: What the version before did and it does not.
        other_cases: The two were asked with different cases.
    """

    version: str
    variants: str
    new: tuple[str, ...]
    gone: tuple[str, ...]
    other_cases: bool


@dataclass(frozen=True, eq=False)
class ClauseHistory:
    """One clause, with what each version did; ``changes`` where it is open, statements where it is not."""

    record: ClauseRecord
    cells: Sequence[Cell]
    points: Sequence[Point]
    now: Statement
    earlier: Sequence[Statement]
    changed: bool
    changes: Sequence[Change] = ()

    @property
    def first(self) -> Cell | None:
        """The oldest version that has a verdict."""
        return next((cell for cell in self.cells if cell.mark != "not-measured"), None)

    def change_in(self, version: str) -> Change | None:
        """How the clause, which is open, behaves otherwise in a version."""
        return next((change for change in self.changes if change.version == version), None)


@dataclass(frozen=True, eq=False)
class OperatorHistory:
    """One operator: its clauses by id, and how many of those that are judged conform in each version."""

    name: str
    clauses: Sequence[ClauseHistory]
    points: Sequence[Point]
    now: Statement
    earlier: Sequence[Statement]


@dataclass(frozen=True, eq=False)
class History:
    """One framework through its measured versions, the oldest first."""

    framework: str
    releases: Sequence[Release]
    operators: Sequence[OperatorHistory]


def histories(runs: Iterable[Run]) -> list[History]:
    """The history of every framework of some runs, by name."""
    frameworks = group((run.header.subject.framework, run) for run in sorted(runs, key=_age, reverse=True))
    return [_history(framework, those) for framework, those in sorted(frameworks, key=lambda pair: pair[0])]


def version_key(text: str) -> tuple[bool, Version, str]:
    """Sorts versions as packaging does; what is no version comes first, by its name."""
    try:
        return True, Version(text), natural(text)
    except InvalidVersion:
        return False, Version("0"), natural(text)


def _age(run: Run) -> tuple[str, ...]:
    return run.header.started, run.header.run, run.footer.digest, str(run.path)


def _records(latest_first: Sequence[Release]) -> dict[str, ClauseRecord]:
    """Each clause in its latest words; of a clause without any, what its findings say."""
    bare = {found.clause: unstated(found) for release in latest_first for found in release.run.findings}
    return bare | {record.id: record for release in reversed(latest_first) for record in release.run.clauses}


def _history(framework: str, latest_first: Sequence[Run]) -> History:
    by_version = group((run.header.subject.version, run) for run in latest_first)
    releases = [Release(version, those[0], those[1:]) for version, those in by_version]
    records = _records(releases)
    releases.sort(key=lambda release: version_key(release.version))
    found = [(release.version, _by_clause(release.run)) for release in releases]
    clauses = [
        _clause(records[name], [Cell(version, tuple(findings.get(name, []))) for version, findings in found])
        for name in sorted(records)
    ]
    operators = sorted(group((clause.record.operator, clause) for clause in clauses), key=lambda pair: pair[0])
    return History(framework, releases, [_operator(name, those) for name, those in operators])


def _by_clause(run: Run) -> Mapping[str, list[Finding]]:
    return dict(group((finding.clause, finding) for finding in run.findings))


def _clause(record: ClauseRecord, cells: Sequence[Cell]) -> ClauseHistory:
    measured = [cell for cell in cells if cell.mark != "not-measured"]
    before = {later.version: earlier for earlier, later in itertools.pairwise(measured)}
    points = [point(cell, before.get(cell.version)) for cell in cells]
    if record.level == "open":
        changes = list(filter(None, itertools.starmap(_behaves, itertools.pairwise(measured))))
        return ClauseHistory(record, cells, points, Statement(None), [], bool(changes), changes)
    now, earlier = statements(points)
    if measured and measured[-1] is not cells[-1]:
        note = f"no verdict in {cells[-1].version}: this is what {measured[-1].version} did"
        now = replace(now, notes=(*now.notes, note))
    changed = any(_differs(before[new.version], new) for new in measured[1:])
    return ClauseHistory(record, cells, points, now, earlier, changed)


def _differs(old: Cell, new: Cell) -> bool:
    """Whether the mark, or the verdict and its kind in a variant of both, is another one."""
    was, now = old.by_variant, new.by_variant
    return old.mark != new.mark or any(_signs(was[each]) != _signs(now[each]) for each in was.keys() & now.keys())


def _signs(finding: Finding) -> str:
    return finding.verdict if finding.repeatable is False else signature(finding)


def _behaves(old: Cell, new: Cell) -> Change | None:
    was, now = old.by_variant, new.by_variant
    moved = [each for each in was if each in now and behaviours_of(was[each]) != behaviours_of(now[each])]
    if not moved:
        return None
    gone, come = (_only(moved, one, other) for one, other in ((was, now), (now, was)))
    other_cases = all(was[each].cases_digest != now[each].cases_digest for each in moved)
    return Change(new.version, new.names([now[each] for each in moved]), come, gone, other_cases)


def _only(
    moved: Iterable[VariantRecord], one: Mapping[VariantRecord, Finding], other: Mapping[VariantRecord, Finding]
) -> tuple[str, ...]:
    """Behaviours that some variants show in one version and not in the other."""
    found = {name for each in moved for name in set(behaviours_of(one[each])) - set(behaviours_of(other[each]))}
    return tuple(sorted(found))


def _operator(name: str, clauses: Sequence[ClauseHistory]) -> OperatorHistory:
    judged = [clause for clause in clauses if clause.record.level != "open"]
    columns = zip(*(clause.points for clause in judged), strict=True)
    points = [_together(column, [clause.record.id for clause in judged]) for column in columns]
    points = points or [Point(cell.version, "not-measured") for cell in clauses[0].cells]
    return OperatorHistory(name, clauses, points, *statements(points))


def _together(column: Sequence[Point], ids: Sequence[str]) -> Point:
    """The clauses of one operator in one version."""
    by_mark = dict(group((each.mark, name) for each, name in zip(column, ids, strict=True)))
    marks: list[Mark] = [mark for mark in (*GLYPHS, "partial") if mark in by_mark and mark not in SILENT]
    asked, conforming = sum(len(by_mark[mark]) for mark in marks), len(by_mark.get("conforms", []))
    notes = [f"{conforming} of {asked} clauses conform in every variant that was asked"]
    notes += [f"{mark}: {', '.join(by_mark[mark])}" for mark in marks if mark != "conforms"]
    shown = any(each.shown for each in column)
    return Point(column[0].version, _mark_of(marks), tuple(notes) if asked else (), shown=shown)


def _mark_of(marks: Sequence[Mark]) -> Mark:
    """One mark for several: the same, ``partial`` if some of them conform, or else the first."""
    if len(marks) > 1 and {"conforms", "partial"} & {*marks}:
        return "partial"
    return marks[0] if marks else "not-measured"


def as_json(found: Sequence[History]) -> str:
    """The text of ``history.json``."""
    frameworks = {history.framework: _framework(history) for history in found}
    return json.dumps({"schema": SCHEMA, "frameworks": frameworks}, indent=1, ensure_ascii=False) + "\n"


def _framework(history: History) -> dict[str, Any]:
    return {
        "versions": [_release(release) for release in history.releases],
        "operators": {operator.name: _of_operator(operator) for operator in history.operators},
    }


def _release(release: Release) -> dict[str, Any]:
    header = release.run.header
    return {
        "version": release.version, "run": header.run, "started": header.started, "suite": _suite(release.run),
        "profile": header.profile, "seed": header.seed, "complete": release.run.footer.complete,
        "superseded": [run.header.run for run in release.superseded],
    }  # fmt: skip


def _suite(run: Run) -> dict[str, str]:
    return {"version": run.header.suite.version, "digest": run.header.suite.digest}


def _of_operator(operator: OperatorHistory) -> dict[str, Any]:
    return {
        **asdict(operator.now),
        "earlier": [asdict(statement) for statement in operator.earlier],
        "versions": _versions(operator.points),
        "clauses": {clause.record.id: _of_clause(clause) for clause in operator.clauses},
    }


def _of_clause(clause: ClauseHistory) -> dict[str, Any]:
    shared = {"level": clause.record.level, "changed": clause.changed, "versions": _versions(clause.points)}
    if clause.record.level == "open":
        seen = {cell.version: [name for name, _ in cell.behaviours()] for cell in clause.cells}
        return {**shared, "behaviours": seen, "changes": [asdict(change) for change in clause.changes]}
    return {**shared, **asdict(clause.now), "earlier": [asdict(statement) for statement in clause.earlier]}


def _versions(points: Sequence[Point]) -> dict[str, Any]:
    return {point.version: {"mark": point.mark, "notes": point.notes} for point in points}
