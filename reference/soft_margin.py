r"""The multi-label soft margin loss: value, gradient, and how far a correct one may be.

.. math::
    \ell(x, y) = -\frac{1}{C} \sum_i w_i \left(
        y_i \log\frac{1}{1 + e^{-x_i}} + (1 - y_i) \log\frac{e^{-x_i}}{1 + e^{-x_i}} \right)

The oracle computes each element as
:math:`(1 - y) \max(x, 0) + y \max(-x, 0) + \log(1 + e^{-|x|})`, in which no term is
negative, so that nothing cancels and nothing overflows.

Bounds. With sp(t) = log(1 + e^t), σ its derivative,
A = |w| (|y| sp(-x) + |1 - y| sp(x)) and D = |w| (|y| σ(-x) + |1 - y| σ(x)), u the unit
roundoff, η the smallest subnormal number (λ, the smallest normal, where the variant
flushes), and elementary functions within k units of u:

    careful    B = [Σ A ((k + 4) u + (C + 1) u + 3 u)(1 + 8 u) + underflow] / C     k = 4
    printed    B = careful + Σ |w| (|y| + |1 - y|) (2 k + 3) u (1 + 8 u) / C
    gradient   B = |g| [D (k + 8) u (1 + 8 u) + underflow] + 3 η                    k = 6

*Careful* is what the stable form reaches: v / ((1 + v) log1p v) <= 1 bounds how the
error of the exponential reaches the logarithm, and the sum of C terms in any order
adds (C + 1) u. *Printed* is what the page's own formula reaches when it is evaluated
step by step: 1 + e^-x rounds with an absolute error of u, the quotient has a relative
error of at most (2 k + 2) u, and the logarithm turns that into an absolute one. The
printed bound holds where e^-x does not overflow.

k = 4 and 6 cover what was measured for the elementary functions of float32 and float64
in NumPy, torch, JAX and TensorFlow (largest error in units in the last place: exp 2.4,
log1p 3.9); the OpenCL C specification asks 3 of exp and 2 of log1p in float32.

To each bound the error of this float64 oracle is added: NumPy's exp and log1p are
within 2 ulp in float64, so each element is within 8 units of 2^-53 and the sum
within C + 8. ``tests/test_reference.py`` measures it against ball arithmetic.

Source:
    torch.nn.MultiLabelSoftMarginLoss and mindspore.ops.multilabel_soft_margin_loss,
    the formula of their pages.
"""

from __future__ import annotations

import numpy as np

from reference.arguments import (
    DomainError,
    ShapeError,
    as_rows,
    check_finite,
    check_reduction,
    check_same_shape,
    row_cotangents,
)
from reference.enclosure import Answer, Enclosure
from reference.formats import Arithmetic, Float64

_ORACLE_ROUNDOFF = 2.0**-53
_VALUE_ULPS, _GRADIENT_ULPS, _ORACLE_ULPS = 4.0, 6.0, 8.0


def soft_margin_loss(
    input: Float64,
    target: Float64,
    reduction: str,
    arithmetic: Arithmetic,
    cotangent: Float64 | None = None,
    weight: Float64 | None = None,
    *,
    printed: bool = False,
) -> Answer:
    """Loss and gradient of the multi-label soft margin loss, with their bounds.

    Args:
        input: Finite scores, exact values of the arithmetic's format; shape ``(C)`` or ``(N, C)``.
        target: Labels in [0, 1]; same shape.
        reduction: ``none``, ``sum`` or ``mean``.
        arithmetic: Format of the subject, and whether it flushes subnormal numbers.
        cotangent: Upstream gradient, of the result's shape; ones if absent.
        weight: A factor for each class, of any sign; shape ``(C)``; ones if absent.
        printed: Grant the rounding of the page's formula evaluated step by step.

    Returns:
        Enclosures of the loss and of its gradient to the input.

    Raises:
        ShapeError: Shapes that do not belong together, or of rank other than 1 or 2.
        DomainError: A score that is not finite, or a label outside [0, 1].
        ReductionError: A reduction other than the three.
    """
    check_reduction(reduction)
    check_same_shape(input, target)
    check_finite(input, "input")
    _check_binary(target)
    rows, labels = as_rows(input, "input"), as_rows(target, "target")
    factors = row_cotangents(cotangent, reduction, len(rows))
    weights = _weights(weight, rows.shape[1])
    value = _value(rows, labels, weights, reduction, arithmetic, printed=printed)
    gradient = _gradient(rows, labels, weights * factors[:, np.newaxis], reduction, arithmetic)
    shape = input.shape[:-1] if reduction == "none" else ()
    return Answer(value.reshape(shape), gradient.reshape(input.shape))


