"""The gate: what is different between two runs of one framework, and whether that stops an upgrade.

Every clause × variant of either run is put into exactly one class:

=================== ==================================================================== ====
regressed           conformed; now deviates, crashes or hangs (refused; now crashes)     1
changed             deviated, and deviates otherwise: another kind, magnitude or place    1
support-lost        answered; now the whole variant is refused                           6
coverage-lost       was asked, is not asked any more                                     6
worse               conforms still, with an error that grew (see classes.FACTOR)         5
worse-elsewhere     the same, on another processor: other kernels, other roundings       0
not-comparable      the cases differ, or the clause's level                              4
behaviour-changed   an open clause recorded something else; an error has another type    0
fixed               deviated; now conforms                                               0
support-gained      was refused; now answered                                            0
new                 was not asked before                                                 0
same                none of these                                                        0
=================== ==================================================================== ====

The last column is the exit status. A class of status 0 that is chosen to fail gives 1; ``worse-elsewhere`` gives 5.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, cast

from reports.accepted import Accepted, share
from reports.arrangement import DEVIATIONS, LEVELS
from reports.classes import CLASSES, FACTOR, Class, classified
from reports.record import Counterexample, Finding, Level, Machine, Run, VariantRecord

FAIL_ON: frozenset[Class] = frozenset(
    {"regressed", "changed", "support-lost", "coverage-lost", "worse", "not-comparable"}
)

_STATUS: dict[Class, int] = {
    "support-lost": 6,
    "coverage-lost": 6,
    "worse": 5,
    "worse-elsewhere": 5,
    "not-comparable": 4,
}
STATUS_PRECEDENCE = (4, 1, 6, 3, 5)
"""Of several exit statuses the first of these; 2, a wrong word, ends before."""


class NotComparable(ValueError):
    """Two runs that say nothing about an upgrade."""


class Pair(NamedTuple):
    """One clause of one variant."""

    clause: str
    variant: VariantRecord


@dataclass(frozen=True)
class Difference:
    """One clause of one variant in two runs.

    Attributes:
        kind: The class it belongs to.
        words: Why, in one line.
        before: What the baseline says; ``None`` where it was not asked.
        after: What the candidate says.
        accepted: The entry that lets the deviation pass.
    """

    clause: str
    operator: str
    level: Level
    variant: VariantRecord
    kind: Class
    words: str
    before: Finding | None
    after: Finding | None
    accepted: Accepted | None = None

    @property
    def witness(self) -> Counterexample | None:
        """The input that shows it: the candidate's; the baseline's where the candidate has none."""
        examples = [found.counterexample for found in (self.after, self.before) if found]
        return next((example for example in examples if example), None)


@dataclass(frozen=True)
class Comparison:
    """Two runs, compared.

    Attributes:
        differences: One for every clause × variant of either run, the worst first, the same ones last.
        stale: Accepted deviations that match nothing any more, or whose date has passed.
        notes: What else differs between the runs, in words.
    """

    baseline: Run
    candidate: Run
    differences: list[Difference]
    stale: list[Accepted]
    notes: list[str]

    @cached_property
    def counts(self) -> dict[Class, int]:
        """How many there are of each class."""
        counts = Counter(difference.kind for difference in self.differences)
        return {kind: counts[kind] for kind in CLASSES if counts[kind]}

    def still_deviating(self) -> int:
        """How many of the same ones deviate in both runs."""
        return sum(
            each.kind == "same" and bool(each.after and each.after.verdict in DEVIATIONS) for each in self.differences
        )

    def failing(self, fail_on: Collection[Class] = FAIL_ON) -> list[Difference]:
        """The differences that stop an upgrade."""
        return [each for each in self.differences if each.kind in fail_on and each.accepted is None]

    def status(self, fail_on: Collection[Class] = FAIL_ON) -> int:
        """The exit status: 0 clean, else that of the gravest class present."""
        statuses = {_STATUS.get(each.kind, 1) for each in self.failing(fail_on)} | ({3} if self.stale else set[int]())
        return gravest(statuses)


def gravest(statuses: Collection[int]) -> int:
    """Of several exit statuses the one that says most."""
    return next((status for status in STATUS_PRECEDENCE if status in statuses), 0)


def compare(baseline: Run, candidate: Run, accepted: Sequence[Accepted] = (), factor: float = FACTOR) -> Comparison:
    """Put every clause × variant of two runs into its class.

    Args:
        baseline: The run that was accepted.
        candidate: The run that is to be judged.
        accepted: Deviations that may pass.
        factor: By how much an error may grow and still be the same.

    Raises:
        NotComparable: The runs are incomplete, of different frameworks, or have no case in common.
    """
    _assert_comparable(baseline, candidate)
    before, after = _by_pair(baseline), _by_pair(candidate)
    found = [_difference(before.get(pair), after.get(pair), factor) for pair in {**before, **after}]
    if not baseline.header.machine.computes_like(candidate.header.machine):
        found = [_on_another_processor(difference) for difference in found]
    covered = _covered(candidate, accepted)
    differences = sorted((_accept(difference, covered) for difference in found), key=_order)
    stale = [entry for entry in accepted if entry.stale(candidate)]
    return Comparison(baseline, candidate, differences, stale, _notes(baseline, candidate))


def _assert_comparable(baseline: Run, candidate: Run) -> None:
    """Raise unless both runs are whole, of one framework, and have a case in common."""
    for run in (baseline, candidate):
        if not run.footer.complete:
            raise NotComparable(f"{run.path}: some cells have no verdict; run it again before it is compared")
    if baseline.header.subject.framework != candidate.header.subject.framework:
        raise NotComparable(f"{baseline.name} against {candidate.name}: a gate compares versions of one framework")
    before, after = _by_pair(baseline), _by_pair(candidate)
    if not any(before[pair].cases_digest == after[pair].cases_digest for pair in before.keys() & after.keys()):
        because = _because(baseline, candidate)
        raise NotComparable(f"{baseline.path} and {candidate.path} have no case in common{because}")


def _covered(candidate: Run, accepted: Sequence[Accepted]) -> dict[int, Accepted]:
    """By the identity of a finding, the entry that lets it pass."""
    living = [entry for entry in accepted if not entry.expired(candidate)]
    return {id(finding): entry for entry in living for finding in entry.asked_in(candidate) if entry.covers(finding)}


def _by_pair(run: Run) -> dict[Pair, Finding]:
    return {Pair(finding.clause, finding.variant): finding for finding in run.findings}


def _difference(before: Finding | None, after: Finding | None, factor: float) -> Difference:
    shown = after or before
    if shown is None:
        raise TypeError("a difference needs a finding")
    kind, words = classified(before, after, factor)
    return Difference(shown.clause, shown.operator, shown.level, shown.variant, kind, words, before, after)


def _on_another_processor(difference: Difference) -> Difference:
    """The same difference, of which a larger error is told and stops nothing: other kernels round otherwise."""
    if difference.kind != "worse":
        return difference
    return dataclasses.replace(difference, kind="worse-elsewhere", words=f"{difference.words}; on another processor")


def _accept(difference: Difference, covered: dict[int, Accepted]) -> Difference:
    entry = covered.get(id(difference.after))
    if entry is None:
        return difference
    return dataclasses.replace(difference, accepted=entry)


def _order(difference: Difference) -> tuple[object, ...]:
    after = difference.after
    died = after is not None and after.verdict in ("crashes", "hangs")
    variant = difference.variant
    return (
        CLASSES.index(difference.kind),
        difference.accepted is not None,
        not died,
        LEVELS.index(difference.level),
        -_magnitude(after),
        difference.clause,
        (variant.form, variant.mode, variant.device, variant.dtype),
    )


def _magnitude(finding: Finding | None) -> float:
    """Wrong values of another kind before large errors before small ones."""
    if finding is None or finding.verdict not in DEVIATIONS:
        return 0.0
    return share(finding) or float("inf")


def _notes(baseline: Run, candidate: Run) -> list[str]:
    """What differs between two runs beside the framework's version."""
    return [f"{what}: {was} before, {now} now" for what, was, now in _conditions(baseline, candidate) if was != now]


