r"""log(1 + e^x) and its derivative in float64, with an error that is proved and not only measured.

NumPy does not say how accurate its exponential and its logarithm are, so these use
additions, multiplications and divisions alone, whose error IEEE 754 fixes. With
u = 2^-53:

* :math:`E = e^{-a}`, a >= 0. With :math:`a = k \log 2 + r`, :math:`|r| \le 0.3466`, log 2 in
  two parts of which the first makes its product exact, r is off by at most 0.8 u. The
  Taylor sum of degree 14 leaves out less than 2^-62; Horner's scheme errs by at most
  :math:`\sum_j (2 j + 2) u |r|^j / j! = 2 (1 + |r|) e^{|r|} u`, 5.4 u of the result. Together
  below 8 u, and half a subnormal number where the result is one.
* :math:`\log(1 + E) = 2 \operatorname{artanh} s`, s = E / (2 + E) <= 1/3, with two roundings in s,
  five in :math:`q = s^2`. The series :math:`\sum_{j \le 16} q^j / (2 j + 1)` leaves out less than
  2^-58 and has positive terms: 2.2 u for Horner's scheme, 0.4 u from q, 2 u from s, 1 u
  for the product. With the 8 u of E, which the logarithm does not enlarge: below 14 u.
* σ(-a) = E / (1 + E): 10 u; σ(a) = 1 / (1 + E): 6 u.

So every function here is within 16 u of the true value, relatively, or within
:data:`TINY` of it. ``tests/test_oracles.py`` compares them with ball arithmetic.
"""

from __future__ import annotations

import math

import numpy as np

from .formats import Float64

RELATIVE = 16 * 2.0**-53
"""Largest relative error of the functions of this file."""

TINY = 2.0**-1070
"""Largest absolute error where a result is subnormal."""

_LOG2_HIGH = float.fromhex("0x1.62e42ffp-1")  # 29 bits of log 2: k times it is exact for k < 2^24
_LOG2_LOW = float.fromhex("-0x1.718432a1b0e26p-35")  # the rest of log 2, rounded
_VANISHES = 800.0  # e^-800 is below half the smallest subnormal number
_TAYLOR = [1.0 / math.factorial(j) for j in range(15)]
_ARTANH = [1.0 / (2 * j + 1) for j in range(17)]
_AT_ONCE = 1 << 13


def softplus_parts(scores: Float64) -> tuple[Float64, Float64, Float64]:
    """log(1 + e^-|x|), σ(|x|) and σ(-|x|); any shape, finite scores."""
    flat = np.abs(scores).reshape(-1)
    parts = np.empty((3, flat.size))
    for start in range(0, flat.size, _AT_ONCE):
        chosen = slice(start, start + _AT_ONCE)
        decay = decay_of(flat[chosen])
        parts[0, chosen] = log1p_of_fraction(decay)
        parts[1, chosen] = 1.0 / (1.0 + decay)
        parts[2, chosen] = decay / (1.0 + decay)
    logarithm, upper, lower = (part.reshape(np.shape(scores)) for part in parts)
    return logarithm, upper, lower


def decay_of(a: Float64) -> Float64:
    """e^-a for a >= 0."""
    a = np.minimum(a, _VANISHES)
    k = np.rint(a * (1 / math.log(2)))
    r = (a - k * _LOG2_HIGH) - k * _LOG2_LOW
    return np.asarray(np.ldexp(horner(_TAYLOR, -r), -k.astype(np.int32)), dtype=np.float64)


def log1p_of_fraction(v: Float64) -> Float64:
    """log(1 + v) for 0 <= v <= 1."""
    s = v / (2.0 + v)
    return 2.0 * s * horner(_ARTANH, s * s)


def horner(coefficients: list[float], x: Float64) -> Float64:
    """A polynomial, the coefficient of the constant first."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= x
        total += coefficient
    return total
