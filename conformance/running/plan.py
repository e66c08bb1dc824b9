"""What a run will ask: every clause of every variant, before anything is asked."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from adapters.description import Description, costs_of, dtypes_of, forms_of
from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.cases.operator import Shape
from conformance.judging.answers import Variant
from conformance.judging.clause import Clause, Level
from conformance.judging.subject import Subject
from conformance.running.costs import CASES_TO_CHOOSE_FROM, domain_of, spread, varied
from conformance.running.discover import UsageError
from conformance.running.shares import Share, is_among, share_of


@dataclass(frozen=True)
class Profile:
    """How much a run asks.

    Attributes:
        cases: Cases a clause draws for a variant to which every shape is cheap.
        few_cases: The same for a variant of slow calls or expensive shapes.
        shapes: The (N, C) that such a variant gets.
        dtypes: Formats to ask for; empty for all.
        compiled: Which clauses are asked of compiled modes: ``all``, those that say so of themselves
            (see :data:`conformance.judging.clause.Also`), or ``none``.
        few: The same for formats narrower than float32, in compiled modes and in others beside the first.
        wide: The same for float64.
        wrappers: The same for modes that wrap the framework's first one.
        modules: Which clauses the module form is asked where its function stands beside it; with ``as-function``, none
            of compiled modes, which look through the module.
        ports: The same for our own port beside the framework's function, in formats other than float32; nothing is
            asked there in modes other than the first.
        others: The same for the other modes beside the first, such as ``vmap``.
        expensive_programs: Whether modes are asked whose every program is expensive; else only where they are named.
        lattice: Largest C of the exhaustive lattices.
        exhaustive: Whether every float32 score is asked.
    """

    name: str
    cases: int
    few_cases: int
    shapes: tuple[Shape, ...]
    dtypes: tuple[str, ...] = ()
    compiled: Share = "all"
    few: Share = "all"
    wide: Share = "all"
    wrappers: Share = "all"
    modules: Share = "all"
    ports: Share = "all"
    others: Share = "all"
    expensive_programs: bool = True
    lattice: int = 4
    exhaustive: bool = False

    def for_filters(self, filters: Filters) -> Profile:
        """The profile if modes, formats or forms are named: what is named is asked, even if only in short."""
        if not (filters.modes or filters.dtypes or filters.forms):
            return self
        whole = replace(self, modules="all", ports="all")
        if not (filters.modes or filters.dtypes):
            return whole
        others: Share = "all" if filters.modes else self.others
        few = self.compiled if self.few == "none" else self.few
        wrappers = self.compiled if self.wrappers == "none" else self.wrappers
        return replace(whole, few=few, wide=few, wrappers=wrappers, others=others)


_ALWAYS = ("value", "inferred", "nothing")
"""What a clause may need that every variant is asked for, whether it offers it or not."""


_STANDARD = Profile(
    "standard", 40, 10, ((2, 4),), few="narrow", wide="wide", wrappers="wrapped", modules="as-function", ports="narrow"
)
PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="quick",
            cases=20,
            few_cases=6,
            shapes=((2, 4),),
            dtypes=("float32", "float64"),
            compiled="brief",
            few="none",
            wide="none",
            wrappers="none",
            modules="as-function",
            ports="narrow",
            others="brief",
            expensive_programs=False,
            lattice=3,
        ),
        _STANDARD,
        Profile("thorough", 400, 60, ((2, 4), (8, 3), (1, 6), (5, 2), (16, 5)), lattice=5, exhaustive=True),
        replace(_STANDARD, name="explore"),
    )
}


@dataclass(frozen=True)
class Filters:
    """What of a subject to ask; empty fields mean everything, and ``first_mode`` the first mode of each operator."""

    operators: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    clause: str = "*"
    levels: tuple[Level, ...] = ()
    forms: tuple[str, ...] = ()
    first_mode: bool = False

    def admit(self, variant: Variant) -> bool:
        """Whether a variant is among those that are asked for."""
        fields = (
            (self.operators, variant.operator),
            (self.modes, variant.mode),
            (self.forms, variant.form),
            (self.dtypes, variant.dtype),
        )
        return all(not chosen or name in chosen for chosen, name in fields)


def variants(
    description: Description, profile: Profile, filters: Filters, absent: Mapping[str, str] | None = None
) -> list[Variant]:
    """The variants that a subject offers and the profile and the filters ask for.

    Args:
        description: What the subject offers.
        profile: How much is asked.
        filters: What of it is asked.
        absent: The operators that the subject does not have, and why.

    Raises:
        UsageError: A filter names what the subject does not offer.
    """
    offered = _offered(description)
    _check_present(filters.operators, absent or {}, description)
    _check_offered("--operator", filters.operators, description["operators"])
    for field in ("mode", "form", "dtype"):
        _check_offered(f"--{field}", getattr(filters, f"{field}s"), map(operator.attrgetter(field), offered))
    usual = replace(filters, dtypes=filters.dtypes or profile.dtypes)
    modes = _modes(description, profile, filters)
    admitted = [each for each in offered if usual.admit(each) and each.mode in modes[each.operator]]
    return [each for each in admitted if share_of(each, description, profile) != "none"]


def _offered(description: Description) -> list[Variant]:
    """Every variant that a subject offers."""
    return [
        Variant(operator, form, mode, description["device"], dtype)
        for operator, offer in description["operators"].items()
        for mode in offer["modes"]
        for form in forms_of(offer, mode)
        for dtype in dtypes_of(offer, mode)
    ]


def _modes(description: Description, profile: Profile, filters: Filters) -> dict[str, list[str]]:
    """The modes of each operator that are asked: those that are named, else those that the profile asks."""
    found = {
        name: offer["modes"][: 1 if filters.first_mode else None] for name, offer in description["operators"].items()
    }
    if filters.modes or profile.expensive_programs:
        return found
    return {
        name: [mode for mode in modes if "expensive-programs" not in costs_of(description, name, mode)]
        for name, modes in found.items()
    }


def _check_present(operators: Iterable[str], absent: Mapping[str, str], description: Description) -> None:
    for name in operators:
        if name in absent:
            subject = f"{description['framework']} {description['version']}"
            raise UsageError(f"--operator {name}: absent from {subject}: {absent[name]}")


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
    if not is_among(clause, share_of(variant, description, profile), variant, profile):
        return False
    return not isinstance(clause.draw, Fixed) or _concerns(clause.draw.build, _domain_for(clause, subject, profile))


def _domain_for(clause: Clause, subject: Subject, profile: Profile) -> Domain:
    """The domain of a clause.

    One whose largest case is asked of everybody keeps its own shapes; one that holds two forms against
    each other asks what the pages of both take.
    """
    found = domain_of(subject, profile)
    if clause.needs == "another-form" and subject.common is not None:
        found = replace(found, operator=subject.common)
    return replace(found, shapes=()) if subject.expensive_shapes and "largest" in clause.also else found


@functools.lru_cache(maxsize=4096)
def drawn(clause: Clause, domain: Domain, count: int, seed: int) -> list[Case]:
    """A clause's cases for a domain, drawn once and shared by all variants of it."""
    return clause.draw.cases(domain, count, clause.id, seed)


