"""The static site: matrix, operators, clauses and subjects, as pages that need no server.

Addresses come from operator, clause id, framework and version alone, so a link
survives a re-run; the same runs in any order give the same bytes.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import jinja2
import msgspec

from reports.record import (
    BLAMELESS,
    ClauseRecord,
    Counterexample,
    Finding,
    Level,
    Number,
    Run,
    VariantRecord,
    Verdict,
)

TEMPLATES = Path(__file__).parent / "templates"

GLYPHS: dict[Verdict, str] = {
    "crashes": "!",
    "hangs": "∞",
    "deviates": "✗",
    "harness-error": "?",
    "not-run": "–",
    "unsupported": "⊘",
    "observed": "○",
    "conforms": "✓",
}
"""The verdicts from worst to best, each with its glyph."""

LEVELS: tuple[Level, ...] = ("documented", "implied", "quality", "open")
DEVIATIONS: frozenset[Verdict] = frozenset({"crashes", "hangs", "deviates"})
SHORT_DTYPES = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64"}
PARTS_NAMED = 4

Key = TypeVar("Key")


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
        by_subject = dict(group((entry.subject, entry.finding.verdict) for entry in self.entries))
        answers = {frozenset(set(found) - {"unsupported"}) for found in by_subject.values()}
        seen = {frozenset(behaviours_of(entry)) for entry in self.entries if entry.finding.observed}
        return 2 if len(answers) > 1 or len(seen) > 1 or any(len(answer) > 1 for answer in answers) else 3

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Disagreement first, then level, then the number of subjects that deviate."""
        deviating = {id(entry.subject) for entry in self.entries if entry.finding.verdict in DEVIATIONS}
        return self.disagreement, LEVELS.index(self.record.level), -len(deviating), self.record.id

    @property
    def other_wordings(self) -> list[tuple[ClauseRecord, list[Subject]]]:
        """Records of older runs whose level, reason or statement is not that of the page."""
        texts = group((_wording(record), subject) for subject, record in self.records.items())
        return [
            (self.records[subjects[0]], subjects) for text, subjects in texts if text != _wording(self.record)
        ]


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


class Element(NamedTuple):
    """One number of an array: decimal, and hexadecimal where it adds anything."""

    decimal: str
    hexadecimal: str


class Row(NamedTuple):
    """The innermost axis of an array at one index of the others."""

    place: str
    elements: Sequence[Element]


