"""The functions that a formula is written with, beside the operators of Python."""

from __future__ import annotations

from .expression import (
    Count,
    Counted,
    Elementary,
    Expression,
    Larger,
    LogSumExp,
    Positive,
    Where,
    expression,
    total,
)
from .masks import Integers, Mask, Position

__all__ = [
    "count",
    "counted",
    "exp",
    "log",
    "log1p",
    "logsumexp",
    "maximum",
    "minimum",
    "position",
    "positive_part",
    "sigmoid",
    "softplus",
    "sqrt",
    "total",
    "where",
]


def positive_part(a: Expression) -> Expression:
    """max(0, a)."""
    return Positive((a,))


def maximum(a: Expression | float, b: Expression | float) -> Expression:
    """max(a, b)."""
    return Larger((expression(a), expression(b)))


def minimum(a: Expression | float, b: Expression | float) -> Expression:
    """min(a, b)."""
    return -Larger((-expression(a), -expression(b)))


def where(mask: Mask, a: Expression | float, b: Expression | float) -> Expression:
    """What stands where a mask holds, and what stands elsewhere."""
    return Where((mask, expression(a), expression(b)))


def position(axis: str) -> Integers:
    """0, 1, 2... along an axis."""
    return Position((), axis)


def count(*axes: str) -> Expression:
    """How many places axes have together."""
    return Count((), axes)


def counted(mask: Mask, *axes: str) -> Expression:
    """At how many places of axes a mask holds."""
    return Counted((mask,), axes)


def exp(a: Expression) -> Expression:
    """e^a."""
    return Elementary((a,), "exp")


def log(a: Expression) -> Expression:
    """The natural logarithm."""
    return Elementary((a,), "log")


def log1p(a: Expression) -> Expression:
    """log(1 + a)."""
    return Elementary((a,), "log1p")


def sigmoid(a: Expression) -> Expression:
    """1 / (1 + e^-a)."""
    return Elementary((a,), "sigmoid")


def softplus(a: Expression) -> Expression:
    """log(1 + e^a), taken so that nothing overflows and no tail is lost."""
    return Elementary((a,), "softplus")


def sqrt(a: Expression) -> Expression:
    """The square root."""
    return Elementary((a,), "sqrt")


def logsumexp(a: Expression, axis: str) -> Expression:
    """The logarithm of the sum of e^a over an axis."""
    return LogSumExp((a,), axis)
