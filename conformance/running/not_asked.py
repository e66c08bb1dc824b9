"""Which clauses a run asks of nobody, and why: what is left out in silence would look like what conforms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from adapters.description import Description
from conformance.judging.clause import Clause
from conformance.judging.subject import Subject
from conformance.running.discover import Function, UsageError

_NEEDS = {
    "gradient": "a gradient",
    "gradient:weight": "a gradient to the weight",
    "gradient:target": "a gradient to the target",
    "after": "a look at the arguments after the call",
    "accumulated": "a gradient added to one that is there",
    "forward": "forward mode",
    "second": "a second derivative",
    "jacobian": "a Jacobian",
    "threads": "a call from two threads",
    "kept": "a result that is looked at after a second call",
    "shares": "a look at the memory of the result",
    "state": "a look at the settings after the call",
    "repeated": "a second backward pass",
    "altered": "a backward pass after an argument is overwritten",
    "recomputed": "a forward pass that is made again",
    "mapped": "a mapping function",
    "mapped-gradient": "a mapping function over a gradient",
    "abstract": "arguments without data",
    "grad-modes": "a call that records nothing for a backward pass",
    "memory": "the memory that a call takes",
    "layouts": "another layout in memory",
    "another-mode": "a second mode",
    "another-form": "a function beside the module",
    "signature": "a signature as the page prints it",
}
_NEVER_OF_A_FUNCTION = ("another-form", "signature")
_NOT_ON_OFFER = " is not on offer"
_NOT_HERE = "there is no case for these dtypes, modes and cost classes"


def not_asked(
    description: Description, clauses: Iterable[Clause], subjects: list[Subject], asked: set[str], levels: Sequence[str]
) -> dict[str, list[str]]:
    """The ids of clauses that bind some variant and are asked of none, by the reason.

    Args:
        description: Of the subject.
        clauses: Those that the run could ask, of every level.
        subjects: Its variants.
        asked: The ids of those that it asks.
        levels: The levels that it asks; empty for all. What is only recorded is never missed.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for clause in clauses:
        framework, version = description["framework"], description["version"]
        bound = [subject for subject in subjects if clause.binds(framework, version, subject.variant)]
        if bound and clause.id not in asked and (clause.level != "open" or not levels):
            found[_reason(clause, bound, levels)].append(clause.id)
    return dict(found)


def _reason(clause: Clause, bound: list[Subject], levels: Sequence[str]) -> str:
    if levels and clause.level not in levels:
        return f"--level {clause.level} was not asked for"
    offered = any(clause.needs in subject.offers for subject in bound)
    if offered or clause.needs not in _NEEDS:
        return _NOT_HERE
    return f"{_NEEDS[clause.needs]}{_NOT_ON_OFFER}"


def check_can_ask(asked: Sequence[Clause], function: Function, framework: str) -> None:
    """Raise, before a framework starts, if none of some clauses can be asked of somebody's own function.

    Raises:
        UsageError: With the reasons.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for clause in asked:
        reason = _reason_of_function(clause, function, framework)
        if not reason:
            return
        found[reason].append(clause.id)
    raise UsageError("nothing to ask: " + "; ".join(f"{reason}: {_short(ids)}" for reason, ids in found.items()))


def _reason_of_function(clause: Clause, function: Function, framework: str) -> str:
    if clause.operator.name != function.operator:
        return f"of another operator than {function.operator}"
    binding = clause.binding
    if binding.framework not in ("", framework) or (binding.forms and "user" not in binding.forms):
        return f"of the forms {', '.join(binding.forms)} of {binding.framework or 'a framework'} alone"
    return f"{_NEEDS[clause.needs]} is nothing of a function" if clause.needs in _NEVER_OF_A_FUNCTION else ""


def lines(found: Mapping[str, list[str]]) -> list[str]:
    """A line for each reason; what is not on offer is one line."""
    missing = {reason: ids for reason, ids in found.items() if reason.endswith(_NOT_ON_OFFER)}
    others = [f"not asked, because {reason}: {_short(ids)}" for reason, ids in found.items() if reason not in missing]
    listed = "; ".join(f"{reason.removesuffix(_NOT_ON_OFFER)}: {_short(ids)}" for reason, ids in missing.items())
    return ([f"not asked, because it is not on offer: {listed}"] if missing else []) + others


def _short(ids: list[str]) -> str:
    return f"{', '.join(ids[:2])} and {len(ids) - 2} more clauses" if len(ids) > 3 else ", ".join(ids)
