"""Errors of the operations that values and gradients have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..formats import Bool, Float64
from .error import NONE, Error
from .layout import stretched

if TYPE_CHECKING:
    from .rounding import Rounding


def added(run: Rounding, part: Error, magnitude: Float64, axes: tuple[int, ...], fits: Bool) -> Error:
    """The error of a sum over axes, still open."""
    shape = np.broadcast_shapes(magnitude.shape, part.base.shape, () if part.size is None else part.size.shape)

    def over(array: Float64) -> Float64:
        if array.ndim == 0 and not array:
            return array
        return np.asarray(np.sum(stretched(array, shape), axis=axes, keepdims=True))

    size = part.size if part.size is not None else magnitude + part.base
    terms = part.terms if part.terms is not None else np.asarray(size > 0, dtype=np.float64)
    base, terms, size = over(part.base), over(terms), over(size)
    if run.arithmetic.flushes:
        base = base + np.where(fits, 0.0, terms * run.tiny)
    return Error(base, np.where(fits, np.minimum(terms, 1.0), terms), size)


def multiplied(
    run: Rounding,
    factor: Float64,
    factor_error: Float64,
    magnitude: Float64,
    error: Error,
    own: Callable[[Float64], Float64],
) -> Error:
    """The error of a product with a number whose sum may still be open."""
    closed = error.closed(run.u)
    reach = magnitude + closed
    brought = factor * error.base + reach * factor_error
    size = (factor + factor_error) * reach
    if run.arithmetic.flushes:
        brought = brought + np.where((factor - factor_error < run.tiny) | (magnitude - closed < run.tiny), size, 0.0)
    terms = 1.0 if error.terms is None else np.maximum(error.terms, 1.0)
    base = brought + own(np.where(size > 0, run.u * size + terms * run.tiny, 0.0))
    if error.terms is None or error.size is None:
        return Error(base)
    return Error(base, error.terms, (factor + factor_error) * error.size)


def divided(run: Rounding, magnitude: Float64, error: Error, divisor: int, own: Callable[[Float64], Float64]) -> Error:
    """The error of a quotient by a count: a quotient, or a reciprocal and a product."""
    share = 1 / max(divisor, 1)
    size = np.minimum(magnitude + error.closed(run.u), np.finfo(np.float64).max) * share
    terms = 1.0 if error.terms is None else np.maximum(error.terms, 1.0)
    grant = 2 * run.u * (1 + 2 * run.u) * size + terms * run.tiny
    base = error.base * share + own(np.where(size > 0, grant, 0.0))
    if error.terms is None or error.size is None:
        return Error(base)
    return Error(base, error.terms, error.size * share)


def stored(run: Rounding, magnitude: Float64, error: Error, fits: Bool) -> Error:
    """One more conversion."""
    if fits.all() and error.none:
        return NONE
    size = np.minimum(magnitude + error.closed(run.u), np.finfo(np.float64).max)
    grant = np.where(size > 0, run.u * (1 + 2 * run.u) * size + run.tiny, 0.0)
    return Error(error.base + (np.where(fits, 0.0, grant) if fits.any() else grant), error.terms, error.size)
