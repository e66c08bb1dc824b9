r"""The multi-label soft margin loss: value, gradient, and how far a correct one may be.

.. math::
    \ell(x, y) = -\frac{1}{C} \sum_i w_i \left(
        y_i \log\frac{1}{1 + e^{-x_i}} + (1 - y_i) \log\frac{e^{-x_i}}{1 + e^{-x_i}} \right)

Each element is taken as
:math:`(1 - y) \max(x, 0) + y \max(-x, 0) + \log(1 + e^{-|x|})`, in which no term is
negative, so that nothing cancels and nothing overflows.

Enclosures. The expectation is an interval that contains the true value. For formats
narrower than float64 it comes from float64 operations with a proved error
(:mod:`reference.logistic`): an element is within 16 + 6 units of 2^-53 of the sum of its
terms' magnitudes, the sum of n elements within n more; the interval grants 32 + n, below
2^-20 of every bound. For float64 it comes from ball arithmetic (:mod:`reference.balls`)
and is as narrow as float64 allows.

Bounds. With sp(t) = log(1 + e^t), σ its derivative,
A = |w| (|y| sp(-x) + |1 - y| sp(x)) and D = |w| (|y| σ(-x) + |1 - y| σ(x)), u the unit
roundoff, η the smallest subnormal number (λ, the smallest normal, where the variant
flushes), n the elements of the sum, and elementary functions within k units of u:

    careful    B = Σ A [(1 + (k + 7) u (1 + 8 u)) (1 + (n + 1) u) - 1] / C + underflow    k = 4
    printed    B = careful + Σ |w| [(|y| + |1 - y|) (2 k + 3) u (1 + 8 u) + 4 u |x| where |x| > 8] / C
    gradient   B = |g| [D (k + 8) u (1 + 8 u) + underflow] + 3 η                          k = 6
    printed    B = gradient + |g w| (|y| + |1 - y|) [(2 k + 8) u (1 + 8 u) + η e^2|x|] + 4 η e^|x|,
               where |x| > 8 without the terms in η

A variant that flushes may also take a subnormal label or weight as 0 before it is multiplied,
which loses y sp(-x) or the weighted element.

*Careful* is what the stable form reaches: v / ((1 + v) log1p v) <= 1 bounds how the
error of the exponential reaches the logarithm, and the sum of n elements in any order
adds (n + 1) u. *Printed* is what the page's own formula reaches when it is evaluated
step by step: 1 + e^-x rounds with an absolute error of u, the quotient has a relative
error of at most (2 k + 2) u, and the logarithm turns that into an absolute one. The
printed bound holds where e^-x does not overflow; scores above 8 are granted 4 u |x| as
well, which forms that take x from x leave over: (1 - y) x + max(-x, 0) + log1p(e^-|x|).
The derivative of the formula, taken step by step, subtracts E^2 / (1 + E)^2 from
E / (1 + E) with E = e^-x and divides by the quotient: terms of at most 1, each with a
relative error of some (k + 4) u. On the way it passes numbers e^|x| and e^2|x| times
smaller than the result, which may underflow; beyond 8 that would admit anything, so
there it is not granted. What is left is an error of some units of 1, which σ(x) - y has
by cancellation, as everybody writes it: sound wherever nothing is divided by a small
number. That a small loss and a small derivative keep their own digits only the
careful bound demands.

k = 4 and 6 cover what was measured for the elementary functions of float32 and float64
in NumPy, torch, JAX and TensorFlow (largest error in units in the last place: exp 2.4,
log1p 3.9); the OpenCL C specification asks 3 of exp and 2 of log1p in float32.

``tests/test_oracles.py`` and ``tests/test_bounds.py`` measure both.

Source:
    torch.nn.MultiLabelSoftMarginLoss and mindspore.ops.multilabel_soft_margin_loss,
    the formula of their pages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arguments import (
    as_rows,
    check_binary,
    check_finite,
    check_reduction,
    check_same_shape,
    class_weights,
    row_cotangents,
)
from .balls import loss_balls, slope_balls
from .enclosure import Answer, Enclosure, blocks, joined
from .formats import Arithmetic, Float64
from .logistic import RELATIVE, TINY, softplus_parts
from .regimes import Regimes, note

_ROUNDOFF = 2.0**-53
_VALUE_ULPS, _GRADIENT_ULPS = 4.0, 6.0
_LARGEST_PRINTED = 8.0
"""Largest score whose derivative may be taken from the printed formula step by step."""


@dataclass(frozen=True)
class _Elements:
    """What each element adds, in float64, the weight and the divisor left out; shape (N, C).

    Attributes:
        size: |x|.
        loss: Its loss, never negative.
        up: (1 - y) σ(x).
        down: y σ(-x); the derivative is up - down.
    """

    size: Float64
    loss: Float64
    up: Float64
    down: Float64


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
    check_binary(target)
    rows, labels = as_rows(input, "input"), as_rows(target, "target")
    factors = row_cotangents(cotangent, reduction, len(rows))
    weights = class_weights(weight, rows.shape[1])
    together = reduction != "none"
    slices = [slice(None)] if together else blocks(*rows.shape)
    parts = [_of_rows(rows[s], labels[s], factors[s], weights, reduction, arithmetic, printed=printed) for s in slices]
    value, gradient = joined([part.value for part in parts]), joined([part.gradient for part in parts])
    return Answer(value.reshape(() if together else input.shape[:-1]), {"input": gradient.reshape(input.shape)})


def _of_rows(
    rows: Float64,
    labels: Float64,
    factors: Float64,
    weights: Float64,
    reduction: str,
    arithmetic: Arithmetic,
    *,
    printed: bool,
) -> Answer:
    elements = _elements(rows, labels)
    together = reduction != "none"
    divisor = rows.shape[1] * (len(rows) if reduction == "mean" else 1)
    refined = arithmetic.format.name == "float64" and divisor > 0
    lost = _flushed(elements, labels, weights, arithmetic)
    value = _value(elements, weights, lost, divisor, arithmetic, together=together, printed=printed)
    gradient = _gradient(elements, factors, weights, max(divisor, 1), arithmetic, printed=printed)
    granted = {"together": together, "printed": printed}
    note(lambda: _regimes(rows, labels, elements, value, factors, weights, divisor, arithmetic, **granted))
    if refined:
        value = value.within(*loss_balls(rows, labels, weights, divisor, together=together))
        gradient = gradient.within(*slope_balls(rows, labels, factors, weights, divisor))
    return Answer(value, {"input": gradient})


def _elements(rows: Float64, labels: Float64) -> _Elements:
    logarithm, large, small = softplus_parts(rows)
    positive = rows > 0
    up, down = np.where(positive, large, small), np.where(positive, small, large)
    miss = np.where(positive, 1 - labels, labels)
    size = np.abs(rows)
    return _Elements(size, loss=miss * size + logarithm, up=(1 - labels) * up, down=labels * down)


def _flushed(elements: _Elements, labels: Float64, weights: Float64, arithmetic: Arithmetic) -> Float64:
    """What a row loses if a subnormal label or weight is taken as 0 before it is multiplied; shape (N,)."""
    if not arithmetic.flushes:
        return np.zeros(len(labels))
    size, tiny = np.abs(weights), arithmetic.underflow
    by_label = np.where(labels < tiny, labels * (elements.size + 1), 0.0) @ size
    return np.asarray(by_label + elements.loss @ np.where(size < tiny, size, 0.0), dtype=np.float64)


def _loss_relative(terms: int, u: float) -> float:
    """Relative error of a sum of losses; the module's docstring derives it."""
    return (1 + (_VALUE_ULPS + 7) * u * (1 + 8 * u)) * (1 + (terms + 1) * u) - 1


