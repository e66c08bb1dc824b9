"""A sum over no rows that was never written shows what earlier calls left in memory: something other than 0."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases.drawing import Domain
from conformance.families.shapes_at_the_edge import other_than_zero
from conformance.judging.expectation import compute
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.running.plan import PROFILES, drawn
from reference.formats import FORMATS, Arithmetic
from tests.laws import plain_dtypes


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_calls_before_an_empty_batch_leave_no_zeros(operator: str, reduction: str) -> None:
    """Every loss of theirs is another number."""
    (clause,) = clauses("*.shapes.empty-batch-sum", operator)
    domain = Domain(OPERATORS[operator], "float32", plain_dtypes(OPERATORS[operator]))
    (empty,) = drawn(clause, domain, PROFILES["quick"].cases, 0)

    case = other_than_zero(empty, 3).replace(reduction=reduction)

    losses = compute(case, Arithmetic(FORMATS["float32"]), as_documented=False).value
    assert (np.minimum(np.abs(losses.low), np.abs(losses.high)) > 0.1).all()
