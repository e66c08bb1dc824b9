"""Subjects that flush subnormal operands to zero: what both oracles grant."""

from __future__ import annotations

import numpy as np
import pytest

from reference.engine.oracle import evaluate
from reference.formats import FORMATS, Arithmetic
from reference.soft_margin import soft_margin_loss
from tests.engine.cases import FORMULAS


@pytest.mark.parametrize("flushes", [False, True])
def test_a_subnormal_label_before_a_large_score_may_be_lost(*, flushes: bool) -> None:
    """A label of 1e-40 and a score of -1e10 make a loss of 1e-30; flushed, as XLA on a CPU does, 0."""
    format = FORMATS["float32"]
    x, y = format.round([[-1e10]]), format.round([[1e-40]])
    own = Arithmetic(format, flushes)
    hand = soft_margin_loss(x, y, "none", own).value
    engine = evaluate(FORMULAS["multilabel_soft_margin_loss"], {"input": x, "target": y}, arithmetic=own).value

    assert hand.middle[0] == pytest.approx(1e-30, rel=1e-4)
    assert [bool(one.admits(np.zeros(1), format).all()) for one in (hand, engine)] == [flushes, flushes]
