r"""Further derivatives of the soft margin loss: by weight, by label, second.

With sp(t) = log(1 + e^t), σ its derivative, w the weight of the class, g the row's
cotangent and D the divisor C, or C N for the mean:

.. math::
    \partial\ell / \partial w_c = \sum_r g_r\,[y\,sp(-x) + (1-y)\,sp(x)] / D, \quad
    \partial\ell / \partial y = -x\,w\,g / D, \quad
    \partial^2\ell / \partial x^2 = \sigma(x)\,\sigma(-x)\,w\,g / D

Bounds. By weight: the bound of the losses themselves (:mod:`reference.soft_margin`),
added over the rows. By label: an implementation takes the difference of two softplus or
two logarithms, so its error is relative to their sum. Second: absolute in σ, because
implementations form 1 - σ; the derivative of a sigmoid is at most 1/4.

Source:
    torch.nn.MultiLabelSoftMarginLoss, the formula of its page.
"""

from __future__ import annotations

import numpy as np

from .arguments import row_cotangents
from .enclosure import Enclosure
from .formats import Arithmetic, Float64
from .logistic import RELATIVE, softplus_parts

_FUNCTION_ULPS = 12
"""Roundings of two elementary functions, each off by up to 4 units, and of the operations beside them."""

_SIGMOID_ULPS = 40
"""The same for products of sigmoids that are formed from the printed formula, relative to 1."""


def by_weight(input: Float64, target: Float64, reduction: str, cotangent: Float64, arithmetic: Arithmetic) -> Enclosure:
    """Derivative by the weight of each class; shape (C,).

    Args:
        input: Scores; shape (N, C).
        target: Labels in [0, 1]; same shape.
        reduction: ``none``, ``sum`` or ``mean``.
        cotangent: Upstream gradient, of the result's shape.
        arithmetic: Of the variant.
    """
    factors, divisor = _factors(input, reduction, cotangent)
    below, above = _losses(input)
    terms = factors[:, np.newaxis] * (target * below + (1 - target) * above)
    relative = 2 * _FUNCTION_ULPS + len(input) + input.shape[1] + 4
    each = np.abs(factors)[:, np.newaxis] * 3 * _FUNCTION_ULPS * arithmetic.unit_roundoff
    return _around(terms.sum(axis=0), np.abs(terms).sum(axis=0), each.sum(axis=0), relative, divisor, arithmetic)


def by_label(input: Float64, weight: Float64, reduction: str, cotangent: Float64, arithmetic: Arithmetic) -> Enclosure:
    """Derivative by each label; shape (N, C)."""
    factors, divisor = _factors(input, reduction, cotangent)
    scale = factors[:, np.newaxis] * weight
    below, above = _losses(input)
    each = np.abs(scale) * (below + above + 1) * 3 * _FUNCTION_ULPS * arithmetic.unit_roundoff
    return _around(-input * scale, np.abs(input * scale), each, _FUNCTION_ULPS, divisor, arithmetic)


def second(
    input: Float64,
    weight: Float64,
    tangent: Float64,
    reduction: str,
    cotangent: Float64,
    arithmetic: Arithmetic,
    *,
    careful: bool = False,
) -> Enclosure:
    """Derivative of the gradient along a direction; shape (N, C).

    Unless it is careful, a sigmoid may be a difference from 1, which has an absolute error.
    """
    factors, divisor = _factors(input, reduction, cotangent)
    scale = factors[:, np.newaxis] * weight * tangent
    decay = np.exp(-np.abs(input))
    value = scale * decay / (1 + decay) ** 2
    each = np.abs(scale) * (0.0 if careful else _SIGMOID_ULPS * arithmetic.unit_roundoff)
    return _around(value, np.abs(value), each, _FUNCTION_ULPS, divisor, arithmetic)


def _factors(input: Float64, reduction: str, cotangent: Float64) -> tuple[Float64, int]:
    rows, classes = input.shape
    return row_cotangents(cotangent, reduction, rows), classes * (rows if reduction == "mean" else 1)


def _losses(input: Float64) -> tuple[Float64, Float64]:
    """sp(-x) and sp(x)."""
    logarithm, _, _ = softplus_parts(input)
    return np.maximum(-input, 0) + logarithm, np.maximum(input, 0) + logarithm


def _around(
    total: Float64, size: Float64, each: Float64, relative: float, divisor: int, arithmetic: Arithmetic
) -> Enclosure:
    """A value over the divisor, with an error relative to a size beside an absolute one."""
    u = arithmetic.unit_roundoff
    slack = size * (relative * u * (1 + 8 * u)) + each * (1 + 8 * u)
    doubt = size * (2 * RELATIVE + 64 * 2.0**-53)
    underflow = (4 + 2 * len(np.atleast_1d(total))) * arithmetic.underflow * (1 + size)
    bound = np.where(size + each == 0, 0.0, slack / divisor + underflow)
    low, high = (total - doubt) / divisor, (total + doubt) / divisor
    reach = size + slack
    return Enclosure(low, high, bound, reach, reach, middle=total / divisor)
