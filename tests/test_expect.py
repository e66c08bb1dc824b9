"""What a user asks: the expectation of a named loss, or of a formula of their own, and a check of a result."""

from __future__ import annotations

import numpy as np
import pytest

from reference.arguments import DomainError
from reference.engine.expression import Expression
from reference.engine.words import positive_part
from reference.expect import Deviation, expect, formula, known_formula

SCORES = np.array([[0.5, 0.25, -1.0], [2.0, 0.0, 1.0]], dtype=np.float32)


def hinge(x: Expression, y: Expression) -> Expression:
    """A binary hinge loss."""
    return positive_part(1 - x * y)


def test_a_named_loss_is_expected_and_checked() -> None:
    """The mean over two rows of three classes; its neighbour two bounds away is refused."""
    expected = expect(
        "multi_margin_loss", {"input": SCORES, "target": np.array([0, 2])}, reduction="mean", p=1, margin=0.5
    )
    exact = ((0.5 - 0.5 + 0.25) + 0 + (0.5 - 1 + 2) + 0) / 3 / 2

    assert float(expected.value) == pytest.approx(exact, rel=1e-15)
    expected.check(np.float32(exact))
    with pytest.raises(Deviation, match=r"(?s)1 of 1 outside.*got.*expected.*bound"):
        expected.check(exact + 3 * float(expected.bound))
    with pytest.raises(Deviation, match=r"shape \(2,\); expected \(\)"):
        expected.check(np.zeros(2))


def test_a_formula_of_ones_own_has_gradients_and_bounds() -> None:
    """And the first wrong element of a gradient is shown."""
    expected = expect(
        formula(hinge, x="N score", y="N sign"), {"x": np.array([0.5, 3.0, 1.0]), "y": np.array([1.0, 1.0, 1.0])}
    )

    expected.check([0.5, 0.0, 0.0])
    expected.check([-1.0, 0.0, -0.5], of="x")
    assert expected.gradient("x").low.tolist() == [-1.0, 0.0, -1.0]
    with pytest.raises(Deviation, match=r"(?s)x, float32: 1 of 3.*place     \(1,\).*got       -1.0"):
        expected.check([-1.0, -1.0, 0.0], of="x")


def test_what_is_no_loss_no_kind_or_no_number_of_the_format_is_refused() -> None:
    """Each with what there is instead."""
    with pytest.raises(DomainError, match=r"'multi_margin'.*multi_margin_loss"):
        known_formula("multi_margin")
    with pytest.raises(DomainError, match=r"'scores' is no kind"):
        formula(hinge, x="N scores", y="N sign")
    with pytest.raises(DomainError, match=r"0\.1.*no value of float32"):
        expect("soft_margin_loss", {"input": np.array([0.1]), "target": np.array([1.0])})
    with pytest.raises(DomainError, match="'float8'"):
        expect("soft_margin_loss", {"input": np.array([0.5]), "target": np.array([1.0])}, dtype="float8")
