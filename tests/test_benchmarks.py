"""The measurements of ``benchmarks/`` that take hold of the suite from inside still find what they measure."""

from __future__ import annotations

from benchmarks.witnesses import searches
from tests.zoo.inhabitants import inhabitants


def test_the_searches_of_a_fault_are_seen() -> None:
    """Each smallest witness of a fault of the zoo was searched for, and asking about cases is what that takes."""
    fault = next(who for who in inhabitants("numpy") if who.name == "duplicates_collapsed")

    found = searches(fault)

    assert len(found) > 1
    assert all(search.asked for search in found)
