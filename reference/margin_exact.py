"""A second margin oracle that shares nothing with the first: exact rationals, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def exact_rows(
    scores: Sequence[Sequence[float]], labels: Sequence[Sequence[int]]
) -> tuple[list[Fraction], list[list[tuple[Fraction, Fraction]]]]:
    """Loss of each row and the interval of subgradients of each element, exactly.

    Args:
        scores: Finite scores; N rows of C.
        labels: Class indices; N rows of C; the first negative one ends a row's block.

    Returns:
        The losses, N of them, and N rows of C pairs (smallest, largest) of
        derivatives of the row's loss.
    """
    answers = [exact_row(list(map(Fraction, row)), block_of(label)) for row, label in zip(scores, labels, strict=True)]
    return [loss for loss, _ in answers], [gradient for _, gradient in answers]


def block_of(labels: Sequence[int]) -> list[int]:
    """The labels before the first negative one."""
    ends = [place for place, label in enumerate(labels) if label < 0]
    return list(labels[: ends[0]] if ends else labels)


def exact_row(scores: list[Fraction], block: list[int]) -> tuple[Fraction, list[tuple[Fraction, Fraction]]]:
    """Loss and interval of subgradients of one row."""
    classes = len(scores)
    loss = Fraction(0)
    low, high = [0] * classes, [0] * classes
    for label in block:
        for other in range(classes):
            if other in block:
                continue
            gap = 1 - scores[label] + scores[other]
            loss += max(Fraction(0), gap)
            low[label] -= gap >= 0
            high[label] -= gap > 0
            low[other] += gap > 0
            high[other] += gap >= 0
    return loss / classes, [(Fraction(a, classes), Fraction(b, classes)) for a, b in zip(low, high, strict=True)]
