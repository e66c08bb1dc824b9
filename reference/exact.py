r"""Sums that are exact, and quotients that are rounded once.

A sum of integer multiples of floating-point numbers is taken by error-free
extraction (Rump, Ogita and Oishi, "Accurate floating-point summation", 2008): the
values of a row are cut at common grids, and the multiples of one grid add up without
rounding as long as their sum stays below 2^53 of them. What lies below the last grid
is added with a bound on its error. The quotient is then rounded once, and wherever
these float64 operations cannot prove which way, integers of Python decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .enclosure import is_even
from .formats import Bool, Float64, Int64
from .regimes import Regimes, note

_BITS = 53
_WINDOW = 106
_LARGEST, _SMALLEST = 2.0**900, 2.0**-900
_SHIFT = 512


@dataclass(frozen=True)
class Rounded:
    """Real numbers, each between two neighbours of float64 or equal to one.

    Attributes:
        low: Largest float64 value that is not above; shape (R,).
        nearest: Nearest one, ties to even; infinite beyond float64.
        high: Smallest one that is not below.
        refined: How many of them Python's integers had to decide.
    """

    low: Float64
    nearest: Float64
    high: Float64
    refined: int = 0


@dataclass(frozen=True)
class _Dividend:
    """What is to be divided: a number for each quotient as two of float64, the second below half an ulp of the first.

    Attributes:
        total: The first.
        rest: The second.
        slack: How far their sum may be off; infinite where float64 holds no such pair.
        left_over: Of a sum, whether something lay below the last of the grids.
        shift: Powers of two by which the quotients are larger than those of these numbers.
    """

    total: Float64
    rest: Float64
    slack: Float64
    left_over: bool | None = None
    shift: Int64 | None = None


def two_sum(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """The rounded sum and its error, exactly (Knuth)."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def quotient_of_sum(counts: Float64, values: Float64, ones: Float64, divisor: int) -> Rounded:
    """(ones + the sum of counts times values) over a divisor, for each row, rounded once.

    Args:
        counts: Integers; shape (R, K).
        values: Finite; same shape.
        ones: Integers; shape (R,).
        divisor: Positive, below 2^53.

    Returns:
        The quotients; shape (R,).
    """

    def in_integers(row: int) -> tuple[int, int]:
        pairs = zip(counts[row].tolist(), values[row].tolist(), strict=True)
        ratios = [(int(count), *value.as_integer_ratio()) for count, value in pairs if count]
        scale = max([bottom for _, _, bottom in ratios], default=1)
        top = int(ones[row]) * scale + sum(count * part * (scale // bottom) for count, part, bottom in ratios)
        return top, scale

    values = np.where(counts == 0, 0.0, values)
    peak = np.maximum(np.abs(values).max(axis=1, initial=0.0), 1.0)
    if (peak < _LARGEST).all():
        return _divided(_sum(counts, values, ones, peak), divisor, in_integers)
    shift = np.where(peak < _LARGEST, 0, _SHIFT)
    smaller = np.ldexp(values, -shift[:, np.newaxis])
    lost = (np.ldexp(smaller, shift[:, np.newaxis]) != values).any(axis=1)
    total = _sum(counts, smaller, np.ldexp(ones, -shift), np.ldexp(peak, -shift))
    return _divided(replace(total, slack=np.where(lost, np.inf, total.slack), shift=shift), divisor, in_integers)


def quotient_of_product(counts: Float64, factors: Float64, divisor: int) -> Rounded:
    """Counts times a factor for each row, over a divisor, rounded once.

    Args:
        counts: Integers below 2^26; shape (R, K).
        factors: Finite; shape (R,).
        divisor: Positive, below 2^53.

    Returns:
        The quotients; shape (R, K).
    """
    product = _product(counts, factors[:, np.newaxis])

    def in_integers(place: int) -> tuple[int, int]:
        row, column = divmod(place, counts.shape[1])
        top, bottom = float(factors[row]).as_integer_ratio()
        return int(counts[row, column]) * top, bottom

    found = _divided(product, divisor, in_integers)
    low, nearest, high = (part.reshape(counts.shape) for part in (found.low, found.nearest, found.high))
    return Rounded(low, nearest, high, found.refined)


def _product(counts: Float64, factors: Float64) -> _Dividend:
    """All products in one row."""
    size = np.abs(factors)
    usual = (size < _LARGEST) & (size > _SMALLEST) | (factors == 0)
    nothing = np.zeros(counts.size)
    if usual.all() and (_upper_half(factors) == factors).all():
        return _Dividend((counts * factors).reshape(-1), nothing, nothing)
    with np.errstate(over="ignore", invalid="ignore"):
        total, rest = _two_product(counts, factors)
    slack = np.where(np.broadcast_to(usual, counts.shape), 0.0, np.inf)
    return _Dividend(total.reshape(-1), rest.reshape(-1), slack.reshape(-1))


def _divided(dividend: _Dividend, divisor: int, in_integers: Callable[[int], tuple[int, int]]) -> Rounded:
    """The quotients, rounded once; where float64 cannot decide, in integers."""
    total, rest, slack = dividend.total, dividend.rest, dividend.slack
    if divisor & (divisor - 1) == 0 and not rest.any() and not slack.any():
        found, decided, tie = _halved(total, divisor)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            found, decided, tie = _divide(total, rest, slack, divisor)
    note(lambda: _regimes(dividend, divisor, found, decided, tie))
    if dividend.shift is not None:
        found = _shifted(found, dividend.shift)
    if decided.all():
        return found
    low, nearest, high = found.low.copy(), found.nearest.copy(), found.high.copy()
    undecided = np.flatnonzero(~decided).tolist()
    for place in undecided:
        top, bottom = in_integers(place)
        low[place], nearest[place], high[place] = neighbours(top, bottom * divisor)
    return Rounded(low, nearest, high, len(undecided))


def _shifted(found: Rounded, shift: Int64) -> Rounded:
    """Times a power of two; the neighbour of an infinity is the largest finite number."""
    with np.errstate(over="ignore"):
        low, nearest, high = (np.ldexp(part, shift) for part in (found.low, found.nearest, found.high))
    largest = np.finfo(np.float64).max
    return Rounded(np.minimum(low, largest), nearest, np.maximum(high, -largest))


def _halved(total: Float64, divisor: int) -> tuple[Rounded, Bool, Bool]:
    """An exact total over a power of two, where it is certain, and where it is half-way: nowhere."""
    quotient = total / divisor
    decided = (np.abs(quotient) > _SMALLEST) | (total == 0)
    return Rounded(quotient, quotient, quotient), decided, np.zeros(total.shape, dtype=bool)


def _sum(counts: Float64, values: Float64, ones: Float64, peak: Float64) -> _Dividend:
    """The sum of each row."""
    multiples = np.abs(counts).sum(axis=1).max(initial=0.0)
    bits = _BITS - 1 - int(np.ceil(np.log2(multiples + 2.0)))
    _, exponent = np.frexp(peak)
    parts, rest = [ones], values
    for place in range(1, -(-_WINDOW // bits) + 1):
        above = _cut(rest, (exponent - place * bits)[:, np.newaxis])
        parts.append(np.einsum("rk,rk->r", counts, above))
        rest = rest - above
        if not rest.any():
            return _Dividend(*_condensed(parts, np.zeros_like(ones)), left_over=False)
    products = counts * rest
    slack = (values.shape[1] + 2) * 2.0**-_BITS * np.abs(products).sum(axis=1)
    return _Dividend(*_condensed([*parts, products.sum(axis=1)], slack), left_over=True)


def _cut(values: Float64, exponent: Int64) -> Float64:
    """The nearest multiples of a power of two."""
    grid = np.ldexp(1.0, exponent)
    return np.asarray(np.rint(values / grid) * grid, dtype=np.float64)


def _condensed(parts: list[Float64], slack: Float64) -> tuple[Float64, Float64, Float64]:
    total = parts[0]
    errors: list[Float64] = []
    for part in parts[1:]:
        total, error = two_sum(total, part)
        errors.append(error)
    rest = np.zeros_like(total)
    for error in errors:
        rest, lost = two_sum(rest, error)
        slack = slack + np.abs(lost)
    total, rest = two_sum(total, rest)
    return total, rest, slack * (1 + 2.0**-40)


def _divide(total: Float64, rest: Float64, slack: Float64, divisor: int) -> tuple[Rounded, Bool, Bool]:
    """(total + rest) / divisor, where the rounding is certain, and where it is half-way between neighbours."""
    by = np.float64(divisor)
    quotient = total / by
    quotient = quotient + _remainder(total, rest, quotient, by)[0] / by
    left, doubt = _remainder(total, rest, quotient, by)
    doubt = doubt + slack
    sign = np.sign(left)
    neighbour = np.nextafter(quotient, sign * np.inf, where=sign != 0, out=quotient.copy())
    half = np.abs(neighbour - quotient) * (by / 2)
    exact = doubt == 0
    size = np.abs(left)
    decided = np.where(exact, size <= half, (size > doubt) & (size + doubt < half))
    decided &= (np.abs(quotient) > _SMALLEST) | ((quotient == 0) & exact & (size == 0))
    tie = exact & (size == half) & (size > 0)
    nearest = np.where(tie & ~is_even(quotient), neighbour, quotient)
    return Rounded(np.minimum(quotient, neighbour), nearest, np.maximum(quotient, neighbour)), decided, tie


def _remainder(total: Float64, rest: Float64, quotient: Float64, divisor: np.float64) -> tuple[Float64, Float64]:
    """What the quotient leaves over, and how far this may be off; no further than 0 in most rows."""
    product, error = _two_product(quotient, np.asarray(divisor))
    first, lost_first = two_sum(total, -product)
    second, lost_second = two_sum(first, -error)
    left, lost_left = two_sum(second, rest)
    return left, 2 * (np.abs(lost_first) + np.abs(lost_second) + np.abs(lost_left))


def _two_product(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """The rounded product and its error, exactly (Dekker), far from overflow and underflow."""
    product = a * b
    a_high, b_high = _upper_half(a), _upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _upper_half(a: Float64) -> Float64:
    shifted = a * 134217729.0
    return np.asarray(shifted - (shifted - a), dtype=np.float64)


def _regimes(dividend: _Dividend, divisor: int, found: Rounded, decided: Bool, tie: Bool) -> Regimes:
    """What sums, products and quotients can be."""
    alone = (dividend.rest == 0) & (dividend.slack == 0)
    quotients = {
        "quotient: by a power of two": divisor & (divisor - 1) == 0,
        "quotient: of one number": alone,
        "quotient: rounded by float64": decided,
        "quotient: exact": decided & (found.low == found.high),
        "quotient: half-way between neighbours": tie,
    }
    if dividend.left_over is None:
        return {"product: in one number": alone, **quotients}
    return {
        "sum: near the largest float64": False if dividend.shift is None else dividend.shift > 0,
        "sum: left over below the grids": dividend.left_over,
        **quotients,
    }


def neighbours(numerator: int, denominator: int) -> tuple[float, float, float]:
    """The float64 values below, nearest to and above a rational number; infinite beyond the largest."""
    try:
        nearest = numerator / denominator  # Python rounds a quotient of integers once, ties to even
    except OverflowError:
        largest = float(np.finfo(np.float64).max)
        return (largest, np.inf, np.inf) if numerator > 0 else (-np.inf, -np.inf, -largest)
    top, bottom = nearest.as_integer_ratio()
    side = numerator * bottom - top * denominator
    low = nearest if side >= 0 else float(np.nextafter(nearest, -np.inf))
    high = nearest if side <= 0 else float(np.nextafter(nearest, np.inf))
    return low, nearest, high