def write_site(runs: Sequence[Run], folder: Path, *, refused: Sequence[str] = ()) -> Path:
    """Write the site of some runs into a folder.

    Pages of an earlier site that no run accounts for any more stay where they are.

    Args:
        runs: Runs that were read and checked, in any order.
        folder: Where the pages go; made if it does not exist.
        refused: One line for each run file that was not used; the index shows them.

    Returns:
        The path of the index page.
    """
    site = arrange(runs)
    for address, template, context in _pages(site, refused):
        root = "../" * address.count("/")
        text = _environment().get_template(template).render(site=site, root=root, **context)
        _write(folder / address, text)
    _write(folder / "style.css", (TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return folder / "index.html"


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


def group(pairs: Iterable[tuple[Key, Any]]) -> list[tuple[Key, list[Any]]]:
    """Values by key, in the order in which the keys first appear."""
    groups: dict[Key, list[Any]] = {}
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


def which(chosen: Sequence[Entry], among: Sequence[Entry]) -> str:
    """Short names of some variants, by what tells them from the rest of ``among``."""
    if len(chosen) == len(among):
        return ""
    parts = _named({entry.finding.variant for entry in chosen}, {entry.finding.variant for entry in among})
    more = [f"{len(parts) - PARTS_NAMED} more"] if len(parts) > PARTS_NAMED else []
    return "; ".join(parts[:PARTS_NAMED] + more)


def _named(chosen: set[VariantRecord], among: set[VariantRecord]) -> list[str]:
    axes = {field: _values(chosen, field) for field in ("mode", "form", "device", "dtype")}
    if chosen == {each for each in among if all(getattr(each, field) in axes[field] for field in axes)}:
        telling = [field for field in axes if axes[field] != _values(among, field)]
        return [_product([_axis(axes[field], _values(among, field), field) for field in telling])]
    field = next(field for field in axes if len(axes[field]) > 1)
    return [
        f"{value} {part}".strip()
        for value in axes[field]
        for part in _named(_having(chosen, field, value), _having(among, field, value))
    ]


def _values(variants: Iterable[VariantRecord], field: str) -> list[str]:
    return sorted({getattr(variant, field) for variant in variants}, key=_natural)


def _having(variants: Iterable[VariantRecord], field: str, value: str) -> set[VariantRecord]:
    return {variant for variant in variants if getattr(variant, field) == value}


def _axis(values: Sequence[str], among: Sequence[str], field: str) -> str:
    missing = [value for value in among if value not in values]
    if len(values) > 2 and len(missing) == 1:
        return f"every {field} but {SHORT_DTYPES.get(missing[0], missing[0])}"
    return ", ".join(SHORT_DTYPES.get(value, value) for value in values)


def _product(axes: Sequence[str]) -> str:
    return (" × " if any(" " in axis for axis in axes[:-1]) else " ").join(axes)


def witnesses(entries: Iterable[Entry]) -> list[Witness]:
    """Distinct counterexamples; dtype and reproducer alone make no difference."""
    shown: list[tuple[bytes, Entry]] = []
    for entry in entries:
        if example := entry.finding.counterexample:
            bare = msgspec.structs.replace(example, reproducer="", dtype="")
            shown.append((msgspec.json.encode(bare, order="sorted"), entry))
    return [Witness(those[0].finding.counterexample, those) for _, those in group(shown)]


def behaviours_of(entry: Entry) -> dict[str, int]:
    """What one finding observed, without behaviours that no case showed."""
    observed = entry.finding.observed
    return {name: cases for name, cases in observed.behaviours.items() if cases} if observed else {}


def behaviours(entries: Iterable[Entry]) -> list[tuple[str, dict[Subject, list[int]]]]:
    """For each observed behaviour and subject, the number of cases of each variant that showed it."""
    seen: defaultdict[str, defaultdict[Subject, list[int]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        for name, cases in behaviours_of(entry).items():
            seen[name][entry.subject].append(cases)
    return [(name, dict(seen[name])) for name in sorted(seen)]


def rows(array: object, place: str = "") -> Iterator[Row]:
    """Nested lists, flattened to rows of the innermost axis."""
    parts = cast("list[object]", array) if isinstance(array, list) else [array]
    if any(isinstance(part, list) for part in parts):
        for number, part in enumerate(parts):
            yield from rows(part, f"{place}[{number}]")
    else:
        yield Row(place, [_element(part) for part in parts])


def number(value: Number) -> str:
    """Four significant digits; strings (``nan``, ``inf``) as they are."""
    return value if isinstance(value, str) else f"{value:.4g}"


def plain(value: object) -> str:
    """A string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _of(entries: Iterable[Entry], subject: Subject) -> list[Entry]:
    return [entry for entry in entries if entry.subject is subject]


def _by(field: str, entries: Iterable[Entry]) -> list[tuple[Any, list[Entry]]]:
    return group((getattr(entry.finding, field), entry) for entry in entries)


def _element(value: object) -> Element:
    if not isinstance(value, str):
        return Element(plain(value), "")
    try:
        decimal = repr(float.fromhex(value))
    except (ValueError, OverflowError):
        return Element(value, "")
    return Element(decimal, value if "0x" in value.lower() else "")


def _natural(text: str) -> str:
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(12), text)


def _facts(run: Run) -> tuple[str, ...]:
    header, subject = run.header, run.header.subject
    return (
        f"build {subject.build}", f"Python {subject.python}", subject.platform, header.machine.processor,
        f"profile {header.profile}", f"seed {header.seed}", run.path.name,
    )  # fmt: skip


def _place(run: Run) -> tuple[str, ...]:
    subject = run.header.subject
    return subject.framework, _natural(subject.version), *map(_natural, _facts(run)), str(run.path)


def _subjects(runs: Sequence[Run]) -> list[Subject]:
    places = addresses(f"{run.header.subject.framework}-{run.header.subject.version}" for run in runs)
    same_name = dict(group((run.name, run) for run in runs))
    return [
        Subject(run, _label(run, same_name[run.name]), address)
        for run, address in zip(runs, places, strict=True)
    ]


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
        for finding in sorted(subject.run.findings, key=lambda each: _natural(variant_name(each.variant))):
            findings[finding.clause].append((subject, finding))
    ids = sorted(records.keys() | findings.keys())
    return [
        _clause(address, records[name], findings[name])
        for name, address in zip(ids, addresses(ids), strict=True)
    ]


def _clause(
    address: str, records: dict[Subject, ClauseRecord], findings: Sequence[tuple[Subject, Finding]]
) -> Clause:
    latest = max(records, key=lambda subject: subject.run.header.started, default=None)
    record = records[latest] if latest else _unstated(findings[0][1])
    distinct = {
        msgspec.json.encode(source): source for each in (record, *records.values()) for source in each.sources
    }
    anchors = addresses(
        f"finding-{s.address}-{variant_name(f.variant).replace(' ', '-')}" for s, f in findings
    )
    entries = [Entry(*pair, address, anchor) for pair, anchor in zip(findings, anchors, strict=True)]
    return Clause(msgspec.structs.replace(record, sources=list(distinct.values())), records, address, entries)


def _unstated(finding: Finding) -> ClauseRecord:
    words = "The run file holds findings about this clause and no statement of it."
    return ClauseRecord(
        id=finding.clause,
        operator=finding.operator,
        family="",
        level=finding.level,
        why="",
        statement=words,
        sources=[],
    )


def _wording(record: ClauseRecord) -> tuple[str, str, str]:
    return record.level, record.why, record.statement


def _pages(site: Site, refused: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "index.html", "index.html", {"refused": refused}
    for operator in site.operators:
        yield f"operator/{operator.address}.html", "operator.html", {"operator": operator}
        for clause in operator.clauses:
            yield f"clause/{clause.address}.html", "clause.html", {"operator": operator, "clause": clause}
    for subject in site.subjects:
        yield f"subject/{subject.address}.html", "subject.html", {"subject": subject}


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    filters: dict[str, Any] = environment.filters
    for function in (tally, variant_name, which, witnesses, behaviours, rows, number, plain):
        filters[function.__name__] = function
    filters["of"] = _of
    filters["by_variant"] = functools.partial(_by, "variant")
    filters["by_words"] = functools.partial(_by, "words")
    names: dict[str, Any] = environment.globals
    names.update(GLYPHS=GLYPHS, LEVELS=LEVELS, DEVIATIONS=DEVIATIONS, BLAMELESS=BLAMELESS)
    return environment


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "replace"))