def _because(baseline: Run, candidate: Run) -> str:
    notes = _notes(baseline, candidate)
    return f" ({'; '.join(notes)})" if notes else ""


def _conditions(baseline: Run, candidate: Run) -> list[tuple[str, str, str]]:
    one, other = baseline.header, candidate.header
    return [
        ("suite", one.suite.version, other.suite.version),
        ("digest of the suite", one.suite.digest[:19], other.suite.digest[:19]),
        ("profile", one.profile, other.profile),
        ("seed", str(one.seed), str(other.seed)),
        ("Python", one.subject.python, other.subject.python),
        ("platform", one.subject.platform, other.subject.platform),
        ("processor", _processor(one.machine), _processor(other.machine)),
        ("features of the processor", _listed(one.machine.features), _listed(other.machine.features)),
        ("cores", str(one.machine.cores), str(other.machine.cores)),
        ("modes left out", _listed([m.mode for m in one.left_out]), _listed([m.mode for m in other.left_out])),
        *(
            (f"measured {fact}", _listed(one.measured.get(fact)), _listed(other.measured.get(fact)))
            for fact in sorted(one.measured.keys() | other.measured.keys())
        ),
    ]


def _processor(machine: Machine) -> str:
    return f"{machine.processor}, {machine.model or 'model not recorded'}"


def _listed(fact: object) -> str:
    if isinstance(fact, list):
        return ", ".join(map(str, cast("list[object]", fact))) or "none"
    return "nothing" if fact is None else str(fact)
