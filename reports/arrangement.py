"""What is on the pages of the site: subjects, operators, clauses and findings, with their addresses.

Addresses come from operator, clause id, framework and version alone, so a link
survives a re-run; the same runs in any order give the same arrangement.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import msgspec

from reports.record import ClauseRecord, Counterexample, Finding, Level, Run, VariantRecord, Verdict
from reports.run_files import BLAMELESS

GLYPHS: dict[Verdict, str] = {
    "crashes": "!",
    "hangs": "∞",
    "deviates": "✗",
    "harness-error": "?",
    "not-run": "–",
    "unsupported": "⊘",
    "conforms": "✓",
    "observed": "○",
}
"""The verdicts from worst to best, then the one that judges nothing, each with its glyph."""

LEVELS: tuple[Level, ...] = ("documented", "implied", "quality", "open")
DEVIATIONS: frozenset[Verdict] = frozenset({"crashes", "hangs", "deviates"})

WORDS_COMPARED = 200
"""Characters by which two messages are one; their ends hold addresses and node names."""

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Subject:
    """One run, with the name and the address it has on the site."""

    run: Run
    label: str
    address: str


@dataclass(frozen=True, eq=False)
class Entry:
    """One finding, with the clause page and the anchor where it stands."""

    subject: Subject
    finding: Finding
    page: str
    anchor: str


@dataclass(frozen=True, eq=False)
class Clause:
    """One clause, with what every run found about it."""

    record: ClauseRecord
    records: Mapping[Subject, ClauseRecord]
    address: str
    entries: Sequence[Entry]

    @property
    def disagreement(self) -> int:
        """0 deviations, 1 cells without a verdict, 2 subjects or variants differ, 3 unanimous.

        A variant that refuses a clause disagrees with nobody as long as others of its subject answer.
        """
        verdicts = {entry.finding.verdict for entry in self.entries}
        if verdicts & DEVIATIONS:
            return 0
        if verdicts & BLAMELESS:
            return 1
        return 2 if self._differ() else 3

    def _differ(self) -> bool:
        """Whether subjects or variants answer or behave in more than one way."""
        by_subject = dict(group((entry.subject, entry.finding.verdict) for entry in self.entries))
        answers = {frozenset(set(found) - {"unsupported"}) for found in by_subject.values()}
        seen = {frozenset(behaviours_of(entry)) for entry in self.entries if entry.finding.observed}
        return len(answers) > 1 or len(seen) > 1 or any(len(answer) > 1 for answer in answers)

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Disagreement first, then level, then the number of subjects that deviate."""
        deviating = {id(entry.subject) for entry in self.entries if entry.finding.verdict in DEVIATIONS}
        return self.disagreement, LEVELS.index(self.record.level), -len(deviating), self.record.id

    @property
    def pages(self) -> list[tuple[tuple[str, str, str], list[str]]]:
        """Title, version and address of each source, with the words quoted from it."""
        return group(((source.title, source.version, source.address), source.words) for source in self.record.sources)

    @property
    def other_wordings(self) -> list[tuple[ClauseRecord, list[Subject]]]:
        """Records of older runs whose level, reason or statement is not that of the page."""
        texts = group((_wording(record), subject) for subject, record in self.records.items())
        return [(self.records[subjects[0]], subjects) for text, subjects in texts if text != _wording(self.record)]


@dataclass(frozen=True, eq=False)
class Operator:
    """One loss, with its clauses sorted by disagreement."""

    name: str
    address: str
    clauses: Sequence[Clause]

    @property
    def entries(self) -> list[Entry]:
        """Every finding about the operator."""
        return [entry for clause in self.clauses for entry in clause.entries]


@dataclass(frozen=True, eq=False)
class Witness:
    """One counterexample, with all findings that show the same input, expectation and reply."""

    counterexample: Counterexample
    entries: Sequence[Entry]

    @property
    def anchor(self) -> str:
        """The anchor of the first finding, marked as its evidence."""
        return f"evidence-{self.entries[0].anchor}"

    @property
    def reproducers(self) -> list[tuple[str, list[Entry]]]:
        """Distinct programs, each with the findings it reproduces."""
        shown = ((entry.finding.counterexample, entry) for entry in self.entries)
        return group((example.reproducer, entry) for example, entry in shown if example)


class Site(NamedTuple):
    """All that the pages show, in the order in which they show it."""

    subjects: Sequence[Subject]
    operators: Sequence[Operator]


def arrange(runs: Iterable[Run]) -> Site:
    """Subjects and operators of some runs, each with its address."""
    subjects = _subjects(sorted(runs, key=_place))
    clauses = group((clause.record.operator, clause) for clause in _clauses(subjects))
    clauses.sort(key=lambda pair: pair[0])
    places = addresses(name for name, _ in clauses)
    operators = [
        Operator(name, address, sorted(those, key=lambda clause: clause.order))
        for (name, those), address in zip(clauses, places, strict=True)
    ]
    return Site(subjects, operators)


def addresses(names: Iterable[str]) -> list[str]:
    """File names, or anchors, for names; one that is taken already gets ``-2``, ``-3`` and so on."""
    found: dict[str, str] = {}
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip(".-")[:160] or "unnamed"
        tries = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        free = next(address for address in tries if address.casefold() not in found)
        found[free.casefold()] = free
    return list(found.values())


