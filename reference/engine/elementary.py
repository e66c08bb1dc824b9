r"""Elementary functions in float64 with a proved error, beside those of :mod:`reference.logistic`.

With u = 2^-53 and :math:`e^{-a}` within 8 u (:mod:`reference.logistic`):

* :math:`e^x`, x > 0, is :math:`1 / (e^{-x/2})^2`: 16 u, and three roundings. Below 0 it is
  :math:`e^{-|x|}`.
* :math:`\log x = k \log 2 + \log m`, m in [0.70, 1.42), :math:`\log m = 2 \operatorname{artanh} s`,
  s = (m - 1) / (m + 1), where m - 1 is exact: two roundings in s, and the series' own error as
  in :mod:`reference.logistic`, below 6 u of log m. For k = 0 that is all. Else |log m| is at
  most 0.52 of the result, k log 2 has 2 u, the sum 1 u: below 8 u.
* log(1 + v): for |v| <= 1/2, s = v / (2 + v) <= 1/3 in magnitude: two roundings in s and
  those of the series, below 8 u. Beyond, 1 + v rounds, an error of u in the logarithm, which
  is at least 0.4 there: 3 u more.
* σ and softplus come from the same parts as in :mod:`reference.logistic`; softplus(x) of
  positive x is a sum of two positive numbers.

So every one is within :data:`WIDENING` of the true value, relatively, or :data:`TINY`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from ..formats import Float64
from ..logistic import TINY, decay_of, horner, softplus_parts

WIDENING = 32 * 2.0**-53
"""Granted relative error of these functions, and of the operations that apply it."""

_ARTANH = [1.0 / (2 * j + 1) for j in range(17)]


def exponential(x: Float64) -> Float64:
    """e^x."""
    half = decay_of(np.where(x > 0, np.minimum(x, 1600.0) / 2, -x))
    return np.where(x > 0, 1 / (half * half), half)


def logarithm(x: Float64) -> Float64:
    """The natural logarithm; -inf at 0, NaN below."""
    m, k = np.frexp(x)
    low = m < 0.7071
    m, k = np.where(low, 2 * m, m), np.where(low, k - 1, k)
    s = (m - 1) / (m + 1)
    found = k * math.log(2) + 2 * s * horner(_ARTANH, s * s)
    return np.where(x > 0, np.where(np.isinf(x), np.inf, found), np.where(x == 0, -np.inf, np.nan))


def logarithm_beside_one(v: Float64) -> Float64:
    """log(1 + v)."""
    near = np.abs(v) <= 0.5
    s = np.where(near, v, 0.0) / (2 + np.where(near, v, 0.0))
    return np.where(near, 2 * s * horner(_ARTANH, s * s), logarithm(1 + v))


class LogisticParts:
    """log(1 + e^-|x|), σ(|x|) and σ(-|x|) of the numbers asked for last: x and -x share them."""

    def __init__(self) -> None:
        self._size: Float64 = np.zeros(0)
        self._parts = softplus_parts(self._size)

    def of(self, x: Float64) -> tuple[Float64, Float64, Float64]:
        """The three parts."""
        size = np.abs(x)
        if not np.array_equal(size, self._size):
            self._size, self._parts = size, softplus_parts(size)
        return self._parts


def logistic(x: Float64, parts: LogisticParts | None = None) -> Float64:
    """1 / (1 + e^-x)."""
    _, large, small = (parts or LogisticParts()).of(x)
    return np.where(x > 0, large, small)


def softplus(x: Float64, parts: LogisticParts | None = None) -> Float64:
    """log(1 + e^x)."""
    return np.maximum(x, 0) + (parts or LogisticParts()).of(x)[0]


def root(x: Float64) -> Float64:
    """The square root."""
    return np.sqrt(x)


FUNCTIONS: dict[str, Callable[[Float64], Float64]] = {
    "exp": exponential,
    "log": logarithm,
    "log1p": logarithm_beside_one,
    "sigmoid": logistic,
    "softplus": softplus,
    "sqrt": root,
}
"""By the name that a node of a formula has for it; each rises with its argument."""


def enclosed(name: str, low: Float64, high: Float64, parts: LogisticParts) -> tuple[Float64, Float64]:
    """The values of a rising function at the ends, moved outwards by what they may be off."""
    function = FUNCTIONS[name]
    if name in ("sigmoid", "softplus"):
        chosen = logistic if name == "sigmoid" else softplus
        function = partial(chosen, parts=parts)
    below = function(low)
    above = below if high is low else function(high)
    under, over = below - np.abs(below) * WIDENING - TINY, above + np.abs(above) * WIDENING + TINY
    if name in ("log", "log1p"):
        return under, over
    return np.clip(under, 0.0, np.finfo(np.float64).max), over
