"""The soft margin in ball arithmetic: each result between two float64 values.

For float64 subjects, where the error of a float64 oracle could decide a verdict.
"""

from __future__ import annotations

import flint
import numpy as np

from .formats import Float64

_BITS = 160
_FAR = 4096.0
_NOTHING = flint.arb(2) ** -4000 * flint.arb(0.5, 0.5)  # from 0 to more than e^-4096


def loss_balls(rows: Float64, labels: Float64, weights: Float64, divisor: int, *, together: bool) -> Float64:
    """Weighted losses of rows over a divisor.

    Args:
        rows: Finite scores; shape (N, C).
        labels: In [0, 1]; same shape.
        weights: A factor for each class, of any sign; shape (C,).
        divisor: Positive.
        together: The sum over all rows instead of each.

    Returns:
        Lower ends, nearest values and upper ends; shape (3, N), or (3, 1) together.
    """
    with flint.ctx.workprec(_BITS):
        factors = [flint.arb(weight) for weight in weights.tolist()]
        sums: list[flint.arb] = []
        for scores, marks in zip(rows.tolist(), labels.tolist(), strict=True):
            total = flint.arb(0)
            for score, label, factor in zip(scores, marks, factors, strict=True):
                total += factor * _loss(score, label)
            sums.append(total)
        if together:
            sums = [sum(sums, flint.arb(0))]
        return _ends([total / divisor for total in sums])


def slope_balls(rows: Float64, labels: Float64, factors: Float64, weights: Float64, divisor: int) -> Float64:
    """Derivative of each element's loss by its score, times factor and weight, over a divisor.

    Args:
        rows: Finite scores; shape (N, C).
        labels: In [0, 1]; same shape.
        factors: One for each row; shape (N,).
        weights: One for each class; shape (C,).
        divisor: Positive.

    Returns:
        Lower ends, nearest values and upper ends; shape (3, N, C).
    """
    with flint.ctx.workprec(_BITS):
        balls = [
            flint.arb(factor) * flint.arb(weight) * _slope(score, label) / divisor
            for factor, scores, marks in zip(factors.tolist(), rows.tolist(), labels.tolist(), strict=True)
            for score, label, weight in zip(scores, marks, weights.tolist(), strict=True)
        ]
        return _ends(balls).reshape(3, *rows.shape)


def _loss(score: float, label: float) -> flint.arb:
    """(1 - y) max(x, 0) + y max(-x, 0) + log(1 + e^-|x|)."""
    x = flint.arb(score)
    decay = _decay(x)
    logarithm = decay if _vanishes(score) else decay.log1p()
    if label in (0.0, 1.0):
        met = (score > 0) == (label == 1.0)
        return logarithm if met or score == 0 else logarithm + abs(x)
    y = flint.arb(label)
    return logarithm + ((1 - y) * x if score > 0 else -y * x)


def _slope(score: float, label: float) -> flint.arb:
    """(1 - y) σ(x) - y σ(-x)."""
    decay = _decay(flint.arb(score))
    small, large = decay if _vanishes(score) else decay / (1 + decay), 1 / (1 + decay)
    up, down = (large, small) if score > 0 else (small, large)
    if label in (0.0, 1.0):
        return -down if label == 1.0 else up
    y = flint.arb(label)
    return (1 - y) * up - y * down


def _vanishes(score: float) -> bool:
    """Whether e^-|x| and what is made of it are known as no more than positive and tiny."""
    return abs(score) > _FAR


def _decay(x: flint.arb) -> flint.arb:
    """e^-|x|."""
    return _NOTHING if abs(x) > _FAR else (-abs(x)).exp()


def _ends(balls: list[flint.arb]) -> Float64:
    """The float64 values around the balls, and between them those nearest to the balls' middles."""
    low, high = ([_end(ball.lower(), -np.inf) for ball in balls], [_end(ball.upper(), np.inf) for ball in balls])
    return np.array([low, [float(ball.mid()) for ball in balls], high])


def _end(bound: flint.arb, direction: float) -> float:
    """The bound, rounded away from the ball."""
    value = float(bound)
    beyond = flint.arb(value) <= bound if direction < 0 else flint.arb(value) >= bound
    return value if beyond else float(np.nextafter(value, direction))