Build = Callable[[Domain], list[Case]]


@functools.lru_cache(maxsize=4096)
def _concerns(build: Build, domain: Domain) -> bool:
    """Whether cases are written down for a domain; they are not kept, because some are large."""
    return bool(build(domain))


@functools.lru_cache(maxsize=32)
def _written(build: Build, domain: Domain) -> list[Case]:
    """Cases that are written down, made once for the variants that ask them one after the other."""
    return build(domain)


def forget_cases() -> None:
    """Draw and write down anew what is asked for next: for who has changed what the families say."""
    for kept in (drawn, _concerns, _written):
        kept.cache_clear()


def cases_for(clause: Clause, subject: Subject, profile: Profile, seed: int) -> list[Case]:
    """The cases that a clause asks of a variant."""
    found = _domain_for(clause, subject, profile)
    if isinstance(clause.draw, Fixed):
        fixed = _written(clause.draw.build, found)
        if subject.expensive_shapes:
            return fixed[-1:] if "largest" in clause.also else fixed
        some = "slow-calls" in subject.costs and clause.draw.long and not profile.exhaustive
        return spread(fixed, profile.few_cases) if some else fixed
    if subject.expensive_shapes:
        return drawn(clause, found, profile.few_cases, seed)
    if "slow-calls" not in subject.costs:
        return drawn(clause, found, profile.cases, seed)
    return varied(drawn(clause, found, CASES_TO_CHOOSE_FROM, seed), profile.few_cases)
