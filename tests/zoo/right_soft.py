"""Right implementations of the soft margin loss: forms of the logarithm, orders of the sum.

Each takes scores and labels of shape (N, C), weights of shape (C,) and a rounding, and
gives the losses of the rows. They keep the relative accuracy of the stable form.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.formats import Float64
from tests.zoo import arithmetic
from tests.zoo.arithmetic import Rounding, Sum

Soft = Callable[[Float64, Float64, Float64, Rounding], Float64]
SoftGradient = Callable[[Float64, Float64, Float64, Float64, Rounding], Float64]
Element = Callable[[Rounding, Float64, Float64], Float64]


def exponential(fl: Rounding, x: Float64) -> Float64:
    """The format's own exponential: NumPy's where it has one, with its errors."""
    with np.errstate(over="ignore", under="ignore"):
        if fl.format.name == "float32":
            return np.exp(x.astype(np.float32)).astype(np.float64)
        return fl(np.exp(x))


def logarithm(fl: Rounding, x: Float64) -> Float64:
    """log(1 + x), likewise."""
    with np.errstate(under="ignore"):
        if fl.format.name == "float32":
            return np.log1p(x.astype(np.float32)).astype(np.float64)
        return fl(np.log1p(x))


def kink_and_log(fl: Rounding, x: Float64, y: Float64) -> Float64:
    """(1 - y) max(x, 0) + y max(-x, 0) + log1p(e^-|x|)."""
    kink = fl(fl(fl(1 - y) * np.maximum(x, 0)) + fl(y * np.maximum(-x, 0)))
    return fl(kink + logarithm(fl, exponential(fl, -np.abs(x))))


def softplus(fl: Rounding, x: Float64) -> Float64:
    """max(x, 0) + log1p(e^-|x|)."""
    return fl(np.maximum(x, 0) + logarithm(fl, exponential(fl, -np.abs(x))))


def two_softplus(fl: Rounding, x: Float64, y: Float64) -> Float64:
    """Y softplus(-x) + (1 - y) softplus(x)."""
    return fl(fl(y * softplus(fl, -x)) + fl(fl(1 - y) * softplus(fl, x)))


def log_add_exp(fl: Rounding, x: Float64, y: Float64) -> Float64:
    """Y logaddexp(0, -x) + (1 - y) logaddexp(0, x), each rounded once."""
    zero = np.zeros_like(x)
    return fl(fl(y * fl(np.logaddexp(zero, -x))) + fl(fl(1 - y) * fl(np.logaddexp(zero, x))))


def signed(fl: Rounding, x: Float64, y: Float64) -> Float64:
    """Softplus of the score with its sign turned by the label; labels 0 and 1 only, else two of them."""
    turned = softplus(fl, np.where(y == 1, -x, x))
    return np.where((y == 0) | (y == 1), turned, two_softplus(fl, x, y))


def max_form(fl: Rounding, x: Float64, y: Float64) -> Float64:
    """max(x, 0) - x y + log1p(e^-|x|), where it does not cancel: labels 0 and 1."""
    form = fl(fl(np.maximum(x, 0) - fl(x * y)) + logarithm(fl, exponential(fl, -np.abs(x))))
    return np.where((y == 0) | (y == 1), form, kink_and_log(fl, x, y))


def branches(fl: Rounding, x: Float64, y: Float64) -> Float64:
    """log1p(e^x) below 0 and x + log1p(e^-x) above."""

    def one(t: Float64) -> Float64:
        below = logarithm(fl, exponential(fl, np.minimum(t, 0)))
        return np.where(t > 0, fl(t + logarithm(fl, exponential(fl, -np.maximum(t, 0)))), below)

    return fl(fl(y * one(-x)) + fl(fl(1 - y) * one(x)))


def fused(fl: Rounding, x: Float64, y: Float64) -> Float64:
    """Products and sums rounded once."""
    rest = logarithm(fl, exponential(fl, -np.abs(x)))
    return fl((1 - y) * np.maximum(x, 0) + fl(y * np.maximum(-x, 0) + rest))


def wide_then_round(fl: Rounding, x: Float64, y: Float64) -> Float64:
    """Computed in float32 where that is wider, and rounded."""
    wider = arithmetic.in_format("float32") if fl.format.precision < 24 else fl
    return fl(kink_and_log(wider, x, y))


def by_classes(element: Element, add: Sum, *, divide_each: bool = False, reciprocal: bool = False) -> Soft:
    """Class by class: the form of an element, how classes are added, where the division stands."""

    def losses(x: Float64, y: Float64, weight: Float64, fl: Rounding) -> Float64:
        classes = x.shape[1]
        with np.errstate(over="ignore", invalid="ignore"):
            terms = fl(weight * element(fl, x, y))
            if divide_each:
                return add(fl, fl(terms / classes))
            total = add(fl, terms)
            return fl(total * fl(1 / classes)) if reciprocal else fl(total / classes)

    return losses


VALUES: dict[str, Soft] = {
    "naive": by_classes(kink_and_log, arithmetic.one_by_one),
    "two softplus": by_classes(two_softplus, arithmetic.one_by_one, reciprocal=True),
    "logaddexp": by_classes(log_add_exp, arithmetic.one_by_one),
    "signed": by_classes(signed, arithmetic.pairwise),
    "max form, hard labels": by_classes(max_form, arithmetic.one_by_one),
    "branches": by_classes(branches, arithmetic.backwards),
    "fused": by_classes(fused, arithmetic.one_by_one, divide_each=True),
    "float32, rounded": by_classes(wide_then_round, arithmetic.one_by_one),
    "pairwise": by_classes(kink_and_log, arithmetic.pairwise, divide_each=True),
    "blocked": by_classes(two_softplus, arithmetic.blocked),
    "compensated": by_classes(kink_and_log, arithmetic.compensated),
    "largest first": by_classes(two_softplus, arithmetic.descending, reciprocal=True),
    "float32 sum": by_classes(kink_and_log, arithmetic.in_single),
    "float64 sum": by_classes(branches, arithmetic.in_double, reciprocal=True),
}
"""Implementations that no bound may flag, by name."""


def _sigmoids(fl: Rounding, x: Float64) -> tuple[Float64, Float64]:
    """σ(x) and σ(-x), each to full relative accuracy."""
    decay = exponential(fl, -np.abs(x))
    small, large = fl(decay / fl(1 + decay)), fl(1 / fl(1 + decay))
    return np.where(x > 0, large, small), np.where(x > 0, small, large)


def two_sigmoids(x: Float64, y: Float64, weight: Float64, cotangent: Float64, fl: Rounding) -> Float64:
    """((1 - y) σ(x) - y σ(-x)) w g / C."""
    up, down = _sigmoids(fl, x)
    slope = fl(fl(fl(1 - y) * up) - fl(y * down))
    return fl(fl(fl(slope * weight) * cotangent[:, np.newaxis]) / x.shape[1])


def share_first(x: Float64, y: Float64, weight: Float64, cotangent: Float64, fl: Rounding) -> Float64:
    """W (g (1 / C)) times the slope, the two parts apart."""
    up, down = _sigmoids(fl, x)
    share = fl(weight * fl(cotangent * fl(1 / x.shape[1]))[:, np.newaxis])
    return fl(fl(share * fl(fl(1 - y) * up)) - fl(share * fl(y * down)))


def as_printed(x: Float64, y: Float64, weight: Float64, fl: Rounding) -> Float64:
    """The page's formula evaluated step by step; for scores whose exponential does not overflow."""
    decay = exponential(fl, -x)
    first, second = fl(1 / fl(1 + decay)), fl(decay / fl(1 + decay))
    terms = fl(fl(y * fl(np.log(first))) + fl(fl(1 - y) * fl(np.log(second))))
    return fl(-arithmetic.one_by_one(fl, fl(weight * terms)) / x.shape[1])


def printed_gradient(x: Float64, y: Float64, weight: Float64, cotangent: Float64, fl: Rounding) -> Float64:
    """Its derivative as automatic differentiation takes it, step by step backwards."""
    decay = exponential(fl, -x)
    below = fl(1 + decay)
    first, second = fl(1 / below), fl(decay / below)
    share = fl(weight * fl(cotangent / x.shape[1])[:, np.newaxis])
    by_first, by_second = -fl(fl(share * y) / first), -fl(fl(share * fl(1 - y)) / second)
    by_decay = fl(fl(by_first * -fl(first / below)) + fl(fl(by_second / below) + fl(by_second * -fl(second / below))))
    return fl(by_decay * -decay)


GRADIENTS: dict[str, SoftGradient] = {"two sigmoids": two_sigmoids, "share first": share_first}
"""Gradients that no bound may flag, by name."""
