"""Right implementations of the margin loss in NumPy, each in a way of its own; ``NAME_gradient`` is its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.zoo.entry import Right
from tests.zoo.numpy_margin_steps import Array, at_least_single, block_of, check, refuse_beyond

Row = Callable[[Array, list[int], list[int]], tuple[Any, Array]]
"""Scores, labels and other classes of a row to its sum and the sum's derivatives."""


def refuse(input: Array, target: Array, reduction: str) -> None:
    """Refuse with a KeyError whatever reduction is unknown."""
    check(input, target, "mean")
    {"none": 0, "sum": 0, "mean": 0}[reduction]


def refuse_labels_anywhere(input: Array, target: Array, reduction: str) -> None:
    """Refuse labels that name no class wherever they stand."""
    check(input, target, reduction)
    refuse_beyond(target.reshape(-1).tolist(), np.shape(input)[-1])


@dataclass(frozen=True)
class ByRow:
    """The loss by the sum of a row."""

    row: Row
    divide: Callable[[Any, int], Any] = lambda total, count: total / count
    total: Callable[[Array], Any] = lambda losses: losses.sum(dtype=losses.dtype)
    check: Callable[[Array, Array, str], None] = check
    axis_kept: bool = False

    def rows(self, input: Array, target: Array) -> tuple[Array, Array]:
        """Loss and derivatives of each row."""
        scores, labels = np.atleast_2d(input), np.atleast_2d(target)
        losses, slopes = np.zeros(len(scores), input.dtype), np.zeros(scores.shape, input.dtype)
        for place, (x, y) in enumerate(zip(scores, labels, strict=True)):
            block = refuse_beyond(block_of(y, place, labels), len(x))
            named = set(block)
            found, slope = self.row(x, block, [i for i in range(len(x)) if i not in named])
            losses[place], slopes[place] = self.divide(found, len(x)), slope / len(x)
        return losses, slopes

    def __call__(self, input: Array, target: Array, reduction: str = "mean") -> Any:
        """The loss."""
        self.check(input, target, reduction)
        losses, _ = self.rows(input, target)
        if reduction == "none":
            return losses if input.ndim == 2 or self.axis_kept else losses[0]
        total = self.total(at_least_single(losses))
        return np.asarray(total if reduction == "sum" else total / max(len(losses), 1), dtype=input.dtype)

    def gradient(self, input: Array, target: Array, cotangent: Array, reduction: str = "mean") -> Array:
        """The gradient to the input."""
        self.check(input, target, reduction)
        _, slopes = self.rows(input, target)
        upstream = np.reshape(cotangent, (-1, 1)) / input.dtype.type(len(slopes) if reduction == "mean" else 1)
        return np.asarray(slopes * upstream, dtype=input.dtype).reshape(input.shape)


def _one_by_one(x: Array, block: list[int], others: list[int]) -> tuple[Any, Array]:
    """Pair by pair as the page prints it, in the scores' own dtype; the subgradient 1 at a tie."""
    total, slopes = x.dtype.type(0), np.zeros_like(x)
    for label in block:
        for other in others:
            gap = x.dtype.type(1) - (x[label] - x[other])
            total = total + max(gap, x.dtype.type(0))
            slopes[other] += gap >= 0
            slopes[label] -= gap >= 0
    return total, slopes


def _counted(x: Array, block: list[int], others: list[int]) -> tuple[Any, Array]:
    """Labels with the number of times that they stand there, other score first; half a subgradient at a tie."""
    labels, times = np.unique(np.array(block, dtype=int), return_counts=True)
    gaps = (1 + x[others])[np.newaxis, :] - x[labels][:, np.newaxis]
    slopes, active = np.zeros_like(x), times[:, np.newaxis] * np.where(gaps == 0, 0.5, gaps > 0)
    slopes[others], slopes[labels] = active.sum(axis=0), -active.sum(axis=1)
    return (times.astype(x.dtype) * np.maximum(gaps, 0).sum(axis=1, dtype=x.dtype)).sum(dtype=x.dtype), slopes


