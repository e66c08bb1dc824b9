"""Slopes of elementary functions, enclosed, and what an implementation's own may be off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..formats import Float64
from . import expression as e
from .error import ACCURACY
from .interval import Interval, point

if TYPE_CHECKING:
    from .rounding import Rounding


def _of_exp(run: Rounding, node: e.Elementary) -> tuple[Interval, Float64]:
    return run.state.values[node], run.error(node)


def _of_softplus(run: Rounding, node: e.Elementary) -> tuple[Interval, Float64]:
    """A sigmoid; its slope is at most itself and a quarter."""
    (a,) = node.parents
    part = run.state.values[a]
    value = run.state.numbers.function("sigmoid", part)
    error = run.error(a)
    brought = error * np.minimum(as_floats(value.high) * np.exp(np.minimum(error, 1.0)), 0.25)
    size = as_floats(value.high) + brought
    return value, brought + ACCURACY["sigmoid"] * run.u * (1 + 8 * run.u) * size + run.tiny


def _of_log(run: Rounding, node: e.Elementary) -> tuple[Interval, Float64]:
    (a,) = node.parents
    return inverse(run, run.state.values[a], run.error(a))


def _of_log1p(run: Rounding, node: e.Elementary) -> tuple[Interval, Float64]:
    (a,) = node.parents
    numbers = run.state.numbers
    part = numbers.add([point(numbers.number(1.0)), run.state.values[a]], np.asarray(False))
    error = run.error(a)
    return inverse(run, part, error + run.u * (as_floats(part.magnitude) + error))


def _of_sqrt(run: Rounding, node: e.Elementary) -> tuple[Interval, Float64]:
    numbers = run.state.numbers
    twice = numbers.multiply(point(numbers.number(2.0)), run.state.values[node], np.asarray(False))
    return inverse(run, twice, 2 * run.error(node))


def _of_sigmoid(run: Rounding, node: e.Elementary) -> tuple[Interval, Float64]:
    """σ(a) σ(-a), within the error of both; forms of 1 - σ are granted their absolute error."""
    (a,) = node.parents
    part, error = run.state.values[a], run.error(a)
    numbers = run.state.numbers
    one, other = numbers.function("sigmoid", part), numbers.function("sigmoid", part.opposite())
    value = numbers.multiply(one, other, np.asarray(False))
    grant = (2 * ACCURACY["sigmoid"] + 3) * run.u * (1 + 16 * run.u) * as_floats(one.high) + 3 * run.tiny
    return value, error * 0.25 + grant


def inverse(run: Rounding, part: Interval, error: Float64) -> tuple[Interval, Float64]:
    """1 / a and its error."""
    numbers = run.state.numbers
    value = numbers.divide(point(numbers.number(1.0)), part, np.asarray(False))
    if run.trivial:
        return value, np.zeros(())
    least = np.minimum(np.abs(as_floats(part.low)), np.abs(as_floats(part.high)))
    size = as_floats(value.magnitude)
    brought = error * size / np.maximum(least - error, 0.0)
    brought = np.where(np.isnan(brought), np.inf, brought) + run.beyond(as_floats(part.magnitude) + error, size)
    return value, brought + run.u * (size + brought) + run.tiny


def as_floats(part: Any) -> Float64:
    """Numbers of any kind as float64."""
    return np.asarray(part, dtype=np.float64)


DERIVATIVES: dict[str, Callable[[Rounding, e.Elementary], tuple[Interval, Float64]]] = {
    "exp": _of_exp,
    "log": _of_log,
    "log1p": _of_log1p,
    "sqrt": _of_sqrt,
    "softplus": _of_softplus,
    "sigmoid": _of_sigmoid,
}
"""The slope of an elementary function and its error, by name."""
