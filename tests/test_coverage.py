"""The cases of the clauses meet every branch and limit that the oracles name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conformance.running.plan import PROFILES
from reference.formats import FORMATS, Arithmetic
from reference.margin import margin_loss
from reference.regimes import note, watched
from tests.coverage import IMPOSSIBLE, UNMET, covered, missed
from tests.engine.cases import FORMULAS


@pytest.mark.usefixtures("few_rows")
def test_the_quick_profile_meets_every_regime_on_both_sides() -> None:
    """Each predicate of the oracles and of their bounds held somewhere and somewhere did not, but for those named.

    12 of the 20 cases of a drawn property are enough.
    """
    counts = covered(replace(PROFILES["quick"], cases=12))

    assert missed(counts) == list(UNMET)
    assert len(counts) > 150
    assert {name.partition(":")[0] for name in counts} > set(FORMULAS)
    assert all(name in counts and not all(counts[name]) for name in IMPOSSIBLE)


def test_a_regime_that_no_case_meets_is_seen() -> None:
    """Scores without a tie leave the predicate of ties on one side."""
    with watched() as seen:
        margin_loss(np.array([[0.0, 0.25]]), np.array([[0, -1]]), "none", Arithmetic(FORMATS["float32"]))

    assert seen.counts["pair: at its kink"][1] == 0
    assert seen.counts["pair: at its kink"][0] > 0


def test_a_predicate_costs_nothing_while_nobody_watches() -> None:
    """It is not evaluated."""
    note(lambda: pytest.fail("evaluated"))