def _slope_relative(u: float) -> float:
    """Relative error of a derivative, weighted and divided."""
    return (_GRADIENT_ULPS + 8) * u * (1 + 8 * u)


def _value(
    elements: _Elements,
    weights: Float64,
    lost: Float64,
    divisor: int,
    arithmetic: Arithmetic,
    *,
    together: bool,
    printed: bool,
) -> Enclosure:
    u, size = arithmetic.unit_roundoff, np.abs(weights)
    losses = elements.loss
    terms = elements.loss.size if together else elements.loss.shape[1]
    relative = _loss_relative(terms, u)
    each = 2 * arithmetic.underflow * (1 + size)
    if printed:
        each = each + size * (2 * _VALUE_ULPS + 3) * u * (1 + 8 * u)
    total, reach = losses @ weights, losses @ size
    slack = relative * reach + each.sum() + lost
    if printed:
        slack += 4 * u * (np.where(elements.size > _LARGEST_PRINTED, elements.size, 0.0) @ size)
    if together:
        slack = slack.sum(keepdims=True)
        total, reach = total.sum(keepdims=True), reach.sum(keepdims=True)
    doubt = (2 * RELATIVE + (terms + 8) * _ROUNDOFF) * reach + terms * TINY * (1 + size.max(initial=0.0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high = (total - doubt) / divisor, (total + doubt) / divisor
        bound = slack / divisor + 3 * arithmetic.underflow
    above, below = np.maximum(reach + total, 0.0) / 2 + slack, np.maximum(reach - total, 0.0) / 2 + slack
    return Enclosure(low, high, bound, above, below, middle=low + (high - low) / 2)


def _gradient(
    elements: _Elements, factors: Float64, weights: Float64, divisor: int, arithmetic: Arithmetic, *, printed: bool
) -> Enclosure:
    scale = factors[:, np.newaxis] * weights / divisor
    u, size = arithmetic.unit_roundoff, np.abs(scale)
    summed = elements.up + elements.down
    relative, tiny = _slope_relative(u), arithmetic.underflow
    derivative = scale * (elements.up - elements.down)
    doubt = size * summed * (2 * RELATIVE) + (1 + size) * TINY
    bound = size * (summed * relative + 2 * tiny) + 3 * tiny
    if printed:
        growth = np.where(elements.size <= _LARGEST_PRINTED, np.exp(np.minimum(elements.size, _LARGEST_PRINTED)), 0.0)
        bound = bound + size * ((2 * _GRADIENT_ULPS + 8) * u * (1 + 8 * u) + tiny * growth**2) + 4 * tiny * growth
    low = np.where(scale == 0, 0.0, derivative - doubt)
    high = np.where(scale == 0, 0.0, derivative + doubt)
    factor = divisor * scale
    raised = np.maximum(factor, 0.0) * elements.up + np.maximum(-factor, 0.0) * elements.down
    lowered = np.maximum(factor, 0.0) * elements.down + np.maximum(-factor, 0.0) * elements.up
    return Enclosure(low, high, bound, raised, lowered, middle=low + (high - low) / 2)


def _regimes(
    rows: Float64,
    labels: Float64,
    elements: _Elements,
    value: Enclosure,
    factors: Float64,
    weights: Float64,
    divisor: int,
    arithmetic: Arithmetic,
    *,
    together: bool,
    printed: bool,
) -> Regimes:
    """What scores, labels, losses and slopes can be."""
    u, tiny = arithmetic.unit_roundoff, arithmetic.underflow
    loss, logarithm, size = elements.loss, softplus_parts(rows)[0], np.abs(weights)
    rounding = _loss_relative(loss.size if together else loss.shape[1], u) * (loss @ size)
    scale = factors[:, np.newaxis] * weights / max(divisor, 1)
    slope = np.abs(scale) * (elements.up + elements.down)
    return {
        "score: positive": rows > 0,
        "score: 0": rows == 0,
        "score: saturated": logarithm < 2.0**-53,
        "score: its logarithm vanishes": logarithm == 0,
        "label: 0": labels == 0,
        "label: 1": labels == 1,
        "label: contradicted by the score": ((rows > 0) & (labels == 0)) | ((rows < 0) & (labels == 1)),
        "loss: of several rows together": together,
        "loss: the printed formula granted": printed,
        "loss: weight 0": weights == 0,
        "loss: weight negative": weights < 0,
        "loss: a subnormal element": (loss > 0) & (loss < arithmetic.format.smallest_normal),
        "loss: divided by nothing": divisor == 0,
        "loss: underflow outweighs rounding": 2 * tiny * (1 + size).sum() > rounding,
        "loss: an intermediate may overflow": value.reach > arithmetic.format.largest,
        "slope: the printed formula granted": printed,
        "slope: of no weight or cotangent": scale == 0,
        "slope: negative weight or cotangent": scale < 0,
        "slope: underflow outweighs rounding": (scale != 0) & (3 * tiny > slope * _slope_relative(u)),
    }
