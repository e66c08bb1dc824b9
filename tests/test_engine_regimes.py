"""The regimes of a formula come from its own nodes, and cost nothing while nobody watches."""

from __future__ import annotations

import numpy as np
import pytest

from reference.engine.oracle import evaluate
from reference.formats import FORMATS, Arithmetic
from reference.regimes import watched
from tests.engine.cases import DRAWS, FORMULAS
from tests.zoo import families


def test_kinks_choices_and_grids_are_named_and_counted() -> None:
    """A tie and a pair beside its kink are told apart."""
    arguments = {"input": np.array([[1.0, 0.0, 2.0**-24]]), "target": np.array([0])}
    with watched() as seen:
        evaluate(FORMULAS["multi_margin_loss"], arguments)

    assert seen.counts["multi_margin_loss: max(0, a) 1: at its kink"] == [2, 1]
    assert seen.counts["multi_margin_loss: max(0, a) 1: beside its kink"] == [2, 1]
    assert seen.counts["multi_margin_loss: choice 1: taken"] == [1, 2]


@pytest.mark.parametrize("name", FORMULAS)
def test_drawn_cases_meet_every_regime_on_both_sides(name: str) -> None:
    """Those that no formula of these rules out."""
    with watched() as seen:
        for dtype in ("float16", "float32"):
            for family in families.FAMILIES:
                for seed in range(2):
                    drawn = DRAWS[name](np.random.default_rng(seed), family, FORMATS[dtype], (40, 4))
                    evaluate(FORMULAS[name], drawn.arguments, drawn.settings, arithmetic=Arithmetic(FORMATS[dtype]))
    met = {key for key, (without, held) in seen.counts.items() if without and held}

    assert len(seen.counts) > 5
    assert {key for key in seen.counts if key.endswith((": active", ": at its kink", ": taken"))} <= met