def _exactly_added(x: Array, block: list[int], others: list[int]) -> tuple[Any, Array]:
    """Gaps in float64 at least, added without an error; no subgradient at a tie; NaN swallowed."""
    wide = x.astype(np.float64)
    gaps = [(1 - wide[label]) + wide[others] for label in block]
    slopes = np.zeros_like(x)
    for label, gap in zip(block, gaps, strict=True):
        slopes[others] += gap > 0
        slopes[label] -= np.count_nonzero(gap > 0)
    terms = np.concatenate([np.fmax(gap, 0) for gap in gaps] or [np.zeros(0)])
    return math.fsum(terms) if np.isfinite(terms).all() else terms.sum(), slopes


def _sorted_sums(x: Array, block: list[int], others: list[int]) -> tuple[Any, Array]:
    """Other scores in falling order and their running sums, in the widest format."""
    order = np.array(others, dtype=int)[np.argsort(-x[others], kind="stable")]
    falling = x[order].astype(np.longdouble)
    sums = np.concatenate([[np.longdouble(0)], np.cumsum(falling)])
    total, slopes = np.longdouble(0), np.zeros_like(x)
    for label in block:
        least = np.longdouble(x[label]) - 1
        count = int(np.count_nonzero(falling > least))
        total += sums[count] - count * least if count else 0
        slopes[order[:count]] += 1
        slopes[label] -= count
    return total, slopes


def _backwards(x: Array, block: list[int], others: list[int]) -> tuple[Any, Array]:
    """The last label first, each label's own sum before the next; |z| and z halved."""
    total, slopes = x.dtype.type(0), np.zeros_like(x)
    for label in reversed(block):
        gaps = (x[others][::-1] - x[label]) + x.dtype.type(1)
        total = total + np.where(gaps > 0, gaps, 0).sum(dtype=x.dtype)
        slopes[others[::-1]] += (gaps > 0) * x.dtype.type(1)
        slopes[label] -= np.count_nonzero(gaps > 0)
    return total, slopes


RIGHTS: dict[str, Right] = {
    "one_by_one": Right(ByRow(_one_by_one), "Python loops over pairs; refuses in its own words.", "quality"),
    "counted": Right(
        ByRow(_counted, divide=lambda total, count: total * type(total)(1 / count) if count else total, check=refuse),
        "Labels by their number, times 1/C; raises KeyError for an unknown reduction.",
    ),
    "exactly_added": Right(
        ByRow(_exactly_added, total=lambda losses: math.fsum(losses) if np.isfinite(losses).all() else losses.sum()),
        "Sums without rounding; NaN counts as 0.",
    ),
    "sorted_sums": Right(ByRow(_sorted_sums, check=refuse_labels_anywhere), "Sorted scores and running sums."),
    "backwards": Right(
        ByRow(_backwards, total=lambda losses: np.add.accumulate(losses[::-1])[-1] if len(losses) else losses.sum()),
        "Labels, classes and rows from the last to the first.",
        "quality",
    ),
    "axis_kept": Right(
        ByRow(_one_by_one, axis_kept=True), "Reduction none gives shape (1) for input of shape (C).", "quality"
    ),
}
"""The right implementations by name."""


def __getattr__(name: str) -> Any:
    known = RIGHTS.get(name.removesuffix("_gradient"))
    if known is None:
        raise AttributeError(name)

    def function(input: Array, target: Array, reduction: str = "mean") -> Any:
        return known.loss(input, target, reduction)

    def slope(input: Array, target: Array, cotangent: Array, reduction: str = "mean") -> Array:
        return np.asarray(known.loss.gradient(input, target, cotangent, reduction))

    chosen: Any = slope if name.endswith("_gradient") else function
    chosen.__name__ = name
    return chosen
