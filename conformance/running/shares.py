"""Which clauses a variant is asked in a profile, by its mode, form and format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adapters.description import Description, costs_of, forms_of
from conformance.judging.answers import Variant
from conformance.judging.clause import Also, Clause

if TYPE_CHECKING:
    from conformance.running.plan import Profile

Share = Also | Literal["all", "as-function", "none"]
"""Which clauses are asked: all; none; those that say of themselves that they are asked there; or, of a module,
whether it is its function, and what binds modules alone."""


def is_among(clause: Clause, share: Share, variant: Variant, profile: Profile) -> bool:
    """Whether a clause is among those of a share."""
    if share == "as-function":
        return clause.needs == "another-form" or clause.binding.forms == ("module",)
    both = (share, _few(variant, profile)) if share == "wrapped" and variant.dtype != "float32" else (share,)
    return all(each == "all" or each in clause.also for each in both)


def share_of(variant: Variant, description: Description, profile: Profile) -> Share:
    """Which clauses a variant is asked."""
    share = _share_of_mode(variant, description, profile)
    offer = description["operators"][variant.operator]
    if "native" not in forms_of(offer, variant.mode):
        return share
    if variant.form == "port":
        return _of_port(variant.dtype, share, profile)
    other_options = bool(offer.get("integers"))
    if variant.form != "module" or profile.modules == "all" or other_options:
        return share
    return "none" if share in ("none", "brief") or variant.mode in description["compiled"] else profile.modules


def _of_port(dtype: str, share: Share, profile: Profile) -> Share:
    """Which clauses our own port is asked beside the framework's function."""
    if dtype == "float32" or profile.ports == "all":
        return share
    return profile.ports if share == "all" else "none"


def _share_of_mode(variant: Variant, description: Description, profile: Profile) -> Share:
    """Which clauses the function is asked in a mode and format."""
    if "wrapper" in costs_of(description, variant.operator, variant.mode):
        return profile.wrappers
    if variant.mode == description["operators"][variant.operator]["modes"][0]:
        return "all"
    if variant.dtype != "float32":
        return _few(variant, profile)
    return profile.compiled if variant.mode in description["compiled"] else profile.others


def _few(variant: Variant, profile: Profile) -> Share:
    """Which clauses are asked in a format other than float32."""
    return profile.wide if variant.dtype == "float64" else profile.few
