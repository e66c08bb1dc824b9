"""The class of one clause of one variant in two runs, and why it is in it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Literal, get_args

from reports.accepted import alike, magnitude, share, signature
from reports.arrangement import DEVIATIONS
from reports.record import FAILURES_KEPT, Failure, Finding

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


FACTOR, SLACK = 1.5, 0.05
"""An error is worse where its share of the bound exceeds the earlier one times the factor, plus the slack."""


GROSS = 4.0
"""Times its bound by which a case must fail to count as a place of its own: less is noise of the last digits."""


def classified(before: Finding | None, after: Finding | None, factor: float) -> tuple[Class, str]:
    """The class, and the reason in words; an error may grow by the factor."""
    if before is None:
        return "new", f"was not asked; {_said(after)}"
    if after is None:
        return "coverage-lost", f"{_said(before)}; is not asked"
    steps = f"{_said(before)}; now {_said(after)}"
    if "unsupported" in (before.verdict, after.verdict):
        return _of_support(before, after), steps
    if before.cases_digest != after.cases_digest or (before.level != after.level):
        return "not-comparable", f"other cases, {before.cases} and {after.cases}, or another level: {steps}"
    deviated, deviates = before.verdict in DEVIATIONS, after.verdict in DEVIATIONS
    if deviated != deviates:
        return "fixed" if deviated else "regressed", steps
    if deviates:
        change = _change(before, after)
        return ("changed", f"{steps}: {change}") if change else ("same", steps)
    return _of_behaviour(before, after) if after.verdict == "observed" else _of_error(before, after, factor)


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
    compared = [case for case in sorted(was.keys() | now.keys()) if reach is None or case <= reach]
    return next((f"case {case} {how}" for case in compared if (how := _otherwise(was.get(case), now.get(case)))), "")


def _otherwise(one: Failure | None, other: Failure | None) -> str:
    """In which way a case fails now, if it is another way than before and no noise of the last digits."""
    if one is None:
        return "fails too" if other and _gross(other) else ""
    if other is None:
        return "fails no more" if _gross(one) else ""
    same = one.problem == other.problem and _alike(one, other)
    return "" if same or not (_gross(one) and _gross(other)) else "fails otherwise"


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
