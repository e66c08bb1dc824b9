"""The soft margin loss in NumPy as people write it: steps, each of which a fault may replace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def check(input: Array, target: Array, weight: Array | None, reduction: str) -> None:
    """Refuse what the operator does not take."""
    if np.ndim(input) not in (1, 2) or np.shape(input) != np.shape(target):
        raise ValueError(f"input {np.shape(input)}, target {np.shape(target)}")
    if weight is not None and np.shape(weight) != np.shape(input)[-1:]:
        raise ValueError(f"weight {np.shape(weight)}, input {np.shape(input)}")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}")


def elements_of(x: Array, y: Array) -> Array:
    """(1 - y) max(x, 0) + y max(-x, 0) + log1p(e^-|x|) in the scores' own dtype."""
    one = x.dtype.type(1)
    kink = (one - y) * np.maximum(x, 0) + y * np.maximum(-x, 0)
    return np.asarray(kink + np.log1p(np.exp(-np.abs(x))))


def slopes_of(x: Array, y: Array) -> Array:
    """(1 - y) σ(x) - y σ(-x)."""
    one, decay = x.dtype.type(1), np.exp(-np.abs(x))
    up = np.where(x >= 0, one, decay) / (one + decay)
    down = np.where(x >= 0, decay, one) / (one + decay)
    return np.asarray((one - y) * up - y * down)


def weigh(elements: Array, weight: Array | None, reduction: str) -> Array:
    """Times the weight of each class."""
    return elements if weight is None else elements * weight


def divisor_of(x: Array, weight: Array | None) -> float:
    """C."""
    return float(x.shape[1])


def row_sums(elements: Array) -> Array:
    """The sum over the classes in the elements' own dtype."""
    return np.asarray(elements.sum(axis=1, dtype=elements.dtype))


def at_least_single(losses: Array) -> Array:
    """The losses of rows as they are added: the sum of half-precision ones may overflow, their mean may not."""
    return losses.astype(np.result_type(losses, np.float32))


def reduce_rows(losses: Array, reduction: str) -> Any:
    """The losses, their sum or their mean."""
    if reduction == "none":
        return losses
    wide = at_least_single(losses)
    total = wide.sum(dtype=wide.dtype)
    return losses.dtype.type(total if reduction == "sum" else total / wide.dtype.type(len(losses)))


def spread_of(cotangent: Array, rows: int) -> Array:
    """The cotangent of each row."""
    return np.broadcast_to(np.reshape(cotangent, -1), (rows,))


@dataclass(frozen=True)
class Soft:
    """The loss by its steps, each of which a fault may replace."""

    check: Callable[[Array, Array, Array | None, str], None] = check
    labels: Callable[[Array], Array] = np.asarray
    elements: Callable[[Array, Array], Array] = elements_of
    slopes: Callable[[Array, Array], Array] = slopes_of
    weigh: Callable[[Array, Array | None, str], Array] = weigh
    weigh_slopes: Callable[[Array, Array | None, str], Array] = weigh
    divisor: Callable[[Array, Array | None], float] = divisor_of
    add: Callable[[Array], Array] = row_sums
    reduce: Callable[[Array, str], Any] = reduce_rows
    spread: Callable[[Array, int], Array] = spread_of
    mean_factor: Callable[[int], float] = float
    finish: Callable[[Any, Array], Any] = lambda result, input: result
    default: str = "mean"

    def __call__(self, input: Array, target: Array, weight: Array | None = None, reduction: str | None = None) -> Any:
        """The loss."""
        reduction = self.default if reduction is None else reduction
        self.check(input, target, weight, reduction)
        x, y = np.atleast_2d(input), self.labels(np.atleast_2d(target))
        elements = self.weigh(self.elements(x, y), weight, reduction)
        losses = self.add(elements) / x.dtype.type(self.divisor(x, weight))
        result = self.reduce(losses, reduction)
        flat = np.ndim(input) == 1 and np.ndim(result) == 1
        return self.finish(result[0] if flat else result, input)

    def gradient(
        self,
        input: Array,
        target: Array,
        cotangent: Array,
        weight: Array | None = None,
        reduction: str | None = None,
    ) -> Array:
        """The gradient to the input."""
        reduction = self.default if reduction is None else reduction
        self.check(input, target, weight, reduction)
        x, y = np.atleast_2d(input), self.labels(np.atleast_2d(target))
        slopes = self.weigh_slopes(self.slopes(x, y), weight, reduction)
        factors = self.spread(np.asarray(cotangent), len(x)) / x.dtype.type(self.divisor(x, weight))
        if reduction == "mean":
            factors = factors / x.dtype.type(self.mean_factor(len(x)))
        return np.asarray(slopes * factors[:, np.newaxis], dtype=x.dtype).reshape(np.shape(input))


RIGHT = Soft()
