"""What a run will ask: every clause of every variant, before anything is asked."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from adapters.contract import Description, costs_of, dtypes_of, forms_of
from conformance.cases.case import Case
from conformance.cases.strategies import Domain, Fixed, Rows
from conformance.judging.clause import Clause, Level
from conformance.judging.subject import Subject, Variant
from conformance.running.costs import CASES_TO_CHOOSE_FROM, domain, with_all_numbers_of_rows
from conformance.running.discover import UsageError


@dataclass(frozen=True)
class Profile:
    """How much a run asks.

    Attributes:
        cases: Cases a clause draws for a variant to which every shape is cheap.
        few_cases: The same for a variant of slow calls or expensive shapes.
        shapes: The (N, C) that such a variant gets.
        dtypes: Formats to ask for; empty for all.
        compiled: Clauses asked of compiled modes, as patterns of ids.
        few: The same for formats other than float32.
        wrappers: The same for the module form in compiled modes, and for modes that wrap the framework's first one.
        others: The same for the other modes beside the first, such as ``vmap``.
        expensive_programs: Whether modes are asked whose every program is expensive; else only where they are named.
        lattice: Largest C of the exhaustive lattices.
        exhaustive: Whether every float32 score is asked.
    """

    name: str
    cases: int
    few_cases: int
    shapes: tuple[Rows, ...]
    dtypes: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ("*",)
    few: tuple[str, ...] = ("*",)
    wrappers: tuple[str, ...] = ("*",)
    others: tuple[str, ...] = ("*",)
    expensive_programs: bool = True
    lattice: int = 4
    exhaustive: bool = False

    def for_filters(self, filters: Filters) -> Profile:
        """The profile where modes or formats are named: what is named is asked, if only in short."""
        if not (filters.modes or filters.dtypes):
            return self
        others = ("*",) if filters.modes else self.others
        return replace(self, few=self.few or self.compiled, wrappers=self.wrappers or self.compiled, others=others)


_ALWAYS = ("value", "inferred", "nothing")
"""What a clause may need that every variant is asked for, whether it offers it or not."""

_FORMULA = ("*.value.documented-formula",)
_FEW = (
    "*.value.*-example",
    "*.value.documented-formula",
    "*.value.default-is-mean",
    "*.labels.block-*",
    "*.numbers.*",
    "*.dtypes.*",
    "*.gradients.of-rows",
    "*.gradients.of-large-scores",
    "*.errors.*",
    "*.modes.*",
)
_WRAPPERS = (
    "*.value.documented-formula",
    "*.value.default-is-mean",
    "*.labels.block-*",
    "*.labels.first-negative-*",
    "*.numbers.no-spurious-overflow",
    "*.shapes.result",
    "*.shapes.empty-batch-none",
    "*.dtypes.result",
    "*.weights.each-class",
    "*.gradients.of-rows",
    "*.modes.*",
)
_LARGEST = ("*.many-classes",)
"""Clauses of which the largest case is asked even if each new shape takes long."""

PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="quick",
            cases=20,
            few_cases=6,
            shapes=((2, 4),),
            dtypes=("float32", "float64"),
            compiled=_FORMULA,
            few=(),
            wrappers=(),
            others=_FORMULA,
            expensive_programs=False,
            lattice=3,
        ),
        Profile("standard", 60, 12, ((2, 4), (8, 3)), few=_FEW, wrappers=_WRAPPERS),
        Profile("thorough", 400, 60, ((2, 4), (8, 3), (1, 6), (5, 2), (16, 5)), lattice=5, exhaustive=True),
        Profile("explore", 60, 12, ((2, 4), (8, 3)), few=_FEW, wrappers=_WRAPPERS),
    )
}


@dataclass(frozen=True)
class Filters:
    """What of a subject to ask; empty fields mean everything."""

    operators: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    clause: str = "*"
    levels: tuple[Level, ...] = ()
    forms: tuple[str, ...] = ()


def variants(description: Description, profile: Profile, filters: Filters) -> list[Variant]:
    """The variants that a subject offers and the profile and the filters ask for.

    Raises:
        UsageError: A filter names what the subject does not offer.
    """
    offers = description["operators"]
    _check_offered("--operator", filters.operators, offers)
    _check_offered("--mode", filters.modes, (mode for offer in offers.values() for mode in offer["modes"]))
    forms = [form for offer in offers.values() for mode in offer["modes"] for form in forms_of(offer, mode)]
    _check_offered("--form", filters.forms, forms)
    known = [dtype for offer in offers.values() for mode in offer["modes"] for dtype in dtypes_of(offer, mode)]
    _check_offered("--dtype", filters.dtypes, known)
    dtypes = filters.dtypes or profile.dtypes
    offered = [
        Variant(operator, form, mode, description["device"], dtype)
        for operator, offer in offers.items()
        if not filters.operators or operator in filters.operators
        for mode in offer["modes"]
        if (mode in filters.modes if filters.modes else _is_usual(description, operator, mode, profile))
        for form in forms_of(offer, mode)
        if not filters.forms or form in filters.forms
        for dtype in dtypes_of(offer, mode)
        if not dtypes or dtype in dtypes
    ]
    return [variant for variant in offered if _patterns(variant, description, profile)]


def _is_usual(description: Description, operator: str, mode: str, profile: Profile) -> bool:
    """Whether a profile asks a mode that nobody named."""
    return profile.expensive_programs or "expensive-programs" not in costs_of(description, operator, mode)


def _check_offered(option: str, asked: Iterable[str], offered: Iterable[str]) -> None:
    known = list(dict.fromkeys(offered))
    for word in asked:
        if word not in known:
            raise UsageError(f"{option} {word}: not offered by this subject; it offers {', '.join(known)}")


def asks(clause: Clause, subject: Subject, description: Description, profile: Profile) -> bool:
    """Whether a clause is asked of a variant."""
    variant = subject.variant
    if not clause.binds(description["framework"], description["version"], variant):
        return False
    if clause.needs not in _ALWAYS and clause.needs not in subject.offers:
        return False
    if not any(fnmatch.fnmatchcase(clause.id, pattern) for pattern in _patterns(variant, description, profile)):
        return False
    return not (isinstance(clause.draw, Fixed) and not clause.draw.build(_domain_for(clause, subject, profile)))


def _patterns(variant: Variant, description: Description, profile: Profile) -> tuple[str, ...]:
    """The clauses that a variant is asked, as patterns of ids."""
    compiled = variant.mode in description["compiled"]
    if "wrapper" in costs_of(description, variant.operator, variant.mode) or (compiled and variant.form == "module"):
        return profile.wrappers
    if not compiled:
        first = description["operators"][variant.operator]["modes"][0]
        return ("*",) if variant.mode == first else profile.others
    return profile.compiled if variant.dtype == "float32" else profile.few


def domain_of(subject: Subject, profile: Profile) -> Domain:
    """What may be drawn for a variant."""
    return domain(subject.costs, subject.variant.dtype, subject.target_dtype, profile)


def _is_largest_alone(clause: Clause, subject: Subject) -> bool:
    """Whether the largest case of a clause is asked alone, in its own shape and not in the profile's."""
    return subject.expensive_shapes and any(fnmatch.fnmatchcase(clause.id, pattern) for pattern in _LARGEST)


def _domain_for(clause: Clause, subject: Subject, profile: Profile) -> Domain:
    found = domain_of(subject, profile)
    return replace(found, shapes=()) if _is_largest_alone(clause, subject) else found


@functools.lru_cache(maxsize=4096)
def drawn(clause: Clause, domain: Domain, count: int, seed: int) -> list[Case]:
    """A clause's cases for a domain, drawn once and shared by all variants of it."""
    return clause.draw.cases(domain, count, clause.id, seed)


def cases_for(clause: Clause, subject: Subject, profile: Profile, seed: int) -> list[Case]:
    """The cases that a clause asks of a variant."""
    found = _domain_for(clause, subject, profile)
    if subject.expensive_shapes:
        some = drawn(clause, found, profile.few_cases, seed)
        return some[-1:] if _is_largest_alone(clause, subject) else some
    if "slow-calls" in subject.costs and not isinstance(clause.draw, Fixed):
        return with_all_numbers_of_rows(drawn(clause, found, CASES_TO_CHOOSE_FROM, seed), profile.few_cases)
    return drawn(clause, found, profile.cases, seed)
