"""Right implementations of the soft margin loss in NumPy, each in its own way, with ``NAME_gradient`` beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.zoo.entry import Right
from tests.zoo.numpy_soft_steps import RIGHT, Array, at_least_single, check

Elements = Callable[[Array, Array], tuple[Array, Array]]
"""Scores and labels to losses and derivatives."""


@dataclass(frozen=True)
class ByElement:
    """The loss by its elements."""

    elements: Elements
    over_classes: Callable[[Array], Array] = lambda elements: (
        elements.sum(axis=1, dtype=elements.dtype) / elements.shape[1]
    )
    total: Callable[[Array], Any] = np.sum

    def weighted(self, input: Array, target: Array, weight: Array | None) -> tuple[Array, Array]:
        """Losses and derivatives of each element, times the weight of its class."""
        factor = np.ones(np.shape(input)[-1], dtype=input.dtype) if weight is None else weight
        losses, slopes = self.elements(np.atleast_2d(input), np.atleast_2d(target))
        return losses * factor, slopes * factor

    def __call__(self, input: Array, target: Array, weight: Array | None = None, reduction: str = "mean") -> Any:
        """The loss."""
        check(input, target, weight, reduction)
        losses = self.over_classes(self.weighted(input, target, weight)[0])
        if reduction == "none":
            return losses.astype(input.dtype) if input.ndim == 2 else losses.astype(input.dtype)[0]
        total = self.total(at_least_single(losses))
        return np.asarray(total if reduction == "sum" else total / max(len(losses), 1), dtype=input.dtype)

    def gradient(
        self, input: Array, target: Array, cotangent: Array, weight: Array | None = None, reduction: str = "mean"
    ) -> Array:
        """The gradient to the input."""
        check(input, target, weight, reduction)
        slopes = self.weighted(input, target, weight)[1]
        upstream = np.reshape(cotangent, (-1, 1)) / input.dtype.type(slopes.shape[1])
        upstream = upstream / input.dtype.type(len(slopes) if reduction == "mean" else 1)
        return np.asarray(slopes * upstream, dtype=input.dtype).reshape(input.shape)


def _one_by_one(x: Array, y: Array) -> tuple[Array, Array]:
    """Each element by the functions of the math module, in float64."""
    losses, slopes = np.zeros(x.shape), np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        score, label = float(x[place]), float(y[place])
        tail = math.exp(-abs(score))
        up, down = (1 / (1 + tail), tail / (1 + tail)) if score >= 0 else (tail / (1 + tail), 1 / (1 + tail))
        kink = (1 - label) * max(score, 0.0) if label < 1 else 0.0
        losses[place] = kink + (label * max(-score, 0.0) if label else 0.0) + math.log1p(tail)
        slopes[place] = (1 - label) * up - label * down
    return losses, slopes


def _by_logaddexp(x: Array, y: Array) -> tuple[Array, Array]:
    """Y log(1 + e^-x) + (1 - y) log(1 + e^x) by logaddexp; the sigmoids by tanh and exp."""
    one, zero = x.dtype.type(1), x.dtype.type(0)
    losses = y * np.logaddexp(zero, -x) + (one - y) * np.logaddexp(zero, x)
    up, down = np.exp(-np.logaddexp(zero, -x)), np.exp(-np.logaddexp(zero, x))
    return losses, (one - y) * up - y * down


def _in_widest(x: Array, y: Array) -> tuple[Array, Array]:
    """The stable form in the widest format, narrowed at the end."""
    wide, label = x.astype(np.longdouble), y.astype(np.longdouble)
    tail = np.exp(-np.abs(wide))
    losses = (1 - label) * np.maximum(wide, 0) + label * np.maximum(-wide, 0) + np.log1p(tail)
    up = np.where(wide >= 0, 1, tail) / (1 + tail)
    down = np.where(wide >= 0, tail, 1) / (1 + tail)
    return losses, (1 - label) * up - label * down


def _flipped(x: Array, y: Array) -> tuple[Array, Array]:
    """The score with the sign of the label where labels are 0 and 1, a mixture of both elsewhere."""
    sign: Array = np.where(y > 0.5, 1, -1).astype(x.dtype)
    losses, slopes = RIGHT.elements(x * sign, np.ones_like(y)), RIGHT.slopes(x * sign, np.ones_like(y)) * sign
    whole = (y == 0) | (y == 1)
    return np.where(whole, losses, RIGHT.elements(x, y)), np.where(whole, slopes, RIGHT.slopes(x, y))


def _exact_mean(elements: Array) -> Array:
    """Every row's sum rounded once."""
    return np.array([math.fsum(row) / len(row) for row in elements.tolist()])


RIGHTS: dict[str, Right] = {
    "one_by_one": Right(ByElement(_one_by_one, _exact_mean), "The math module's functions, exact sums.", "quality"),
    "by_logaddexp": Right(
        ByElement(_by_logaddexp, total=lambda losses: np.add.accumulate(losses)[-1] if len(losses) else losses.sum()),
        "By logaddexp, row after row.",
    ),
    "in_widest": Right(ByElement(_in_widest), "In the widest format, narrowed at the end.", "quality"),
    "flipped": Right(
        ByElement(_flipped, lambda elements: (elements / elements.dtype.type(elements.shape[1])).sum(axis=1)),
        "One softplus of the score times the label's sign; each element divided by C before the sum.",
        "quality",
    ),
}
"""The right implementations by name."""


def __getattr__(name: str) -> Any:
    known = RIGHTS.get(name.removesuffix("_gradient"))
    if known is None:
        raise AttributeError(name)

    def function(input: Array, target: Array, weight: Array | None = None, reduction: str = "mean") -> Any:
        return known.loss(input, target, weight, reduction)

    def slope(
        input: Array, target: Array, cotangent: Array, weight: Array | None = None, reduction: str = "mean"
    ) -> Array:
        return np.asarray(known.loss.gradient(input, target, cotangent, weight, reduction))

    chosen: Any = slope if name.endswith("_gradient") else function
    chosen.__name__ = name
    return chosen
