"""How a clause stands in one version of a framework, and what several versions together say about it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from reports.arrangement import DEVIATIONS, GLYPHS, WORDS_COMPARED, group
from reports.record import Finding, VariantRecord, Verdict
from reports.run_files import BLAMELESS
from reports.variants import telling

Mark = Literal["partial", "not-measured"] | Verdict
MARKS: Mapping[Mark, str] = dict([*GLYPHS.items(), ("partial", "◐"), ("not-measured", "–")])
"""What a version did about a clause, each with its glyph."""

SILENT: frozenset[Mark] = frozenset({"observed", "not-measured"})
"""Marks that judge nothing."""

_VERBS: dict[Verdict, str] = {"deviates": "deviates", "crashes": "crashes", "hangs": "hangs", "unsupported": "refuses"}
WORDS_SHOWN = 160


@dataclass(frozen=True)
class Cell:
    """What one version did about one clause, in every variant that was asked."""

    version: str
    findings: tuple[Finding, ...]

    @cached_property
    def mark(self) -> Mark:
        """The verdict of all variants; ``partial`` where only some conform; the worst verdict where none does."""
        verdicts = {finding.verdict for finding in self.findings} - BLAMELESS
        if "conforms" in verdicts:
            return "conforms" if verdicts <= {"conforms", "observed"} else "partial"
        worst: list[Mark] = [verdict for verdict in GLYPHS if verdict in verdicts]
        return worst[0] if worst else "not-measured"

    @property
    def by_variant(self) -> dict[VariantRecord, Finding]:
        """The findings that have a verdict."""
        return {finding.variant: finding for finding in self.findings if finding.verdict not in BLAMELESS}

    @property
    def failing(self) -> list[Finding]:
        """The findings of variants that were judged and do not conform."""
        return [finding for finding in self.findings if finding.verdict in _VERBS]

    def names(self, chosen: Sequence[Finding]) -> str:
        """Short names of the variants of some findings."""
        variants = [finding.variant for finding in chosen]
        return telling(variants, [finding.variant for finding in self.findings]) or "every variant"

    def behaviours(self) -> list[tuple[str, list[Finding]]]:
        """The findings that showed each behaviour; what is refused or worse is a behaviour too."""
        seen = group((name, each) for each in self.findings for name in behaviours_of(each))
        return sorted(seen, key=lambda pair: pair[0])


def behaviours_of(finding: Finding) -> list[str]:
    """The behaviours that a finding of an open clause recorded, sorted."""
    if finding.verdict in _VERBS:
        return [_VERBS[finding.verdict]]
    seen = finding.observed.behaviours if finding.observed else {}
    return sorted(name for name, cases in seen.items() if cases)


@dataclass(frozen=True)
class Point:
    """How a clause, or an operator, stands in one version.

    Attributes:
        version: The version.
        mark: What it did.
        findings: What deviates, refuses, crashes or hangs, in words.
        basis: What that does not rest on, in words.
        shown: Something that was asked in the measured version before too stands otherwise than there.
    """

    version: str
    mark: Mark
    findings: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()
    shown: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is said about it."""
        return self.findings + self.basis

    @property
    def standing(self) -> Literal["full", "partial", "none"]:
        """Whether it conforms in all, in some or in none of its parts."""
        return "full" if self.mark == "conforms" else "partial" if self.mark == "partial" else "none"


@dataclass(frozen=True)
class Statement:
    """Since when something conforms; :mod:`reports.history` says what the fields mean."""

    version_added: str | Literal[False] | None
    version_removed: str | None = None
    partial: bool = False
    notes: tuple[str, ...] = ()


def _said(spans: Sequence[list[Point]]) -> list[Statement]:
    """A statement for each span; it is removed by the version that shows the next."""
    said = [_statement(span, first=number == 0) for number, span in enumerate(spans)]
    for number, following in enumerate(spans[1:]):
        if following[0].shown:
            said[number] = replace(said[number], version_removed=following[0].version)
    return said


def statements(points: Sequence[Point]) -> tuple[Statement, list[Statement]]:
    """What holds in the newest version that has a verdict, and what held before, newest first.

    A step between two versions that rests on what was asked in one of them only has no version:
    what is new is there "≤" the version, and nothing was removed.
    """
    judged = [point for point in points if point.mark not in SILENT]
    if not judged:
        return Statement(None), []
    spans = [list(those) for _, those in itertools.groupby(judged, key=lambda point: point.standing)]
    said = _said(spans)
    if len(spans) > 1 and not said[-1].version_added:
        said[-1] = replace(said[-1], version_removed=said[-2].version_removed)
    return said[-1], [one for one in said[-2::-1] if one.version_added]


def _statement(span: Sequence[Point], *, first: bool) -> Statement:
    start, last = span[0], span[-1]
    notes = tuple(dict.fromkeys(last.findings + start.basis + last.basis))
    if start.standing == "none":
        return Statement(False, notes=notes)
    known = start.shown and not first
    return Statement(start.version if known else f"≤{start.version}", None, start.standing == "partial", notes)


def point(cell: Cell, before: Cell | None) -> Point:
    """How a clause stands in a version, seen from the measured version before it."""
    kinds = group((_kind(finding), finding) for finding in cell.failing)
    findings = tuple(_note(cell, those) for _, those in sorted(kinds, key=lambda kind: kind[0]))
    was, now = before.by_variant if before else {}, cell.by_variant
    shown = any((was[each].verdict == "conforms") != (now[each].verdict == "conforms") for each in was.keys() & now)
    return Point(cell.version, cell.mark, findings, tuple(_basis(cell, before)), shown)


def _failing_only_in(cell: Cell, other: Cell) -> list[Finding]:
    """What fails in variants that the other cell does not have."""
    return [finding for finding in cell.failing if finding.variant not in other.by_variant]


def _basis(cell: Cell, before: Cell | None) -> list[str]:
    """What the verdict of a version does not rest on, and what the version before does not say about it."""
    lost = [finding for finding in cell.findings if finding.verdict in BLAMELESS]
    notes = [f"no verdict in {cell.names(lost)}"] if lost and len(lost) < len(cell.findings) else []
    if before is None or not cell.by_variant:
        return notes
    fresh, gone = _failing_only_in(cell, before), _failing_only_in(before, cell)
    notes += [f"{before.version} was not asked in {cell.names(fresh)}"] if fresh else []
    notes += [f"not asked in {before.names(gone)}, where {before.version} does not conform"] if gone else []
    return notes


def _kind(finding: Finding) -> tuple[int, str]:
    """What is told in one note: numbers in words, and replies, make no difference."""
    example = finding.counterexample
    words = finding.words or (example.expected if example else "")
    return [*GLYPHS].index(finding.verdict), _without_digits(words)[:WORDS_COMPARED]


def _without_digits(text: str) -> str:
    return "".join(" " if letter.isdigit() else letter for letter in text)


def _note(cell: Cell, those: Sequence[Finding]) -> str:
    first, example = those[0], those[0].counterexample
    said = [_short(first.words)] if first.words else []
    if example and first.verdict in DEVIATIONS:
        said += [f"got {_short(example.got)}, expected {_short(example.expected)}"]
    said += ["a deviation that did not repeat"] if any(each.repeatable is False for each in those) else []
    return f"{_VERBS[first.verdict]} in {cell.names(those)}" + (f": {'; '.join(said)}" if said else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WORDS_SHOWN else f"{line[:WORDS_SHOWN].rstrip()}…"
