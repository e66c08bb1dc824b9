r"""What infinities and NaN among the scores make of a loss: a class, not a number.

The classes follow from the arithmetic of IEEE 754 on the formula and, where a factor 0
meets an infinity, from the formula's limit; where the two disagree the class is
``either``. No clause above level ``quality`` rests on them.

Margin. A pair :math:`1 - x_t + x_i` is NaN where one of its scores is, and where both are
the same infinity, in every order of the two operations; +inf where :math:`x_i` is +inf or
:math:`x_t` is -inf; else -inf, which the maximum with 0 turns into 0, or finite. A score
in no pair (every class a label, no label at all) does not occur in the formula.

Soft margin. The element of a score +inf is +inf, unless its label is exactly 1: then the
loss tends to 0, and the page's formula has 0 times infinity. The same for -inf and 0. A
weight of 0 removes a class in the limit, and multiplies by 0 in the arithmetic.

A sum is NaN with a NaN or two opposite infinities in it, else ``either`` with one, else
the infinity, else finite.

Source:
    IEEE 754-2019, clauses 6 and 7; the formulas of the operators' pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .arguments import check_reduction, check_same_shape
from .formats import Float64, Int64
from .pairs import label_block


@dataclass(frozen=True)
class Class:
    """What a loss may be.

    Attributes:
        name: ``finite``, ``+inf``, ``-inf``, ``nan`` or ``either``.
        why: In one sentence, except where it is finite.
    """

    name: str
    why: str = ""

    def admits(self, got: float) -> bool:
        """Whether a result is of this class; ``either`` leaves all of them open."""
        return self.name in ("either", class_of(got))


def class_of(value: float) -> str:
    """``finite``, ``+inf``, ``-inf`` or ``nan``."""
    return "nan" if np.isnan(value) else "finite" if np.isfinite(value) else "+inf" if value > 0 else "-inf"


FINITE = Class("finite")
_NAN_SCORE = Class("nan", "a score of the formula is NaN")
_NO_DIFFERENCE = Class("nan", "the difference of two equal infinities is NaN")
_OPPOSITE = Class("nan", "the sum of opposite infinities is NaN")
_OPEN_LABEL = Class("either", "the loss tends to 0, and the formula has 0 times infinity")
_OPEN_WEIGHT = Class("either", "a weight of 0 removes the class, and 0 times infinity or NaN is NaN")
_KINDS = {"finite": 0.0, "+inf": np.inf, "-inf": -np.inf, "nan": np.nan}


def margin_classes(input: Float64, target: Int64, reduction: str) -> list[Class]:
    """Classes of the margin loss.

    Args:
        input: Scores; shape (N, C).
        target: Class indices of the same shape; the first negative one ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        One class for each row, or one for the batch.
    """
    check_reduction(reduction)
    check_same_shape(input, target)
    rows: list[Class] = []
    for scores, labels, counts in zip(input.tolist(), target.tolist(), label_block(target).tolist(), strict=True):
        block = {label for label, in_block in zip(labels, counts, strict=True) if in_block}
        others = _kinds(score for place, score in enumerate(scores) if place not in block)
        rows.append(_sum(_pair(score, other) for score in _kinds(scores[label] for label in block) for other in others))
    return rows if reduction == "none" else [_sum(rows)]


def _kinds(scores: Iterable[float]) -> list[float]:
    """Each infinity, NaN, and 0 for all that is finite: at most one of a kind, in a fixed order."""
    there = {class_of(score) for score in scores}
    return [score for name, score in _KINDS.items() if name in there]


def _pair(label: float, other: float) -> Class:
    if np.isnan(label) or np.isnan(other):
        return _NAN_SCORE
    if np.isinf(label) and label == other:
        return _NO_DIFFERENCE
    if other == np.inf or label == -np.inf:
        return Class("+inf", "a pair is infinite")
    return FINITE


def soft_classes(input: Float64, target: Float64, weight: Float64 | None, reduction: str) -> list[Class]:
    """Classes of the soft margin loss.

    Args:
        input: Scores; shape (N, C).
        target: Labels in [0, 1]; same shape.
        weight: Finite factors; shape (C,); ones if absent.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        One class for each row, or one for the batch.
    """
    check_reduction(reduction)
    check_same_shape(input, target)
    weights = np.ones(input.shape[1]) if weight is None else weight
    rows = [
        _sum(_element(*element) for element in zip(scores, labels, weights.tolist(), strict=True))
        for scores, labels in zip(input.tolist(), target.tolist(), strict=True)
    ]
    return rows if reduction == "none" else [_sum(rows)]


def _element(score: float, label: float, weight: float) -> Class:
    if np.isfinite(score):
        return FINITE
    if weight == 0:
        return _OPEN_WEIGHT
    if np.isnan(score):
        return _NAN_SCORE
    if label == (1.0 if score > 0 else 0.0):
        return _OPEN_LABEL
    return Class("+inf" if weight > 0 else "-inf", "an element is infinite")


def _sum(classes: Iterable[Class]) -> Class:
    """The class of a sum."""
    found = {part.name: part for part in classes}
    if {"+inf", "-inf"} <= set(found):
        return found.get("nan", _OPPOSITE)
    return next((found[name] for name in ("nan", "either", "+inf", "-inf") if name in found), FINITE)
