"""Every float32 score: named by its bits, and a wrong one among a million is the witness."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from conformance.cases.drawing import Domain
from conformance.judging.compare import Deviation
from conformance.operators.catalogue import clauses
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from conformance.operators.multilabel_soft_margin_loss.exhaustive import every_score_of_float32, ranges
from conformance.running.plan import PROFILES
from tests.laws import subject, worker

DOMAIN = Domain(SOFT, "float32", exhaustive=True)
(CLAUSE,) = clauses("soft.numbers.every-single-score")


def losses(call: Any) -> Any:
    """log(1 + e^x) in float64, rounded to float32; one score has another loss."""
    scores = worker.array_of(call["arguments"][0]["array"])
    x = np.frombuffer(scores["data"], dtype=np.float32).astype(np.float64)
    value = np.logaddexp(0.0, x).astype(np.float32)
    value[x == 0.6875] += np.float32(1e-3)
    return {"value": value}


def test_the_ranges_hold_every_finite_score_once() -> None:
    """Their ends are neighbours, from +0 to the largest and from -0 to the smallest."""
    bits = [case["input"].astype(np.float32).view(np.uint32).reshape(-1).tolist() for case in ranges(DOMAIN)]

    assert sum(last - first + 1 for first, last in bits) == 2**32 - 2**24
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(bits[:32]))


def test_the_witness_is_the_one_score_that_is_wrong() -> None:
    """Found in the middle of a range, shown alone."""
    asked = subject(CLAUSE, losses, "float32")
    case = ranges(DOMAIN)[0].replace(input=np.array([[0.6875 - 2.0**-7], [0.6875 + 2.0**-7]]))

    with pytest.raises(Deviation) as caught:
        every_score_of_float32(asked, case)
    assert caught.value.witness is not None
    assert caught.value.witness["input"].tolist() == [[0.6875]]
    with pytest.raises(Deviation):
        every_score_of_float32(asked, caught.value.witness)
    every_score_of_float32(asked, case.replace(input=case["input"] + 1.0))


def test_only_the_thorough_profile_asks_it() -> None:
    """It takes minutes."""
    assert [name for name, profile in PROFILES.items() if profile.exhaustive] == ["thorough"]
    assert ranges(Domain(SOFT, "float32")) == []
    assert ranges(Domain(SOFT, "float64", exhaustive=True)) == []
