"""What a formula is written with, beside the operators of Python and the methods of its arguments.

A number may stand wherever an expression may. Axes are named as in the descriptions of the
arguments; ``...`` names all of those that ``...`` stands for.
"""

from __future__ import annotations

from ..arguments import DomainError
from .expression import Count, Counted, Elementary, Expression, Larger, LogSumExp, Positive, Where, expression, total
from .masks import Integers, Mask, Position
from .node import Node

__all__ = [
    "Expression",
    "Integers",
    "Mask",
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


def positive_part(a: Expression | float) -> Expression:
    """max(0, a)."""
    return Positive((expression(a),))


def maximum(a: Expression | float, b: Expression | float) -> Expression:
    """max(a, b)."""
    return Larger((expression(a), expression(b)))


def minimum(a: Expression | float, b: Expression | float) -> Expression:
    """min(a, b)."""
    return -Larger((-expression(a), -expression(b)))


def where(mask: Mask, a: Expression | float, b: Expression | float) -> Expression:
    """``a`` where a mask holds, ``b`` elsewhere.

    Raises:
        DomainError: There is no mask: ``==`` makes none, but ``a.equals(b)`` does.
    """
    return Where((_mask(mask), expression(a), expression(b)))


def _mask(mask: object) -> Mask:
    if not isinstance(mask, Mask):
        shown = type(mask).__name__ if isinstance(mask, Node) else repr(mask)
        raise DomainError(f"where {shown}: no mask; <, <=, >, >= and equals make one")
    return mask


def position(axis: str) -> Integers:
    """0, 1, 2... along an axis."""
    return Position((), axis)


def count(*axes: str) -> Expression:
    """How many places axes have together."""
    return Count((), axes)


def counted(mask: Mask, *axes: str) -> Expression:
    """At how many places of axes a mask holds."""
    return Counted((mask,), tuple(mask.along_axis(axis) for axis in axes))


def exp(a: Expression | float) -> Expression:
    """e^a."""
    return Elementary((expression(a),), "exp")


def log(a: Expression | float) -> Expression:
    """The natural logarithm."""
    return Elementary((expression(a),), "log")


def log1p(a: Expression | float) -> Expression:
    """log(1 + a)."""
    return Elementary((expression(a),), "log1p")


def sigmoid(a: Expression | float) -> Expression:
    """1 / (1 + e^-a)."""
    return Elementary((expression(a),), "sigmoid")


def softplus(a: Expression | float) -> Expression:
    """log(1 + e^a), taken so that nothing overflows and no tail is lost."""
    return Elementary((expression(a),), "softplus")


def sqrt(a: Expression | float) -> Expression:
    """The square root."""
    return Elementary((expression(a),), "sqrt")


def logsumexp(a: Expression | float, axis: str) -> Expression:
    """The logarithm of the sum of e^a over an axis, which goes."""
    whole = expression(a)
    return LogSumExp((whole,), whole.along_axis(axis))
