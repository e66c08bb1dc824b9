"""What the suite says of one implementation: its own command, asked about one function."""

from __future__ import annotations

import fnmatch
import functools
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.cases.drawing import Drawn
from conformance.judging.clause import Clause, Level
from conformance.operators.catalogue import clauses
from conformance.running.discover import find_function
from conformance.running.plan import PROFILES, Filters, Profile
from conformance.running.run import Options, Progress, run_subject
from reports.record import Finding
from reports.zoo import AskedClause, Death, Evidence, Implementation, Outcome
from reports.zoo_score import DECIDING
from tests.zoo.inhabitants import Inhabitant
from tests.zoo.plain import CHECKOUT, agreement

BROKEN = ("deviates", "crashes", "hangs")
LOST = ("harness-error", "not-run")
UNANSWERED = ("unsupported", "observed")
LEVELS: tuple[Level, ...] = ("documented", "implied", "quality")


@dataclass(frozen=True)
class Question:
    """How much to ask, and where.

    Attributes:
        python: Interpreter that has the framework.
        profile: Which profile of the suite.
        dtypes: Formats to ask for; empty for all.
        plain: Number of plain random cases.
    """

    python: str
    profile: str = "quick"
    dtypes: tuple[str, ...] = ()
    plain: int = 0

    @property
    def chosen(self) -> Profile:
        """The profile, with the formats of this question; of the mode that is named every clause."""
        whole = replace(PROFILES[self.profile], compiled="all", few="all", wrappers="all", others="all")
        return replace(whole, dtypes=self.dtypes)


def evidence_of(clause: Clause) -> Evidence:
    """Whether a clause goes through everything, draws, or has its cases written down."""
    if isinstance(clause.draw, Drawn):
        return "property"
    last = clause.id.rpartition(".")[2]
    return "lattice" if last == "lattice" or last.startswith("every-") else "example"


def asked_clauses() -> list[AskedClause]:
    """Every clause that may decide about an implementation."""
    return [
        AskedClause(id=clause.id, level=clause.level, evidence=evidence_of(clause), statement=clause.statement)
        for clause in clauses()
        if clause.level in LEVELS and not clause.binding.framework
    ]


@functools.cache
def _levels() -> dict[str, Level]:
    return {clause.id: clause.level for clause in clauses()}


def ask(who: Inhabitant, question: Question) -> Implementation:
    """Ask every clause of level ``documented``, ``implied`` and ``quality``, and plain cases where they are wanted."""
    warnings.simplefilter("ignore")
    found = _findings(who, question)
    firsts: dict[str, list[int]] = {}
    for finding in found:
        if finding.verdict in BROKEN:
            firsts.setdefault(finding.clause, []).append(finding.first or 1)
    lost = sorted({finding.words.splitlines()[0] for finding in found if finding.verdict in LOST})
    if all(finding.verdict in UNANSWERED for finding in found):
        lost.append("no clause was answered")
    entry, share = who.entry, None
    if question.plain:
        share = agreement(who.target, who.operator, who.framework, question.python, question.plain)
    return Implementation(
        framework=who.framework,
        operator=who.operator,
        name=who.name,
        words=entry.words,
        right=who.right,
        level=_level(entry.level),
        verdict=_verdict(who, set(firsts), bool(lost)),
        corner=getattr(entry, "corner", ""),
        agreement=share,
        why_not=getattr(entry, "plain", ""),
        broken=[Death(clause=clause, first=min(each)) for clause, each in firsts.items()],
        lost=lost,
    )


def _findings(who: Inhabitant, question: Question) -> list[Finding]:
    spec = find_function(who.target, who.operator, who.framework)
    assert spec.function is not None
    spec = replace(spec, function=replace(spec.function, path=(str(CHECKOUT),)))
    filters = Filters((who.operator,), (who.mode,), levels=LEVELS)
    with tempfile.TemporaryDirectory() as folder:
        options = Options(question.chosen, filters, question.python, out=Path(folder), minimise=0)
        return run_subject(spec, options, Progress()).findings


def _level(word: str) -> Level:
    return next(level for level in LEVELS if level == word)


def _verdict(who: Inhabitant, broken: set[str], lost: bool) -> Outcome:
    """Caught or not at its level; right code must keep every clause of its level."""
    if lost:
        return "no-verdict"
    asked = fnmatch.filter(broken, getattr(who.entry, "clause", "*"))
    decided = any(_levels()[clause] in DECIDING[_level(who.entry.level)] for clause in asked)
    if who.right:
        return "false-alarm" if decided else "conforms"
    return "caught" if decided else "survives"
