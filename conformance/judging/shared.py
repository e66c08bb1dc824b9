"""Laws that operators share: clauses that come from an operator's description."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from conformance.cases.drawing import Draw
from conformance.cases.operator import Operator
from conformance.judging.clause import (
    EVERY_SUBJECT,
    Also,
    Binding,
    Clause,
    Keeps,
    Law,
    Level,
    Needs,
    any_case,
    clauses_of,
)


@dataclass(frozen=True)
class Shared:
    """A law that operators share.

    Attributes:
        rest: ``family.sentence``, the id without its operator.
        level: Why it may be demanded.
        topics: What the operators' pages are asked for.
        unquoted: The level where an operator's pages say nothing on the topics; ``None`` if it has no such clause then.
        why: See :class:`Clause`, as are the others.
        binding: Which subjects.
        needs: What a variant must offer.
        cases: Where its cases come from.
        keeps: What a case must keep.
        also: Its weight in a profile.
        applies: Whether an operator has what the law is about.
        spares: Frameworks whose own pages of an operator say otherwise.
        law: The law.
    """

    rest: str
    level: Level
    topics: tuple[str, ...]
    unquoted: Level | None
    why: str
    binding: Binding
    needs: Needs
    cases: Draw
    keeps: Keeps
    also: tuple[Also, ...]
    applies: Callable[[Operator], bool]
    spares: Callable[[Operator], tuple[str, ...]]
    law: Law

    def declare(self, operator: Operator, register: dict[str, Clause]) -> None:
        """Make it a clause of an operator, if it applies."""
        sources = operator.quoted(*self.topics)
        level = self.level if sources or self.level != "documented" else self.unquoted
        if level is None or not self.applies(operator):
            return
        clauses_of(operator, register)(
            f"{operator.word}.{self.rest}",
            level,
            *sources,
            cases=self.cases,
            why=self.why,
            binding=replace(self.binding, spared=self.spares(operator)),
            needs=self.needs,
            keeps=self.keeps,
            also=self.also,
        )(self.law)


Declare = Callable[[Operator, dict[str, Clause]], None]
"""Makes clauses of an operator and puts them into the register."""

SHARED: list[Declare] = []
"""What makes clauses of every operator, in the order in which the families say it."""

TOPICS: set[str] = set()
"""What the pages of an operator are asked for."""


def generated(declare: Declare) -> Declare:
    """Take a function that makes clauses of what an operator's description lists, such as its examples."""
    SHARED.append(declare)
    return declare


def every_operator(operator: Operator) -> bool:
    """Whatever the operator."""
    del operator
    return True


def no_framework(operator: Operator) -> tuple[str, ...]:
    """None, whatever the operator."""
    del operator
    return ()


def shared(
    rest: str,
    level: Level,
    *topics: str,
    cases: Draw,
    why: str = "",
    unquoted: Level | None = None,
    binding: Binding = EVERY_SUBJECT,
    needs: Needs = "value",
    keeps: Keeps = any_case,
    also: tuple[Also, ...] = (),
    applies: Callable[[Operator], bool] = every_operator,
    spares: Callable[[Operator], tuple[str, ...]] = no_framework,
) -> Callable[[Law], Law]:
    """Declare a law of a family; see :class:`Shared` for the arguments."""

    def add(law: Law) -> Law:
        own = Shared(rest, level, topics, unquoted, why, binding, needs, cases, keeps, also, applies, spares, law)
        SHARED.append(own.declare)
        TOPICS.update(topics)
        return law

    return add