def _check_binary(target: Float64) -> None:
    bad = ~((target >= 0) & (target <= 1))
    if bad.any():
        raise DomainError(f"target holds the label {target[bad][0]}; labels lie in [0, 1]")


def _weights(weight: Float64 | None, classes: int) -> Float64:
    if weight is None:
        return np.ones((1, classes))
    if weight.shape != (classes,):
        raise ShapeError(f"weight has shape {weight.shape}; there are {classes} classes")
    check_finite(weight, "weight")
    return weight[np.newaxis, :]


def softplus_gap(score: Float64, label: Float64) -> Float64:
    r"""Soft margin of scores against labels.

    .. math:: \ell(x, y) = (1 - y)\,x^+ + y\,x^- + \log(1 + e^{-|x|})

    Args:
        score: Any finite value; any shape.
        label: In [0, 1]; same shape.

    Returns:
        The loss of each element in nats; same shape; within 8 units of 2^-53.
    """
    kink = (1 - label) * np.maximum(score, 0) + label * np.maximum(-score, 0)
    return np.asarray(kink + np.log1p(np.exp(-np.abs(score))), dtype=np.float64)


def logistic(score: Float64) -> Float64:
    """σ(x) = 1 / (1 + e^-x), without overflow, to full relative accuracy in both tails."""
    decay = np.exp(-np.abs(score))
    return np.asarray(np.where(score >= 0, 1.0, decay) / (1.0 + decay), dtype=np.float64)


def _value(
    rows: Float64, labels: Float64, weights: Float64, reduction: str, arithmetic: Arithmetic, *, printed: bool
) -> Enclosure:
    count, classes = rows.shape
    u = arithmetic.unit_roundoff
    losses = softplus_gap(rows, labels)
    sizes = np.abs(weights) * losses
    terms = weights * losses
    spread = classes + (count if reduction != "none" else 0)
    relative = (_VALUE_ULPS + 4 + spread + 1 + 3) * u * (1 + 8 * u) + (spread + _ORACLE_ULPS) * _ORACLE_ROUNDOFF
    slack = sizes * relative + 2 * arithmetic.underflow * (1 + np.abs(weights))
    if printed:
        slack = slack + np.abs(weights) * (2 * _VALUE_ULPS + 3) * u * (1 + 8 * u)
    total, bound, reach = (part.sum(axis=1) for part in (terms, slack, sizes))
    divisor = float(classes)
    if reduction != "none":
        total, bound, reach = (part.sum(keepdims=True) for part in (total, bound, reach))
    if reduction == "mean":
        divisor *= count
    with np.errstate(divide="ignore", invalid="ignore"):
        value = total / divisor
        return Enclosure(low=value, high=value, bound=bound / divisor + 3 * arithmetic.underflow, reach=reach)


def _gradient(rows: Float64, labels: Float64, factors: Float64, reduction: str, arithmetic: Arithmetic) -> Enclosure:
    count, classes = rows.shape
    scale = factors / max(1, classes * (count if reduction == "mean" else 1))
    up, down = (1 - labels) * logistic(rows), labels * logistic(-rows)
    u = arithmetic.unit_roundoff
    relative = (_GRADIENT_ULPS + 8) * u * (1 + 8 * u) + _ORACLE_ULPS * _ORACLE_ROUNDOFF
    derivative = scale * (up - down)
    bound = np.abs(scale) * ((up + down) * relative + 2 * arithmetic.underflow) + 3 * arithmetic.underflow
    return Enclosure(low=derivative, high=derivative, bound=bound, reach=np.abs(factors) * (up + down))
