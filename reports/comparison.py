"""The page of a comparison: what a gate found between two runs, in one file that needs no other.

It is plain HTML with its style sheet inside, so it can be attached to a build, sent, and opened from a folder.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from reports.accepted import Accepted, signature
from reports.arrangement import WORDS_COMPARED, addresses, group
from reports.classes import Class
from reports.gate import FAIL_ON, Comparison, Difference
from reports.record import Counterexample, Finding, Run, VariantRecord
from reports.site import TEMPLATES, environment
from reports.variants import telling

ANSWERS = {
    0: "nothing stands against the upgrade",
    1: "do not upgrade: something regressed or changed",
    3: "nothing else stands against it, but an accepted deviation is stale: remove its entry, or look at it again",
    4: "no answer: not everything could be compared",
    5: "results still conform, but are less accurate than before",
    6: "do not upgrade: support or coverage was lost",
}
"""What an exit status means."""

IN_THE_OPEN = 10
"""Differences of each class that are not folded."""


class Look(NamedTuple):
    """How a class is shown: its glyph, the verdict whose pattern and colour it has, and its meaning."""

    glyph: str
    like: str
    meaning: str


LOOKS: dict[Class, Look] = {
    "regressed": Look("✗", "deviates", "conformed; now deviates, crashes or hangs"),
    "changed": Look("≠", "crashes", "deviated, and deviates otherwise"),
    "support-lost": Look("⊘", "unsupported", "answered; now the whole variant is refused"),
    "coverage-lost": Look("–", "not-run", "was asked, is not asked any more"),
    "worse": Look("↓", "hangs", "still conforms, with an error that grew"),
    "not-comparable": Look("?", "harness-error", "other cases, or another level of the clause"),
    "worse-elsewhere": Look("↧", "observed", "still conforms, with an error that grew, on another processor"),
    "behaviour-changed": Look("○", "observed", "what is recorded and not judged is something else"),
    "fixed": Look("✓", "conforms", "deviated; now conforms"),
    "support-gained": Look("+", "conforms", "was refused; is answered"),
    "new": Look("*", "observed", "was not asked before"),
    "same": Look("=", "conforms", "none of these"),
}


class Side(NamedTuple):
    """A finding of one of the two runs, and which run it is of."""

    name: str
    run: Run
    finding: Finding | None

    @property
    def said(self) -> str:
        """The kind of what was seen, beside the verdict."""
        return signature(self.finding).partition(": ")[2] if self.finding else ""


@dataclass(frozen=True, eq=False)
class Gathered:
    """Differences of one clause and class that show the same, with the address of their place on the page."""

    comparison: Comparison
    differences: Sequence[Difference]
    among: Collection[VariantRecord]
    anchor: str

    @property
    def first(self) -> Difference:
        """The difference that stands for the others."""
        return self.differences[0]

    @property
    def variants(self) -> str:
        """The variants, by what tells them from the others of the clause."""
        return telling([each.variant for each in self.differences], self.among) or f"all {len(self.differences)}"

    @property
    def sides(self) -> tuple[Side, Side]:
        """What both runs say about the first of them."""
        return (
            Side("Before", self.comparison.baseline, self.first.before),
            Side("After", self.comparison.candidate, self.first.after),
        )

    @property
    def shown(self) -> Side:
        """The side whose witness shows the difference."""
        before, after = self.sides
        return before if self.witness is not _example(after.finding) else after

    @property
    def witness(self) -> Counterexample | None:
        """The input that shows the difference, if the run files hold one."""
        return self.first.witness

    @property
    def other(self) -> Side | None:
        """The earlier side, where its witness is another one."""
        example = _example(self.first.before)
        return self.sides[0] if example and self.witness and _bare(example) != _bare(self.witness) else None

    @property
    def dtypes(self) -> list[str]:
        """The dtypes of the input."""
        return list(dict.fromkeys(each.variant.dtype for each in self.differences))

    @property
    def programs(self) -> list[tuple[str, str]]:
        """Distinct reproducers, each with the variants that it is for."""
        shown = ((example.reproducer, each) for each in self.differences if (example := each.witness))
        return [
            (program, telling([each.variant for each in those], self.among) or "all variants")
            for program, those in group(shown)
            if program
        ]


@dataclass(frozen=True, eq=False)
class Chapter:
    """The differences of one class, the worst first, and whether they stop the upgrade."""

    kind: Class
    gathered: Sequence[Gathered]
    count: int
    accepted: int
    stops: bool


def write_comparison(comparison: Comparison, path: Path, fail_on: Collection[Class] = FAIL_ON) -> Path:
    """Write the page of a comparison.

    Args:
        comparison: What the gate found.
        path: The file; its folder is made if it does not exist.
        fail_on: The classes that stop the upgrade.

    Returns:
        The path.
    """
    status = comparison.status(fail_on)
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    text = environment().get_template("comparison.html").render(
        comparison=comparison, chapters=chapters(comparison, fail_on), status=status, answer=ANSWERS[status],
        runs=_facts(comparison), looks=LOOKS, style=style, in_the_open=IN_THE_OPEN,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "replace"))
    return path


def chapters(comparison: Comparison, fail_on: Collection[Class] = FAIL_ON) -> list[Chapter]:
    """The differences by class, and in a class by what they show, in the order of the comparison."""
    of_clause = dict(group((each.clause, each.variant) for each in comparison.differences))
    return [_chapter(comparison, kind, of_clause, fails=kind in fail_on) for kind in comparison.counts]


def _chapter(
    comparison: Comparison, kind: Class, of_clause: Mapping[str, list[VariantRecord]], *, fails: bool
) -> Chapter:
    """Those of one class."""
    alike = [each for each in comparison.differences if each.kind == kind]
    those = [each for _, each in group((_shows(each), each) for each in alike if kind != "same")]
    anchors = addresses(f"{kind}-{each[0].clause}" for each in those)
    gathered = [
        Gathered(comparison, each, of_clause[each[0].clause], anchor)
        for each, anchor in zip(those, anchors, strict=True)
    ]
    return Chapter(kind, gathered, len(alike), sum(each.accepted is not None for each in alike), fails)


def _shows(difference: Difference) -> tuple[str, str, str, str, Accepted | None]:
    """What differences have in common that are told in one place; numbers in words make no difference."""
    example = difference.witness
    findings = [found for found in (difference.before, difference.after) if found]
    sides = [f"{signature(found)} {found.repeatable}" for found in findings]
    words = [*sides, example.got if example else difference.words]
    alike = re.sub(r"[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?", "0", " ".join(words))[:WORDS_COMPARED]
    shown = str(_bare(example)) if example else ""
    return difference.clause, difference.level, alike, shown, difference.accepted


def _bare(example: Counterexample) -> bytes:
    """A counterexample without what differs between variants that show the same."""
    return msgspec.structs.replace(example, got="").bare()


def _example(finding: Finding | None) -> Counterexample | None:
    return finding.counterexample if finding else None


def _facts(comparison: Comparison) -> list[tuple[str, str, str]]:
    """What is known of both runs, line by line."""
    columns = [_described(run) for run in (comparison.baseline, comparison.candidate)]
    return [(name, value, columns[1][name]) for name, value in columns[0].items()]


def _described(run: Run) -> dict[str, str]:
    header, subject = run.header, run.header.subject
    modes: Iterable[str] = (mode.mode for mode in header.left_out)
    return {
        "Version": subject.version, "Build": subject.build, "Python": subject.python, "Platform": subject.platform,
        "Machine": f"{header.machine.processor}, {header.machine.cores} cores", "Profile": header.profile,
        "Seed": str(header.seed), "Suite": f"{header.suite.version}, {header.suite.digest[:19]}",
        "Modes left out": ", ".join(modes) or "none", "Cells": str(header.planned), "Started": header.started,
        "Run file": run.path.name,
    }  # fmt: skip