def group(pairs: Iterable[tuple[Key, Value]]) -> list[tuple[Key, list[Value]]]:
    """Values by key, in the order in which the keys first appear."""
    groups: dict[Key, list[Value]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return list(groups.items())


def tally(entries: Iterable[Entry]) -> list[tuple[Verdict, list[Entry]]]:
    """Findings by verdict, the worst first."""
    by_verdict = dict(group((entry.finding.verdict, entry) for entry in entries))
    return [(verdict, by_verdict[verdict]) for verdict in GLYPHS if verdict in by_verdict]


def variant_name(variant: VariantRecord) -> str:
    """Form, mode, device and dtype in one line."""
    return f"{variant.form} {variant.mode} {variant.device} {variant.dtype}"


def witnesses(entries: Iterable[Entry]) -> list[Witness]:
    """Distinct counterexamples; dtype and reproducer alone make no difference."""
    examples = [(entry.finding.counterexample, entry) for entry in entries]
    shown = group((example.bare(), (example, entry)) for example, entry in examples if example)
    return [Witness(pairs[0][0], [entry for _, entry in pairs]) for _, pairs in shown]


def leading(shown: Sequence[Witness]) -> list[Witness]:
    """The first counterexample of each subject; of observed behaviours, the first of each."""
    firsts: dict[object, Witness] = {}
    for witness in shown:
        for entry in witness.entries:
            judged = entry.finding.verdict != "observed"
            firsts.setdefault(entry.subject if judged else witness.counterexample.got, witness)
    return [witness for witness in shown if witness in firsts.values()]


def by_words(entries: Iterable[Entry]) -> list[tuple[list[str], list[Entry]]]:
    """Findings by what was said; messages that differ in numbers or in their ends are together."""
    alike = group((re.sub(r"[0-9]+", "0", e.finding.words)[:WORDS_COMPARED], e) for e in entries if e.finding.words)
    return [(list(dict.fromkeys(entry.finding.words for entry in those)), those) for _, those in alike]


def behaviours_of(entry: Entry) -> dict[str, int]:
    """What one finding observed, without behaviours that no case showed."""
    observed = entry.finding.observed
    return {name: cases for name, cases in observed.behaviours.items() if cases} if observed else {}


def behaviours(entries: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    """The findings that observed each behaviour."""
    return sorted(group((name, entry) for entry in entries for name in behaviours_of(entry)), key=lambda seen: seen[0])


def natural(text: str) -> str:
    """A key that sorts numbers inside names by their size."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(12), text)


def _facts(run: Run) -> tuple[str, ...]:
    header, subject = run.header, run.header.subject
    return (
        f"build {subject.build}", f"Python {subject.python}", subject.platform, header.machine.processor,
        f"profile {header.profile}", f"seed {header.seed}", run.path.name,
    )  # fmt: skip


def _place(run: Run) -> tuple[str, ...]:
    subject = run.header.subject
    return subject.framework, natural(subject.version), *map(natural, _facts(run)), str(run.path)


def _subjects(runs: Sequence[Run]) -> list[Subject]:
    places = addresses(f"{run.header.subject.framework}-{run.header.subject.version}" for run in runs)
    same_name = dict(group((run.name, run) for run in runs))
    return [Subject(run, _label(run, same_name[run.name]), address) for run, address in zip(runs, places, strict=True)]


def _label(run: Run, same_name: Sequence[Run]) -> str:
    if len(same_name) == 1:
        return run.name
    columns = zip(_facts(run), *map(_facts, same_name), strict=True)
    differing = [column[0] for column in columns if len(set(column)) > 1]
    ordinal = next(number for number, other in enumerate(same_name, start=1) if other is run)
    return f"{run.name} ({', '.join([f'run {ordinal}', *differing])})"


def _clauses(subjects: Sequence[Subject]) -> list[Clause]:
    records: defaultdict[str, dict[Subject, ClauseRecord]] = defaultdict(dict)
    findings: defaultdict[str, list[tuple[Subject, Finding]]] = defaultdict(list)
    for subject in subjects:
        for record in subject.run.clauses:
            records[record.id][subject] = record
        for finding in sorted(subject.run.findings, key=lambda each: natural(variant_name(each.variant))):
            findings[finding.clause].append((subject, finding))
    ids = sorted(records.keys() | findings.keys())
    return [_clause(address, records[name], findings[name]) for name, address in zip(ids, addresses(ids), strict=True)]


def _clause(address: str, records: dict[Subject, ClauseRecord], findings: Sequence[tuple[Subject, Finding]]) -> Clause:
    latest = max(records, key=lambda subject: subject.run.header.started, default=None)
    record = records[latest] if latest else unstated(findings[0][1])
    distinct = {msgspec.json.encode(source): source for each in (record, *records.values()) for source in each.sources}
    anchors = addresses(f"finding-{s.address}-{variant_name(f.variant).replace(' ', '-')}" for s, f in findings)
    entries = [Entry(*pair, address, anchor) for pair, anchor in zip(findings, anchors, strict=True)]
    return Clause(msgspec.structs.replace(record, sources=list(distinct.values())), records, address, entries)


def unstated(found: Finding) -> ClauseRecord:
    """What stands for the statement of a clause whose run file has none."""
    words = "The run file holds findings about this clause and no statement of it."
    return ClauseRecord(
        id=found.clause, operator=found.operator, family="", level=found.level, why="", statement=words, sources=[]
    )


def _wording(record: ClauseRecord) -> tuple[str, str, str]:
    return record.level, record.why, record.statement
