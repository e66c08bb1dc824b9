"""Comparisons: each raises a deviation or returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from conformance.case import Case
from conformance.subject import Array, Subject
from reference.enclosure import Enclosure
from reference.formats import Bool, Float64


class Deviation(Exception):
    """A subject broke a clause on a case.

    Attributes:
        expected: What the clause demands, in words and numbers.
        got: What came back.
        at: The case on which it was seen, where that is not the clause's own.
    """

    def __init__(self, expected: str, got: str, at: Case | None = None) -> None:
        super().__init__(f"expected {expected}; got {got}")
        self.expected = expected
        self.got = got
        self.at = at


def numbers(values: Float64, limit: int = 8) -> str:
    """Values in decimal and hexadecimal, the first few of them."""
    flat = np.atleast_1d(values).reshape(-1)
    shown = ", ".join(f"{value!r} ({value.hex()})" for value in flat[:limit].tolist())
    more = f", … {len(flat)} in all" if len(flat) > limit else ""
    return f"{shown}{more}" if len(flat) else "no elements"


def assert_shape(got: Array, shape: tuple[int, ...]) -> None:
    """Raise unless the result has this shape."""
    if got.shape != shape:
        raise Deviation(f"shape {shape}", f"shape {got.shape}")


def assert_dtype(got: Array, dtype: str) -> None:
    """Raise unless the result has this dtype."""
    if got.dtype != dtype:
        raise Deviation(f"dtype {dtype}", f"dtype {got.dtype}")


def assert_within(subject: Subject, case: Case, got: Array, expected: Enclosure) -> None:
    """Raise unless every element is within its bound; record the error either way."""
    if got.values.size != expected.low.size:
        raise Deviation(f"{expected.low.size} elements, of shape {expected.low.shape}", f"shape {got.shape}")
    values = got.values.reshape(expected.low.shape)
    subject.worst.add(expected.ulps(values, case.format), expected.share(values, case.format))
    wrong = ~expected.admits(values, case.format)
    if wrong.any():
        raise Deviation(*_describe(case, values[wrong], expected, wrong))


def _describe(case: Case, got: Float64, expected: Enclosure, wrong: Bool) -> tuple[str, str]:
    low, high, bound = expected.low[wrong], expected.high[wrong], expected.bound[wrong]
    units = bound / case.format.spacing(low)
    wanted = numbers(low) if (low == high).all() else f"between {numbers(low)} and {numbers(high)}"
    place = "" if wrong.size == 1 else f" at {[tuple(int(i) for i in at) for at in np.argwhere(wrong)[:8]]}"
    within = ", ".join(f"{unit:.3g}" for unit in np.atleast_1d(units)[:8])
    return f"{wanted}{place}, within {within} ulp", numbers(got)


def assert_same_bits(got: Array, other: Array, what: str) -> None:
    """Raise unless two results are equal; −0 equals +0 and NaN equals NaN."""
    if got.shape != other.shape or not np.array_equal(got.values, other.values, equal_nan=True):
        raise Deviation(f"{what}: {numbers(other.values)}", numbers(got.values))


def assert_refused(subject: Subject, case: Case, got: str, kinds: Sequence[str] = ()) -> None:
    """Raise unless the framework raises on a case, and raises one of these types where any are named.

    Args:
        subject: Whom to ask.
        case: The invalid case.
        got: What an answer is called, in words.
        kinds: Names of the promised exceptions.
    """
    refusal = subject.refusal_of(case, kinds)
    wanted = f"{' or '.join(kinds)} raised" if kinds else "a refusal"
    if refusal is None:
        raise Deviation(wanted, got)
    if kinds and not set(kinds) & set(refusal.bases):
        raise Deviation(wanted, f"{refusal.kind}: {refusal.first_line}")
