"""The gate: what is different between two runs of one framework, and whether that stops an upgrade.

Every clause × variant of either run is put into exactly one class:

=================== ==================================================================== ====
regressed           conformed; now deviates, crashes or hangs (refused; now crashes)     1
changed             deviated, and deviates otherwise: another kind, magnitude or place    1
support-lost        answered; now the whole variant is refused                           6
coverage-lost       was asked, is not asked any more                                     6
worse               conforms still, with an error that grew (see :data:`FACTOR`)         5
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
from math import isfinite
from typing import Literal, NamedTuple, cast, get_args

from reports.accepted import Accepted, alike, magnitude, share, signature
from reports.arrangement import DEVIATIONS, LEVELS
from reports.record import FAILURES_KEPT, Counterexample, Failure, Finding, Level, Machine, Run, VariantRecord

Class = Literal[
    "regressed",
    "changed",
    "support-lost",
    "coverage-lost",
    "worse",
    "not-comparable",
    "worse-elsewhere",
    "behaviour-changed",
    "fixed",
    "support-gained",
    "new",
    "same",
]
CLASSES: tuple[Class, ...] = get_args(Class)
"""From what stops an upgrade first to what does not."""

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
_BEFORE = (4, 1, 6, 3, 5)
"""Of several exit statuses the first of these; 2, a wrong word, ends before."""

FACTOR, SLACK = 1.5, 0.05
"""An error is worse where its share of the bound exceeds the earlier one times the factor, plus the slack."""

GROSS = 4.0
"""Times its bound by which a case must fail to count as a place of its own: less is noise of the last digits."""


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
    return next((status for status in _BEFORE if status in statuses), 0)


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
    for run in (baseline, candidate):
        if not run.footer.complete:
            raise NotComparable(f"{run.path}: some cells have no verdict; run it again before it is compared")
    if baseline.header.subject.framework != candidate.header.subject.framework:
        raise NotComparable(f"{baseline.name} against {candidate.name}: a gate compares versions of one framework")
    before, after = _by_pair(baseline), _by_pair(candidate)
    alike = baseline.header.machine.computes_like(candidate.header.machine)
    made = [_difference(before.get(pair), after.get(pair), factor) for pair in {**before, **after}]
    found = made if alike else [_on_another_processor(difference) for difference in made]
    if not any(before[pair].cases_digest == after[pair].cases_digest for pair in before.keys() & after.keys()):
        because = _because(baseline, candidate)
        raise NotComparable(f"{baseline.path} and {candidate.path} have no case in common{because}")
    living = [entry for entry in accepted if not entry.expired(candidate)]
    covered = {id(finding): entry for entry in living for finding in entry.asked_in(candidate) if entry.covers(finding)}
    marked = [_accept(difference, covered) for difference in found]
    differences = sorted(marked, key=_order)
    return Comparison(
        baseline,
        candidate,
        differences,
        [entry for entry in accepted if entry.stale(candidate)],
        _notes(baseline, candidate),
    )


def _by_pair(run: Run) -> dict[Pair, Finding]:
    return {Pair(finding.clause, finding.variant): finding for finding in run.findings}


def _difference(before: Finding | None, after: Finding | None, factor: float) -> Difference:
    shown = after or before
    if shown is None:
        raise TypeError("a difference needs a finding")
    kind, words = _classified(before, after, factor)
    return Difference(shown.clause, shown.operator, shown.level, shown.variant, kind, words, before, after)


def _on_another_processor(difference: Difference) -> Difference:
    """The same difference, of which a larger error is told and stops nothing: other kernels round otherwise."""
    if difference.kind != "worse":
        return difference
    return dataclasses.replace(difference, kind="worse-elsewhere", words=f"{difference.words}; on another processor")


def _classified(before: Finding | None, after: Finding | None, factor: float) -> tuple[Class, str]:
    if before is None:
        return "new", f"was not asked; {_said(after)}"
    if after is None:
        return "coverage-lost", f"{_said(before)}; is not asked"
    steps = f"{_said(before)}; now {_said(after)}"
    if "unsupported" in (before.verdict, after.verdict):
        return _of_support(before, after), steps
    if before.cases_digest != after.cases_digest or (before.level != after.level):
        return "not-comparable", f"other cases, {before.cases} and {after.cases}, or another level: {steps}"
    if after.verdict not in DEVIATIONS:
        if before.verdict in DEVIATIONS:
            return "fixed", steps
        return _of_behaviour(before, after) if after.verdict == "observed" else _of_error(before, after, factor)
    if before.verdict not in DEVIATIONS:
        return "regressed", steps
    change = _change(before, after)
    return ("changed", f"{steps}: {change}") if change else ("same", steps)


def _of_support(before: Finding, after: Finding) -> Class:
    if after.verdict == before.verdict:
        return "same"
    if after.verdict in ("crashes", "hangs"):
        return "regressed"
    return "support-lost" if after.verdict == "unsupported" else "support-gained"


def _of_behaviour(before: Finding, after: Finding) -> tuple[Class, str]:
    was, now = ((found.observed.behaviours if found.observed else {}) for found in (before, after))
    if was == now:
        return "same", ""
    gone, come = dict(was.items() - now.items()), dict(now.items() - was.items())
    return "behaviour-changed", f"was {_counted(gone)}; is {_counted(come)}"


def _counted(behaviours: dict[str, int]) -> str:
    return ", ".join(f"{words!r} in {cases} cases" for words, cases in sorted(behaviours.items())) or "nothing"


def _types(finding: Finding) -> str:
    return ", ".join(finding.refusals) or "nothing"


def _of_error(before: Finding, after: Finding, factor: float) -> tuple[Class, str]:
    was, now = (float(found.worst.share_of_bound) if found.worst else 0.0 for found in (before, after))
    if now > was * factor + SLACK:
        return "worse", f"conforms; worst error {was:g} of its bound before, {now:g} now"
    if before.refusals != after.refusals:
        return "behaviour-changed", f"refused with {_types(before)} before, with {_types(after)} now"
    return "same", ""


def _change(before: Finding, after: Finding) -> str:
    """In which way two deviations differ; empty where they are the same."""
    if before.verdict == after.verdict and False in (before.repeatable, after.repeatable):
        return ""  # it differs from call to call, so that it deviates is all that can be compared
    if signature(before) != signature(after):
        return f"{signature(before)} before, {signature(after)} now"
    if not alike(share(before), share(after)):
        return f"{magnitude(before)} before, {magnitude(after)} now"
    return _other_places(before.failures, after.failures)


def _other_places(before: Sequence[Failure], after: Sequence[Failure]) -> str:
    """The first case that fails in one only, or differently, as far as both lists reach."""
    reach = min((each[-1].case for each in (before, after) if len(each) == FAILURES_KEPT), default=None)
    was, now = ({each.case: each for each in failures} for failures in (before, after))
    for case in sorted(was.keys() | now.keys()):
        if reach is not None and case > reach:
            return ""
        one, other = was.get(case), now.get(case)
        if one is None or other is None:
            alone = one or other
            if alone and _gross(alone):
                return f"case {case} {'fails no more' if one else 'fails too'}"
        elif _gross(one) and _gross(other) and (one.problem != other.problem or not _alike(one, other)):
            return f"case {case} fails otherwise"
    return ""


def _gross(failure: Failure) -> bool:
    return failure.share_of_bound is None or float(failure.share_of_bound) > GROSS


def _alike(one: Failure, other: Failure) -> bool:
    shares = [None if each.share_of_bound is None else float(each.share_of_bound) for each in (one, other)]
    return alike(*shares)


def _said(finding: Finding | None) -> str:
    """A verdict in a few words."""
    if finding is None:
        return "nothing"
    if finding.verdict == "unsupported":
        return f"unsupported ({finding.words.splitlines()[0] if finding.words else 'no words'})"
    worst = share(finding)
    said = signature(finding).replace("deviates: finite", "deviates by a wrong number")
    if worst is not None:
        said += f", up to {worst:g} times its bound" if isfinite(worst) else ", also where the bound is 0"
    return said if finding.repeatable is not False else f"{said} (not so when asked again)"


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
