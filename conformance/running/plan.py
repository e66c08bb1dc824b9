"""What a run will ask: every clause of every variant, before anything is asked."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from adapters.contract import Description, dtypes_of, forms_of
from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.cases.operator import Shape
from conformance.judging.clause import Also, Clause, Level
from conformance.judging.subject import CLASSES, Subject, Variant
from conformance.running.discover import UsageError

Share = Also | Literal["all", "none"]
"""Which clauses are asked: all, none, or those that say of themselves that they are asked there."""


@dataclass(frozen=True)
class Profile:
    """How much a run asks.

    Attributes:
        cases: Cases a clause draws for a variant to which every shape is cheap.
        dear_cases: The same for a variant that pays for each new shape.
        shapes: The (N, C) that such a variant gets.
        dtypes: Formats to ask for; empty for all.
        compiled: Which clauses are asked of compiled modes: ``all``, those that say so of themselves
            (see :data:`conformance.judging.clause.Also`), or ``none``.
        few: The same for formats other than float32.
        secondary: The same for the module form in compiled modes, and for modes that wrap the framework's first one.
        others: The same for the other modes beside the first, such as ``vmap``.
        costly: Whether modes are asked whose every program is costly; else only where they are named.
        lattice: Largest C of the exhaustive lattices; at most 3 where each shape costs.
        exhaustive: Whether every float32 score is asked.
    """

    name: str
    cases: int
    dear_cases: int
    shapes: tuple[Shape, ...]
    dtypes: tuple[str, ...] = ()
    compiled: Share = "all"
    few: Share = "all"
    secondary: Share = "all"
    others: Share = "all"
    costly: bool = True
    lattice: int = 4
    exhaustive: bool = False

    def for_filters(self, filters: Filters) -> Profile:
        """The profile where modes or formats are named: what is named is asked, if only in short."""
        if not (filters.modes or filters.dtypes):
            return self
        others: Share = "all" if filters.modes else self.others
        few = self.compiled if self.few == "none" else self.few
        secondary = self.compiled if self.secondary == "none" else self.secondary
        return replace(self, few=few, secondary=secondary, others=others)


_ALWAYS = ("value", "inferred", "nothing")
"""What a clause may need that every variant is asked for, whether it offers it or not."""

_LATTICE_OF_FEW_SHAPES = 3
_LATTICE_ROW_SECONDS = ((5, 1e-6), (4, 5e-6), (3, 8e-4), (2, 9e-3))
"""What a row may cost where a lattice of so many classes is asked, whose batches have up to 1.9 million rows, 390,625,
8000 and 225. A loop over rows in Python takes 25 µs a row, on a slow and busy machine 300."""

_FEW_CLASSES, _MANY_CLASSES, _LONGEST_ROW_SECONDS = 300, 33_000, 0.5
"""Implementations may take time and memory for every pair of classes: rows beyond that are not asked.

Both limits lie far from what implementations were seen to cost (0.05 µs and over 10 µs a
row; 0.6 ms and over 29 ms for 4000 classes), so that a busy machine does not change the plan.
"""

PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="quick",
            cases=20,
            dear_cases=6,
            shapes=((2, 4),),
            dtypes=("float32", "float64"),
            compiled="brief",
            few="none",
            secondary="none",
            others="brief",
            costly=False,
            lattice=3,
        ),
        Profile("standard", 60, 12, ((2, 4), (8, 3)), few="narrow", secondary="wrapped"),
        Profile("thorough", 400, 60, ((2, 4), (8, 3), (1, 6), (5, 2), (16, 5)), lattice=5, exhaustive=True),
        Profile("explore", 60, 12, ((2, 4), (8, 3)), few="narrow", secondary="wrapped"),
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
    costly = [] if profile.costly else description.get("costly", [])
    usual = {mode for offer in offers.values() for mode in offer["modes"] if mode not in costly}
    offered = [
        Variant(operator, form, mode, description["device"], dtype)
        for operator, offer in offers.items()
        if not filters.operators or operator in filters.operators
        for mode in offer["modes"]
        if mode in (filters.modes or usual)
        for form in forms_of(offer, mode)
        if not filters.forms or form in filters.forms
        for dtype in dtypes_of(offer, mode)
        if not dtypes or dtype in dtypes
    ]
    return [variant for variant in offered if _share(variant, description, profile) != "none"]


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
    share = _share(variant, description, profile)
    if share != "all" and share not in clause.also:
        return False
    return not (isinstance(clause.draw, Fixed) and not clause.draw.build(domain_of(subject, profile)))


def _share(variant: Variant, description: Description, profile: Profile) -> Share:
    """Which clauses a variant is asked."""
    compiled = variant.mode in description["compiled"]
    if variant.mode in description.get("secondary", []) or (compiled and variant.form == "module"):
        return profile.secondary
    if not compiled:
        first = description["operators"][variant.operator]["modes"][0]
        return "all" if variant.mode == first else profile.others
    return profile.compiled if variant.dtype == "float32" else profile.few


def domain_of(subject: Subject, profile: Profile) -> Domain:
    """What may be drawn for a variant."""
    operator, dtype, dtypes = subject.operator, subject.variant.dtype, subject.dtypes
    affordable = next((most for most, seconds in _LATTICE_ROW_SECONDS if subject.row_seconds < seconds), 1)
    if subject.dear or subject.slow:
        lattice = min(profile.lattice, affordable, _LATTICE_OF_FEW_SHAPES)
        return Domain(operator, dtype, dtypes, profile.shapes, lattice, _FEW_CLASSES)
    quadratic = subject.classes_seconds * (_MANY_CLASSES / CLASSES) ** 2
    classes = _MANY_CLASSES if quadratic < _LONGEST_ROW_SECONDS else _FEW_CLASSES
    return Domain(operator, dtype, dtypes, (), min(profile.lattice, affordable), classes, profile.exhaustive)


@functools.lru_cache(maxsize=4096)
def drawn(clause: Clause, domain: Domain, count: int, seed: int) -> list[Case]:
    """A clause's cases for a domain, drawn once and shared by all variants of it."""
    return clause.draw.cases(domain, count, clause.id, seed)


def cases_for(clause: Clause, subject: Subject, profile: Profile, seed: int) -> list[Case]:
    """The cases that a clause asks of a variant."""
    count = profile.dear_cases if subject.dear or subject.slow else profile.cases
    return drawn(clause, domain_of(subject, profile), count, seed)
