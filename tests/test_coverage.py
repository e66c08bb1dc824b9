"""The cases of the clauses meet every branch and limit that the oracles name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conformance.operators.catalogue import OPERATORS
from conformance.running.plan import PROFILES
from reference.formats import FORMATS, Arithmetic
from reference.margin import margin_loss
from reference.regimes import note, watched
from tests.coverage import IMPOSSIBLE, UNMET, covered, missed
from tests.engine.cases import FORMULAS


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("operator", FORMULAS)
def test_the_quick_profile_meets_every_regime_on_both_sides(operator: str) -> None:
    """Each predicate of an oracle and of its bounds held somewhere and somewhere did not, but for those named.

    12 of the 20 cases of a drawn property are enough.
    """
    counts = covered(replace(PROFILES["quick"], cases=12), [operator])

    own = [name for name in counts if name.startswith(f"{operator}:")]
    assert missed(counts) == [name for name in UNMET if name in counts]
    assert len(own) >= 12
    impossible = [name for name in IMPOSSIBLE if name.startswith(f"{operator}:")]
    assert all(name in own and not all(counts[name]) for name in impossible)


def test_every_operator_has_a_formula_whose_regimes_are_counted() -> None:
    """What is impossible is named of one of them."""
    assert set(FORMULAS) == set(OPERATORS)
    assert {name.partition(":")[0] for name in IMPOSSIBLE} <= set(FORMULAS)


def test_a_regime_that_no_case_meets_is_seen() -> None:
    """Scores without a tie leave the predicate of ties on one side."""
    with watched() as seen:
        margin_loss(np.array([[0.0, 0.25]]), np.array([[0, -1]]), "none", Arithmetic(FORMATS["float32"]))

    assert seen.counts["pair: at its kink"][1] == 0
    assert seen.counts["pair: at its kink"][0] > 0


def test_a_predicate_costs_nothing_while_nobody_watches() -> None:
    """It is not evaluated."""
    note(lambda: pytest.fail("evaluated"))
