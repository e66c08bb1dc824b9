"""The engine and the hand-written oracles say the same of the founding operators.

``python -m tests.engine.agreement ROWS`` does it for as many rows as wanted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from reference.enclosure import Enclosure
from reference.engine.oracle import evaluate
from reference.formats import FORMATS, Arithmetic
from tests.engine.agreement import FOUNDING, by_hand, compared
from tests.engine.cases import DRAWS, FORMULAS, Drawn
from tests.zoo import families

ROWS = int(os.environ.get("LOSSPROOF_ENGINE_ROWS", "40"))


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", FOUNDING)
def test_enclosures_meet_and_bounds_agree(name: str, dtype: str) -> None:
    """Nothing apart, nothing rounded that the other calls exact, the same overflow, bounds within a factor of 2."""
    for family in families.FAMILIES:
        for shape in ((ROWS, 4), (ROWS // 2, 5), (ROWS // 10, 33)):
            for one in compared(name, dtype, family, shape, 0):
                assert not one.apart, one.name
                assert not one.rounded_by_engine_only, one.name
                assert not one.otherwise_overflowing, one.name
                if one.name[3] == "False":
                    assert one.ratios.max() <= 2 or one.hand.bound.max() < 1e-320, one.name


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_bound_of_the_margin_loss_is_the_hand_derived_one_off_the_grid(dtype: str) -> None:
    """Where pairs round and C is no power of two, both bounds agree to a hundredth."""
    generator = np.random.default_rng(0)
    scores = FORMATS[dtype].round(generator.uniform(-1, 1, (ROWS, 5)) / 3)
    target = np.tile([0, 1, -1, 2, 2], (ROWS, 1))
    for reduction in ("none", "sum", "mean"):
        own = Arithmetic(FORMATS[dtype])
        arguments = {"input": scores, "target": target}
        engine = evaluate(FORMULAS["multilabel_margin_loss"], arguments, {}, reduction, own)
        hand = by_hand(
            "multilabel_margin_loss", arguments, reduction, own, np.ones(ROWS if reduction == "none" else ())
        )
        ratio = engine.value.bound / hand.value.bound
        assert (ratio > 0.9).all()
        assert (ratio < 1.01).all()


SHARED = {"weight"}
"""Arguments that all rows have in common."""


def _in_all(drawn: Sequence[Drawn]) -> list[str]:
    return [key for key in drawn[0].arguments if all(key in one.arguments for one in drawn)]


def _of_all(key: str, arguments: Sequence[Mapping[str, Any]]) -> Any:
    """The rows of all batches, or of the first what all rows share."""
    return arguments[0][key] if key in SHARED else np.concatenate([each[key] for each in arguments])


def _assert_same_rows(whole: Enclosure, part: Enclosure, rows: slice) -> None:
    for field in ("low", "high", "bound", "reach", "depth", "middle"):
        assert np.array_equal(getattr(whole, field)[rows], getattr(part, field)), field


@pytest.mark.parametrize("name", FORMULAS)
def test_blocks_change_no_bit(name: str) -> None:
    """A large batch is taken in blocks, and expects of each row what smaller batches do."""
    generator, format = np.random.default_rng(0), FORMATS["float32"]
    drawn = [DRAWS[name](generator, family, format, (3000, 4)) for family in ("usual", "lattice", "near-ties")]
    settings = drawn[0].settings
    whole = {key: _of_all(key, [one.arguments for one in drawn]) for key in _in_all(drawn)}
    full = evaluate(FORMULAS[name], whole, settings)
    for start in (0, 4000, 8990):
        rows = slice(start, start + 999)
        part = {key: value if key in SHARED else value[rows] for key, value in whole.items()}
        found = evaluate(FORMULAS[name], part, settings)
        _assert_same_rows(full.value, found.value, rows)
        for argument in found.gradients:
            _assert_same_rows(full.gradients[argument], found.gradients[argument], rows)
