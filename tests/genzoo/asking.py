"""Judges mutants and variants in one process, which keeps its worker and the oracle's answers."""

from __future__ import annotations

import atexit
import functools
import warnings
from dataclasses import dataclass

from tests.genzoo.court import Court, Judgement, target_of
from tests.genzoo.equivalence import difference
from tests.genzoo.functions import named
from tests.genzoo.mutation import Mutation
from tests.genzoo.record import Clause, Entry
from tests.genzoo.rehearsal import Rehearsed, RehearsingBench, suspects

RIGHT = "right_as_written"


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
    everything = whole or who.kind == "right"
    found = court.judge(who.operator, who.name) if everything else _first_kill(court, who)
    verdict, reason = _verdict(who, found)
    broken = [Clause(each.clause, each.level, each.dtype, each.first) for each in found.broken]
    return Entry(who.framework, who.operator, who.name, who.kind, who.words, verdict, found.asked, broken, reason)


def _first_kill(court: Court, who: Asked) -> Judgement:
    """Until a clause is broken, among those in whose calls the mutant differs from the right implementation in NumPy.

    In another framework than NumPy, where a run makes further calls, a mutant that they
    do not kill is asked every clause.
    """
    mutation = named(who.operator)[who.name]
    assert isinstance(mutation, Mutation)
    at_home = _court("numpy", "")
    assert isinstance(at_home.bench, RehearsingBench)
    target = target_of("numpy", who.operator, who.name)
    found = court.first_kill(
        who.operator, who.name, suspects(at_home.bench, _rehearsed(who.operator), target, mutation.part)
    )
    return found if found.broken or found.lost or who.framework == "numpy" else court.judge(who.operator, who.name)


@functools.cache
def _rehearsed(operator: str) -> list[Rehearsed]:
    return _court("numpy", "").rehearse(operator, RIGHT)


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
