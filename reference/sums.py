"""Enclosures made of others: sums along a direction, sums with what is there already."""

from __future__ import annotations

import numpy as np

from .enclosure import Enclosure
from .formats import Arithmetic, Float64

_OWN = 2.0**-52
"""Relative error of one of this module's own float64 operations, twice."""


def shifted(terms: Enclosure, held: Float64, arithmetic: Arithmetic) -> Enclosure:
    """What a correct implementation may have after adding each term to a number that it holds.

    The term is within its bound, and one addition rounds: u times the sum.

    Args:
        terms: What is added.
        held: Exact values of the format; of the terms' shape.
        arithmetic: Of the implementation.
    """
    low, high = terms.low + held, terms.high + held
    size = np.maximum(np.abs(terms.low), np.abs(terms.high)) + np.abs(held) + terms.bound
    bound = terms.bound + size * (arithmetic.unit_roundoff * (1 + 8 * arithmetic.unit_roundoff) + _OWN)
    reach, depth = terms.reach + np.abs(held), terms.depth + np.abs(held)
    return Enclosure(low, high, bound + arithmetic.underflow, reach, depth, middle=low + (high - low) / 2)


def along(gradient: Enclosure, tangent: Float64, classes: int, arithmetic: Arithmetic) -> Enclosure:
    """What a correct implementation may give as the derivative of each row along a direction.

    The gradient of a row holds, for each class, a sum of derivatives of one sign; n of
    them are not 0 for the whole row. Each is multiplied by a number of the tangent, and
    the products are added in any order: an error of (n + C + 8) u relative to the sum of
    their magnitudes, beside the gradient's own.

    Args:
        gradient: Of every row, for the cotangent 1; shape (N, C).
        tangent: Exact values of the format; of the same shape.
        classes: C.
        arithmetic: Of the implementation.

    Returns:
        Enclosures of shape (N,).
    """
    size = np.abs(tangent)
    ends = np.stack([gradient.low * tangent, gradient.high * tangent])
    most = np.maximum(np.abs(gradient.low), np.abs(gradient.high))
    products = (most * size).sum(axis=-1)
    terms = (most * classes).sum(axis=-1) + classes
    relative = (terms + 8) * arithmetic.unit_roundoff * (1 + 8 * arithmetic.unit_roundoff) + (classes + 4) * _OWN
    bound = (gradient.bound * size).sum(axis=-1) + products * relative
    bound = np.where(products + bound == 0, 0.0, bound + (terms + 8) * arithmetic.underflow * (1 + size.max(initial=0)))
    reach = products + bound
    low, high = ends.min(axis=0).sum(axis=-1), ends.max(axis=0).sum(axis=-1)
    return Enclosure(low, high, bound, reach, reach, middle=low + (high - low) / 2)
