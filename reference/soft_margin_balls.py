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
            loss += w * (y * (1 + (-x).exp()).log() + (1 - y) * (1 + x.exp()).log())
            gradient.append(w * ((1 - y) / (1 + (-x).exp()) - y / (1 + x.exp())) / len(scores))
        return loss / len(scores), gradient
