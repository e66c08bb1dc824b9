"""Right implementations of the margin loss: every order of its operations that keeps the formula.

Each takes scores of shape (N, C), targets and a rounding, and gives the losses of the
rows; the gradients take cotangents as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.formats import Bool, Float64, Int64
from tests.zoo import arithmetic
from tests.zoo.arithmetic import Rounding, Sum

Margin = Callable[[Float64, Int64, Rounding], Float64]
MarginGradient = Callable[[Float64, Int64, Float64, Rounding], Float64]
Gap = Callable[[Rounding, Float64, Float64], Float64]
Divide = Callable[[Rounding, Float64, int, Sum], Float64]


def label_first(fl: Rounding, label: Float64, other: Float64) -> Float64:
    """(1 - x_t) + x_i."""
    return fl(fl(1 - label) + other)


def other_first(fl: Rounding, label: Float64, other: Float64) -> Float64:
    """(1 + x_i) - x_t."""
    return fl(fl(1 + other) - label)


def difference_first(fl: Rounding, label: Float64, other: Float64) -> Float64:
    """1 - (x_t - x_i), as the page prints it."""
    return fl(1 - fl(label - other))


def fused(fl: Rounding, label: Float64, other: Float64) -> Float64:
    """Rounded once, as one wider operation would."""
    return fl((1 - label) + other)


def gaps(scores: Float64, target: Int64, fl: Rounding, gap: Gap) -> tuple[Float64, Bool]:
    """Every z, and which count; shape (N, T, C)."""
    block = np.logical_and.accumulate(target >= 0, axis=1)
    longest = int(block.sum(axis=1).max(initial=0))
    block, label = block[:, :longest], np.where(block, target, 0)[:, :longest]
    named = np.zeros(scores.shape, dtype=bool)
    for row in range(len(scores)):
        named[row, label[row][block[row]]] = True
    with np.errstate(over="ignore", invalid="ignore"):
        z = gap(fl, np.take_along_axis(scores, label, axis=1)[:, :, np.newaxis], scores[:, np.newaxis, :])
    return z, block[:, :, np.newaxis] & ~named[:, np.newaxis, :]


def divide_last(fl: Rounding, terms: Float64, classes: int, add: Sum) -> Float64:
    """The sum, divided by C."""
    return fl(add(fl, terms) / classes)


def divide_each(fl: Rounding, terms: Float64, classes: int, add: Sum) -> Float64:
    """Each term divided by C, as the page prints it."""
    return add(fl, fl(terms / classes))


def multiply_last(fl: Rounding, terms: Float64, classes: int, add: Sum) -> Float64:
    """The sum times the rounded reciprocal."""
    return fl(add(fl, terms) * fl(1 / classes))


def multiply_each(fl: Rounding, terms: Float64, classes: int, add: Sum) -> Float64:
    """Each term times the rounded reciprocal."""
    return add(fl, fl(terms * fl(1 / classes)))


def by_pairs(gap: Gap, add: Sum, divide: Divide) -> Margin:
    """Pair by pair: how a pair is taken, how pairs are added, where the division stands."""

    def losses(scores: Float64, target: Int64, fl: Rounding) -> Float64:
        z, counts = gaps(scores, target, fl, gap)
        terms = np.where(counts, np.maximum(z, 0), 0.0).reshape(len(scores), -1)
        with np.errstate(over="ignore", invalid="ignore"):
            return divide(fl, terms, scores.shape[1], add)

    return losses


def by_labels(scores: Float64, target: Int64, fl: Rounding) -> Float64:
    """A sum for each label first, then over the labels."""
    z, counts = gaps(scores, target, fl, label_first)
    terms = np.where(counts, np.maximum(z, 0), 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = [arithmetic.one_by_one(fl, terms[:, place]) for place in range(terms.shape[1])]
        total = arithmetic.one_by_one(fl, np.stack(sums, axis=1)) if sums else np.zeros(len(scores))
        return fl(total / scores.shape[1])


def sorted_wide(scores: Float64, target: Int64, fl: Rounding) -> Float64:
    """Others sorted, sums of the largest ones in a wider format, one binary search for each label."""
    losses = np.zeros(len(scores), dtype=np.longdouble)
    for row, (values, marks) in enumerate(zip(scores, target, strict=True)):
        ends = np.flatnonzero(marks < 0)
        block = marks[: ends[0]] if len(ends) else marks
        others = np.sort(np.delete(values, block)).astype(np.longdouble)[::-1]
        sums = np.append(np.longdouble(0), np.cumsum(others))
        for label in values[block].astype(np.longdouble):
            larger = int((others > label - 1).sum())
            losses[row] += (1 - label) * larger + sums[larger]
    return fl(np.asarray(losses / scores.shape[1], dtype=np.float64))


VALUES: dict[str, Margin] = {
    "naive": by_pairs(label_first, arithmetic.one_by_one, divide_last),
    "other first": by_pairs(other_first, arithmetic.one_by_one, divide_last),
    "as printed": by_pairs(difference_first, arithmetic.one_by_one, divide_each),
    "reversed": by_pairs(difference_first, arithmetic.backwards, multiply_last),
    "pairwise": by_pairs(label_first, arithmetic.pairwise, divide_last),
    "blocked": by_pairs(other_first, arithmetic.blocked, multiply_last),
    "compensated": by_pairs(label_first, arithmetic.compensated, divide_last),
    "largest first": by_pairs(other_first, arithmetic.descending, multiply_each),
    "smallest first": by_pairs(difference_first, arithmetic.ascending, divide_last),
    "float32 sum": by_pairs(label_first, arithmetic.in_single, divide_last),
    "float64 sum": by_pairs(other_first, arithmetic.in_double, multiply_last),
    "fused": by_pairs(fused, arithmetic.one_by_one, multiply_each),
    "by labels": by_labels,
    "sorted, wide sums": sorted_wide,
}
"""Implementations that no bound may flag, by name."""


def _counted(scores: Float64, target: Int64, fl: Rounding, gap: Gap, *, ties: bool) -> Float64:
    """Active pairs of each class, those of a label negative; shape (N, C)."""
    z, counts = gaps(scores, target, fl, gap)
    active = counts & ((z >= 0) if ties else (z > 0))
    slopes = active.sum(axis=1).astype(np.float64)
    for row, place in np.argwhere(active.any(axis=2)).tolist():
        slopes[row, target[row, place]] -= active[row, place].sum()
    return np.asarray(slopes, dtype=np.float64)


def count_then_divide(scores: Float64, target: Int64, cotangent: Float64, fl: Rounding) -> Float64:
    """(k / C) g."""
    slopes = _counted(scores, target, fl, label_first, ties=False)
    return fl(fl(fl(slopes) / scores.shape[1]) * cotangent[:, np.newaxis])


def share_times_count(scores: Float64, target: Int64, cotangent: Float64, fl: Rounding) -> Float64:
    """K (g (1 / C)), ties active."""
    slopes = _counted(scores, target, fl, difference_first, ties=True)
    return fl(fl(slopes) * fl(cotangent * fl(1 / scores.shape[1]))[:, np.newaxis])


def added_up(scores: Float64, target: Int64, cotangent: Float64, fl: Rounding) -> Float64:
    """G / C added once for each active pair."""
    slopes = _counted(scores, target, fl, other_first, ties=False)
    share = np.broadcast_to(fl(cotangent / scores.shape[1])[:, np.newaxis], slopes.shape)
    total = np.zeros(slopes.shape)
    for step in range(int(np.abs(slopes).max(initial=0))):
        total = np.where(np.abs(slopes) > step, fl(total + share), total)
    return total * np.sign(slopes)


GRADIENTS: dict[str, MarginGradient] = {
    "count, then divide": count_then_divide,
    "share times count": share_times_count,
    "added up": added_up,
}
"""Gradients that no bound may flag, by name."""
