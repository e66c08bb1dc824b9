"""A second soft margin oracle that shares nothing with the first: decimal arithmetic.

Python's decimal module rounds the exponential and the logarithm correctly.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

CONTEXT = Context(prec=80, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""80 digits, and exponents that no float64 reaches."""

_SERIES_BELOW = Decimal("1e-20")
_FAR = Decimal(-100_000)  # e to it is positive and below everything that float64 can tell from 0


def exact_row(
    scores: Sequence[float], labels: Sequence[float], weights: Sequence[float]
) -> tuple[Decimal, list[Decimal]]:
    """Loss of one row and its gradient, to 60 digits of the sum of their terms' magnitudes.

    Args:
        scores: Finite scores; C of them.
        labels: Labels in [0, 1]; C of them.
        weights: A factor for each class; C of them.

    Returns:
        The loss, and the derivative of the loss by each score.
    """
    on = CONTEXT
    loss, classes = Decimal(0), Decimal(len(scores))
    gradient: list[Decimal] = []
    for score, label, weight in zip(scores, labels, weights, strict=True):
        x, y, w = Decimal(score), Decimal(label), Decimal(weight)
        rest = on.subtract(Decimal(1), y)
        positive = on.multiply(y, softplus(on.minus(x)))
        loss = on.fma(w, on.fma(rest, softplus(x), positive), loss)
        slope = on.subtract(on.multiply(rest, sigmoid(x)), on.multiply(y, sigmoid(on.minus(x))))
        gradient.append(on.divide(on.multiply(w, slope), classes))
    return on.divide(loss, classes), gradient


def softplus(x: Decimal) -> Decimal:
    """log(1 + e^x)."""
    on = CONTEXT
    if x > 0:
        return on.add(x, softplus(on.minus(x)))
    e = on.exp(max(x, _FAR))
    if e > _SERIES_BELOW:
        return on.ln(on.add(Decimal(1), e))
    square = on.multiply(e, e)
    return on.add(on.subtract(e, on.divide(square, Decimal(2))), on.divide(on.multiply(square, e), Decimal(3)))


def sigmoid(x: Decimal) -> Decimal:
    """1 / (1 + e^-x)."""
    on = CONTEXT
    e = on.exp(max(x if x < 0 else on.minus(x), _FAR))
    return on.divide(e if x < 0 else Decimal(1), on.add(Decimal(1), e))
