"""What the zoo says about the suite: totals, and what each clause and each kind of evidence catches."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

from reports.record import Level
from reports.zoo import AskedClause, Evidence, Implementation, Zoo

DECIDING: dict[Level, frozenset[Level]] = {
    "documented": frozenset({"documented"}),
    "implied": frozenset({"documented", "implied"}),
    "quality": frozenset({"documented", "implied", "quality"}),
    "open": frozenset({"documented", "implied", "quality", "open"}),
}
"""By a level: the levels of the clauses that may catch a fault of it, or that right code of it must keep."""

EVIDENCE: tuple[Evidence, ...] = get_args(Evidence)


class Total(NamedTuple):
    """How many of one framework and operator there are, and what became of them."""

    framework: str
    operator: str
    wrong: int
    caught: int
    right: int
    conforming: int


@dataclass(frozen=True, eq=False)
class Earnings:
    """What one clause is worth: what it catches, and what nothing else catches."""

    clause: AskedClause
    kills: Sequence[Implementation]
    alone: Sequence[Implementation]


@dataclass(frozen=True, eq=False)
class Power:
    """What one kind of evidence catches without the others."""

    evidence: Evidence
    clauses: int
    caught: int
    missed: Sequence[Implementation]


class Score:
    """Everything that the pages say of one file."""

    def __init__(self, zoo: Zoo) -> None:
        self.zoo = zoo
        self.clauses = {clause.id: clause for clause in zoo.clauses}
        self.wrong = [each for each in zoo.implementations if not each.right]
        self.right = [each for each in zoo.implementations if each.right]

    def _having(self, *verdicts: str) -> list[Implementation]:
        return [each for each in self.zoo.implementations if each.verdict in verdicts]

    @property
    def survivors(self) -> list[Implementation]:
        """Wrong implementations that nothing of their level caught."""
        return self._having("survives")

    @property
    def false_alarms(self) -> list[Implementation]:
        """Right implementations that broke a clause that they must keep."""
        return self._having("false-alarm")

    @property
    def without_verdict(self) -> list[Implementation]:
        """Implementations of which the suite cannot say anything."""
        return self._having("no-verdict")

    @property
    def totals(self) -> list[Total]:
        """One line for each framework and operator."""
        keys = dict.fromkeys((each.framework, each.operator) for each in self.zoo.implementations)
        return [self._total(framework, operator) for framework, operator in keys]

    def _total(self, framework: str, operator: str) -> Total:
        of = [each for each in self.zoo.implementations if (each.framework, each.operator) == (framework, operator)]
        counts = [
            sum(test)
            for test in zip(
                *((not e.right, e.verdict == "caught", e.right, e.verdict == "conforms") for e in of), strict=True
            )
        ]
        return Total(framework, operator, *counts)

    def deciding(self, each: Implementation) -> list[str]:
        """The clauses broken that may decide about it."""
        return [death.clause for death in each.broken if self.clauses[death.clause].level in DECIDING[each.level]]

    def earnings(self) -> list[Earnings]:
        """Every clause with what it catches; those that catch most come first."""
        by_fault = {id(each): self.deciding(each) for each in self.wrong}
        found = [
            Earnings(
                clause,
                [each for each in self.wrong if clause.id in by_fault[id(each)]],
                [each for each in self.wrong if by_fault[id(each)] == [clause.id]],
            )
            for clause in self.zoo.clauses
        ]
        return sorted(found, key=lambda each: (-len(each.kills), each.clause.id))

    def shared(self) -> list[AskedClause]:
        """Clauses of other levels than documented that catch only what another catches too."""
        idle = [each for each in self.earnings() if not each.alone and each.clause.level != "documented"]
        return [each.clause for each in idle if each.kills]

    def unmet(self) -> list[AskedClause]:
        """Clauses that catch nothing."""
        return [each.clause for each in self.earnings() if not each.kills]

    def power(self) -> list[Power]:
        """What each kind of evidence catches alone."""
        return [self._power(evidence) for evidence in EVIDENCE]

    def _power(self, evidence: Evidence) -> Power:
        missed = [
            each for each in self.wrong if not any(self.clauses[i].evidence == evidence for i in self.deciding(each))
        ]
        clauses = sum(clause.evidence == evidence for clause in self.zoo.clauses)
        return Power(evidence, clauses, len(self.wrong) - len(missed), missed)

    def first_examples(self) -> list[int]:
        """For each wrong implementation that a property catches: the number of the first example that does."""
        firsts = (self._firsts(each, "property") for each in self.wrong)
        return [min(found) for found in firsts if found]

    def _firsts(self, each: Implementation, evidence: Evidence) -> list[int]:
        decided = set(self.deciding(each))
        return [d.first for d in each.broken if d.clause in decided and self.clauses[d.clause].evidence == evidence]

    @property
    def median_example(self) -> float:
        """Median over all wrong implementations of the first property example that catches it; infinite where none."""
        found = self.first_examples()
        every = [float(first) for first in found] + [float("inf")] * (len(self.wrong) - len(found))
        return statistics.median(every) if every else float("inf")

    @property
    def median_clauses(self) -> float:
        """Median number of deciding clauses that a wrong implementation breaks."""
        return statistics.median([len(self.deciding(each)) for each in self.wrong]) if self.wrong else 0.0

    @property
    def corners(self) -> list[Implementation]:
        """Wrong implementations that agree with half of the plain cases and differ in a stated corner."""
        return [each for each in self.wrong if each.corner and (each.agreement or 0.0) >= 0.5]

    @property
    def disagreeing(self) -> list[Implementation]:
        """Wrong implementations that agree with fewer than half of the plain cases, each with its reason."""
        return [each for each in self.wrong if each.agreement is not None and each.agreement < 0.5]


def names(implementations: Iterable[Implementation]) -> str:
    """Names with framework and operator, in a line."""
    return ", ".join(f"{each.framework} {each.name} ({short(each.operator)})" for each in implementations)


def short(operator: str) -> str:
    """``soft margin`` of ``multilabel_soft_margin_loss``."""
    return operator.removeprefix("multilabel_").removesuffix("_loss").replace("_", " ")
