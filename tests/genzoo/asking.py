"""Judges mutants and variants in one process, which keeps its worker and the oracle's answers."""

from __future__ import annotations

import atexit
import functools
import warnings
from dataclasses import dataclass

from tests.genzoo.court import FIRST, REST, Court, Judgement
from tests.genzoo.equivalence import difference
from tests.genzoo.record import Clause, Entry


@dataclass(frozen=True)
class Asked:
    """Whom to ask about.

    Attributes:
        framework: Whose tensors it takes.
        operator: What it implements, or fails to.
        name: Of the mutant or variant.
        kind: What sort of mistake; ``right`` for a variant.
        words: What it does.
    """

    framework: str
    operator: str
    name: str
    kind: str
    words: str


def ask(some: tuple[Asked, ...], python: str, *, whole: bool) -> list[Entry]:
    """What the suite says of some of them."""
    warnings.simplefilter("ignore")
    return [_answer(who, python, whole=whole) for who in some]


def _answer(who: Asked, python: str, *, whole: bool) -> Entry:
    court = _court(who.framework, python)
    if who.kind == "right" or whole:
        found = court.judge(who.operator, who.name, whole=True)
        verdict, reason = _verdict(who, found)
    else:
        found, verdict, reason = _first_kill(court, who)
    broken = [Clause(each.clause, each.level, each.dtype, each.first) for each in found.broken]
    return Entry(who.framework, who.operator, who.name, who.kind, who.words, verdict, found.asked, broken, reason)


def _first_kill(court: Court, who: Asked) -> tuple[Judgement, str, str]:
    """Until a clause is broken; other formats than the first are not asked of one that equals the formula."""
    found = court.judge(who.operator, who.name, FIRST)
    if found.broken or found.lost:
        return found, *_verdict(who, found)
    differs = difference(who.operator, who.name)
    if differs.verdict == "equivalent":
        return found, differs.verdict, differs.words
    found += court.judge(who.operator, who.name, REST)
    return found, *(_verdict(who, found) if found.broken or found.lost else (differs.verdict, differs.words))


def _verdict(who: Asked, found: Judgement) -> tuple[str, str]:
    if found.lost:
        return "lost", "; ".join(found.lost[:3])
    if who.kind == "right":
        return ("accused" if found.broken else "conforms"), ""
    if found.broken:
        return "killed", ""
    differs = difference(who.operator, who.name)
    return differs.verdict, differs.words


@functools.cache
def _court(framework: str, python: str) -> Court:
    """One for a process."""
    court = Court(framework, python)
    court.__enter__()
    atexit.register(court.__exit__, None, None, None)
    return court
