"""Forms of the elements and slopes of the soft margin loss that people write and that are wrong somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.zoo.numpy_soft_steps import Array, elements_of, reduce_rows, weigh


def two_logarithms(
    first: Callable[[Array], Array], second: Callable[[Array], Array]
) -> Callable[[Array, Array], Array]:
    """-(y log σ(x) + (1 - y) log σ(-x)), the two logarithms as given."""

    def elements(x: Array, y: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(-(y * first(x) + (x.dtype.type(1) - y) * second(x)))

    return elements


def with_epsilon(x: Array) -> Array:
    """log(sigmoid(x) + 0.001)."""
    return np.asarray(np.log(1 / (1 + np.exp(-x)) + x.dtype.type(1e-3)))


def clamped(x: Array) -> Array:
    """log(sigmoid(x)), no less than -5."""
    return np.asarray(np.maximum(-np.log1p(np.exp(-np.clip(x, -11, 80))), x.dtype.type(-5)))


def log_sigmoid(x: Array) -> Array:
    """The logarithm of a sigmoid that may be 0."""
    return np.asarray(np.log(1 / (1 + np.exp(-x))))


def switching(x: Array, y: Array) -> Array:
    """Softplus that is x above 20, as some frameworks have it."""

    def softplus(t: Array) -> Array:
        return np.where(t > 20, t, np.log1p(np.exp(np.minimum(t, 20).astype(np.float64))))

    return np.asarray(y * softplus(-x) + (1 - y) * softplus(x), dtype=x.dtype)


def half_everywhere(x: Array, y: Array) -> Array:
    """The elements in float16."""
    with np.errstate(over="ignore"):
        return elements_of(x.astype(np.float16), y.astype(np.float16)).astype(x.dtype)


def along_batch(elements: Array, weight: Array | None, reduction: str) -> Array:
    """The weight as a column where the batch is as long as the classes are many."""
    if weight is None or elements.shape[0] != elements.shape[1]:
        return weigh(elements, weight, reduction)
    return elements * weight[:, np.newaxis]


def sum_of_weights(x: Array, weight: Array | None) -> float:
    """What the weights add up to."""
    return x.shape[1] if weight is None else float(weight.sum()) or 1.0


def naive_slopes(x: Array, y: Array) -> Array:
    """sigmoid(x) - y."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)) - y)


def overflowing_slopes(x: Array, y: Array) -> Array:
    """exp(x) / (1 + exp(x)) - y."""
    with np.errstate(all="ignore"):
        return np.asarray(np.exp(x) / (1 + np.exp(x)) - y)


def empty_sum(losses: Array, reduction: str) -> Any:
    """Over no rows a number that was never written."""
    if len(losses) == 0 and reduction != "none":
        return np.full(1, 1.3125, dtype=losses.dtype)[0]
    return reduce_rows(losses, reduction)


def reduce_as(**names: str) -> Callable[[Array, str], Any]:
    """Reductions under other names."""
    return lambda losses, reduction: reduce_rows(losses, names.get(reduction, reduction))
