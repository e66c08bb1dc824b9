"""What a variant costs decides how much it is asked: by class, never by a clock of this run.

An adapter declares the classes of its modes (:data:`adapters.description.COST_CLASSES`). For a user's
function ``check --cost`` names them, or :mod:`conformance.running.measuring` finds them in coarse
steps. The one large case of each kind is asked in every class but ``quadratic-classes``, whose
memory for it would be gigabytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

from adapters.description import Description, costs_of
from conformance.cases.case import Case
from conformance.cases.drawing import Domain
from conformance.cases.turns import pairs_first
from conformance.judging.answers import Variant
from conformance.judging.subject import Subject

if TYPE_CHECKING:
    from conformance.running.plan import Profile

FEW_CLASSES, MANY_CLASSES = 300, 2**16 + 3
"""Classes of the longest row: of those whose cost grows with the square, and of all others."""

_LATTICE = {"slow-calls": 3, "slow-rows": 3, "expensive-shapes": 3, "expensive-rows": 2}
"""Most classes of an exhaustive lattice: 3 have 8,000 rows, 4 have 390,625, and 5 have 1.9 million."""

FUNCTION_COSTS = ("cheap", "slow-calls", "slow-rows", "expensive-rows", "quadratic-classes", "expensive-shapes")
"""Classes that a user's function can be in."""

CASES_TO_CHOOSE_FROM = 60
"""Drawn cases of which a class of slow calls gets some, whatever the profile."""


def domain_of(subject: Subject, profile: Profile) -> Domain:
    """What may be drawn for a variant."""
    costs = subject.costs
    return Domain(
        subject.operator,
        subject.variant.dtype,
        subject.dtypes,
        shapes=profile.shapes if "expensive-shapes" in costs else (),
        lattice=_lattice(costs, profile),
        classes=FEW_CLASSES if "quadratic-classes" in costs else MANY_CLASSES,
        exhaustive=profile.exhaustive and not costs & _LATTICE.keys(),
        programs=subject.compiled,
    )


def _lattice(costs: frozenset[str], profile: Profile) -> int:
    return min(profile.lattice, *(_LATTICE[cost] for cost in costs & _LATTICE.keys()), profile.lattice)


def varied(cases: list[Case], count: int) -> list[Case]:
    """Some of the cases: different numbers of rows, ranks, reductions, options and arguments, and pairs of these."""
    order = pairs_first([_choices(case) for case in cases])
    return [cases[place] for place in order[:count]]


def _choices(case: Case) -> tuple[Hashable, ...]:
    options = [case.options.get(option.name) for option in case.operator.options]
    return (case.rows, case.first.ndim, case.reduction, tuple(case.arrays), *options)


def spread(cases: list[Case], count: int) -> list[Case]:
    """So many of a long list, from its start to its end; what a smaller count takes of them a larger one takes too.

    Every second case goes first, then every second of those between, so that each prefix is spread over the list.
    """
    order = sorted(range(len(cases)), key=lambda place: (-_halvings(place), place))
    return [cases[place] for place in sorted(order[:count])]


def _halvings(place: int) -> int:
    """How often a place can be halved; the first place more often than any other."""
    return (place & -place).bit_length() if place else 64


def _expensive_programs(description: Description, asked: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Modes of the operators that were asked in which each new program takes long."""
    return [
        (operator, mode)
        for operator in {operator for operator, _ in asked}
        for mode in description["operators"][operator]["modes"]
        if "expensive-programs" in costs_of(description, operator, mode)
    ]


def cost_facts(description: Description, variants: dict[Variant, frozenset[str]], profile: Profile) -> dict[str, Any]:
    """For the header of a run: the classes of every operator and mode, and what each class leaves out."""
    found = {(variant.operator, variant.mode): costs for variant, costs in variants.items()}
    if not profile.expensive_programs:
        found = dict.fromkeys(_expensive_programs(description, found), frozenset({"expensive-programs"})) | found
    classes = sorted(f"{operator} {mode}: {cost}" for (operator, mode), of in found.items() for cost in of or {"cheap"})
    asked = {cost for costs in found.values() for cost in costs or {"cheap"}}
    return {"costs": classes, "left_out_by_cost": {cost: _left_out(cost, profile) for cost in sorted(asked)}}


def cost_lines(facts: dict[str, Any]) -> list[str]:
    """What stands in a header about costs, as a line for each class."""
    of = [str(each).split(": ") for each in facts.get("costs", [])]
    return [
        f"cost class {cost} ({_listed([who for who, its in of if its == cost])}): leaves out {words}"
        for cost, words in facts.get("left_out_by_cost", {}).items()
    ]


def costs_in(facts: dict[str, Any], operator: str, mode: str) -> dict[str, str]:
    """The cost classes of an operator's mode that stand in a header, with what each of them left out."""
    left_out: dict[str, str] = facts.get("left_out_by_cost", {})
    return {cost: words for cost, words in left_out.items() if f"{operator} {mode}: {cost}" in facts.get("costs", [])}


def _listed(modes: list[str]) -> str:
    """Modes with their operators; a mode of all operators once, alone."""
    by_mode: defaultdict[str, list[str]] = defaultdict(list)
    for each in modes:
        operator, _, mode = each.partition(" ")
        by_mode[mode].append(operator)
    return ", ".join(mode if len(of) > 1 else f"{of[0]} {mode}" for mode, of in by_mode.items())


def _left_out(cost: str, profile: Profile) -> str:
    """What a class leaves out of a profile, and why."""
    shapes = ", ".join(f"{rows} x {classes}" for rows, classes in profile.shapes)
    most = profile.lattice
    few = f"{profile.cases - profile.few_cases} of {profile.cases} cases of each drawn property"
    long = f", all but {profile.few_cases} of the corpus and of long rows"
    rows = {name: f"lattices of {least} classes and more" for name, least in (("slow-rows", 4), ("expensive-rows", 3))}
    words = {
        "cheap": "nothing",
        "slow-calls": f"{few}{long}, because every call takes long",
        "slow-rows": f"{rows['slow-rows'] if most > 3 else 'nothing of this profile'}, because every row takes long",
        "expensive-rows": f"{rows['expensive-rows']}, because every row takes milliseconds",
        "quadratic-classes": f"the row of {MANY_CLASSES} classes, "
        "because time or memory grows with the square of the number of classes",
        "expensive-shapes": f"{few}, and other shapes than {shapes}, because every new shape takes long; "
        "in compiled modes also all values of an option but its default and one other",
        "expensive-programs": f"{'nothing of this profile' if profile.expensive_programs else 'the whole mode'}, "
        "because every new program takes long; --mode asks it",
        "wrapper": "most clauses, because the mode wraps the framework's own eager operator",
    }
    return words[cost]
