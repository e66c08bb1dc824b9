"""The margin loss in NumPy as people write it: one step after the other, each of which a fault may replace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Labels = list[int]


def check(input: Array, target: Array, reduction: str) -> None:
    """Refuse what the operator does not take."""
    if np.ndim(input) not in (1, 2) or np.shape(input) != np.shape(target):
        raise ValueError(f"input {np.shape(input)}, target {np.shape(target)}")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}")


def block_of(y: Array, row: int, labels: Array) -> Labels:
    """Labels before the first negative one."""
    ends = np.flatnonzero(y < 0)
    return [int(label) for label in (y[: ends[0]] if len(ends) else y)]


def refuse_beyond(block: Labels, classes: int) -> Labels:
    """The block, unless it names no class."""
    if any(label >= classes for label in block):
        raise IndexError(f"class {max(block)} of {classes}")
    return block


def others_of(block: Labels, y: Array, classes: int, label: int) -> Labels:
    """Classes outside the block."""
    named = set(block)
    return [other for other in range(classes) if other not in named]


def gap_of(label: Any, others: Array) -> Array:
    """1 - x_t + x_i in the scores' own dtype."""
    return np.asarray((others.dtype.type(1) - label) + others)


def hinge_of(gaps: Array) -> Array:
    """max(0, z)."""
    return np.asarray(np.where(gaps <= 0, gaps.dtype.type(0), gaps))


def slope_of(gaps: Array) -> Array:
    """Which pairs are active."""
    return np.asarray(~(gaps <= 0))


def divisor_of(block: Labels, others: int, classes: int) -> float:
    """C."""
    return classes


def sum_of(terms: Array) -> Any:
    """The sum in the terms' own dtype."""
    return terms.sum(dtype=terms.dtype)


def at_least_single(losses: Array) -> Array:
    """The losses of rows as they are added: the sum of half-precision ones may overflow, their mean may not."""
    return losses.astype(np.result_type(losses, np.float32))


def reduce_rows(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    """The losses, their sum or their mean."""
    if reduction == "none":
        return losses
    wide = at_least_single(losses)
    total = wide.sum(dtype=wide.dtype)
    return losses.dtype.type(total if reduction == "sum" else total / wide.dtype.type(len(losses)))


def shape_of(result: Any, batched: bool) -> Any:
    """A batch of one without its axis where the input had none."""
    return result if batched or np.ndim(result) == 0 else result[0]


def spread_of(cotangent: Array, rows: int) -> Array:
    """The cotangent of each row."""
    return np.broadcast_to(np.reshape(cotangent, -1), (rows,))


def mean_factor(rows: int) -> float:
    """What the mean divides gradients by."""
    return rows


def scatter(slope: Array, block: Labels, counts: list[Array], others: list[Labels]) -> None:
    """Add each label's active pairs to its others and take them from the label."""
    for label, active, where in zip(block, counts, others, strict=True):
        np.add.at(slope, where, active.astype(slope.dtype))
        slope[label] -= slope.dtype.type(active.sum())


@dataclass(frozen=True)
class Margin:
    """The loss by its steps, each of which a fault may replace."""

    check: Callable[[Array, Array, str], None] = check
    block: Callable[[Array, int, Array], Labels] = block_of
    valid: Callable[[Labels, int], Labels] = refuse_beyond
    others: Callable[[Labels, Array, int, int], Labels] = others_of
    gap: Callable[[Any, Array], Array] = gap_of
    hinge: Callable[[Array], Array] = hinge_of
    slope: Callable[[Array], Array] = slope_of
    divisor: Callable[[Labels, int, int], float] = divisor_of
    add: Callable[[Array], Any] = sum_of
    reduce: Callable[[Array, str, list[Labels]], Any] = reduce_rows
    shape: Callable[[Any, bool], Any] = shape_of
    spread: Callable[[Array, int], Array] = spread_of
    mean_factor: Callable[[int], float] = mean_factor
    scatter: Callable[[Array, Labels, list[Array], list[Labels]], None] = scatter
    scores: Callable[[Array], Array] = field(default=lambda rows: rows)
    finish: Callable[[Any, Array], Any] = field(default=lambda result, input: result)
    finish_gradient: Callable[[Array, list[Labels], Array], Array] = field(default=lambda slopes, blocks, input: slopes)
    default: str = "mean"

    def __call__(self, input: Array, target: Array, reduction: str | None = None) -> Any:
        """The loss."""
        reduction = self.default if reduction is None else reduction
        self.check(input, target, reduction)
        rows, labels = self.scores(np.atleast_2d(input)), np.atleast_2d(target)
        losses, blocks = np.zeros(len(rows), dtype=rows.dtype), list[Labels]()
        for row, (x, y) in enumerate(zip(rows, labels, strict=True)):
            block, others, gaps = self.pairs(x, y, row, labels)
            blocks.append(block)
            terms = [self.hinge(part) for part in gaps if part.size]
            if terms:
                divisor = x.dtype.type(self.divisor(block, len(others[0]), len(x)))
                losses[row] = self.add(np.concatenate(terms)) / divisor
        result = self.shape(self.reduce(losses, reduction, blocks), np.ndim(input) == 2)
        return self.finish(result, input)

    def pairs(self, x: Array, y: Array, row: int, labels: Array) -> tuple[Labels, list[Labels], list[Array]]:
        """The block, and for each of its labels the other classes and the gaps."""
        block = self.valid(self.block(y, row, labels), len(x))
        others = [self.others(block, y, len(x), label) for label in block]
        gaps = [self.gap(x[label], x[where]) for label, where in zip(block, others, strict=True)]
        return block, others, gaps

    def gradient(self, input: Array, target: Array, cotangent: Array, reduction: str | None = None) -> Array:
        """The gradient to the input."""
        reduction = self.default if reduction is None else reduction
        self.check(input, target, reduction)
        rows, labels = self.scores(np.atleast_2d(input)), np.atleast_2d(target)
        slopes, blocks = np.zeros(rows.shape, dtype=rows.dtype), list[Labels]()
        factors = self.spread(np.asarray(cotangent), len(rows))
        for row, (x, y) in enumerate(zip(rows, labels, strict=True)):
            block, others, gaps = self.pairs(x, y, row, labels)
            blocks.append(block)
            self.scatter(slopes[row], block, [self.slope(part) for part in gaps], others)
            if block:
                slopes[row] /= x.dtype.type(self.divisor(block, len(others[0]), len(x)))
            slopes[row] *= factors[row]
        if reduction == "mean":
            slopes /= slopes.dtype.type(self.mean_factor(len(rows)))
        return self.finish_gradient(slopes, blocks, input).reshape(np.shape(input))


RIGHT = Margin()
