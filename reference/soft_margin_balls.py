"""A second soft margin oracle that shares nothing with the first: ball arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import flint

_BITS = 160


def exact_row(
    scores: Sequence[float], labels: Sequence[float], weights: Sequence[float]
) -> tuple[flint.arb, list[flint.arb]]:
    """Loss of one row and its gradient, each as a ball that contains the true value.

    Args:
        scores: Finite scores; C of them.
        labels: Labels in [0, 1]; C of them.
        weights: A factor for each class; C of them.

    Returns:
        The loss, and the derivative of the loss by each score.
    """
    with flint.ctx.workprec(_BITS):
        loss = flint.arb(0)
        gradient: list[flint.arb] = []
        for score, label, weight in zip(scores, labels, weights, strict=True):
            x, y, w = flint.arb(score), flint.arb(label), flint.arb(weight)
            loss += w * (y * softplus(-x) + (1 - y) * softplus(x))
            gradient.append(w * ((1 - y) * sigmoid(x) - y * sigmoid(-x)) / len(scores))
        return loss / len(scores), gradient


def softplus(x: flint.arb) -> flint.arb:
    """log(1 + e^x); for a large x through e^-x, because e^x may exceed the largest exponent."""
    return x + softplus(-x) if x > 0 else x.exp().log1p()


def sigmoid(x: flint.arb) -> flint.arb:
    """1 / (1 + e^-x), likewise."""
    return 1 - sigmoid(-x) if x > 0 else x.exp() / (1 + x.exp())
