"""What a profile asks of modes that compile."""

from __future__ import annotations

from conformance.running.plan import PROFILES, asks
from tests.test_plan import OF_MARGIN, description, subject

TORCH = description(framework="torch", version="2.13.0")
"""Whose pages have legacy flags."""


def asked(mode: str, profile: str) -> set[str]:
    """The ids of the clauses that a mode is asked."""
    return {clause.id for clause in OF_MARGIN if asks(clause, subject(mode), TORCH, PROFILES[profile])}


def test_a_compiled_mode_is_asked_all_but_the_legacy_flags_in_standard() -> None:
    """Flags are decided before anything is compiled; a thorough run asks them too."""
    standard, thorough = asked("packed", "standard"), asked("packed", "thorough")

    assert standard
    assert {id.split(".")[1] for id in thorough - standard} == {"legacy"}


def test_an_interpreted_mode_is_asked_the_legacy_flags_in_standard() -> None:
    """Nothing is left out of the first mode."""
    assert any(id.split(".")[1] == "legacy" for id in asked("eager", "standard"))
