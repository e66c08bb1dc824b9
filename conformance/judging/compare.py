"""Comparisons: each raises a deviation or returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.cases.hexadecimal import shortest_hexadecimal
from conformance.judging.answers import Array
from conformance.judging.subject import Subject
from reference.enclosure import Answer, Enclosure
from reference.formats import Bool, Float64


@dataclass(frozen=True)
class Measured:
    """One element of a result against what is expected of it.

    Attributes:
        place: Its indices.
        low: Lower end of what is expected.
        high: Upper end.
        bound: How far a correct implementation may be from them.
        value: What came back.
    """

    place: tuple[int, ...]
    low: float
    high: float
    bound: float
    value: float


class Deviation(Exception):
    """A subject broke a clause on a case.

    Attributes:
        expected: What the clause demands, in words and numbers.
        got: What came back.
        kind: In the words of :class:`reports.record.Failure`. A case that is made smaller
            keeps it, so that the witness shows the fault that was found.
        share: The error as a share of the bound, where there is one.
        row: The first row that is wrong, where rows are compared.
        witness: A case that shows it, if the case that was asked only names others.
        measured: The numbers at the element that is farthest beyond its bound.
        source: The argument whose gradient is wrong, if it is a gradient.
    """

    source: str = ""

    def __init__(
        self,
        expected: str,
        got: str,
        kind: str = "other",
        share: float = 0.0,
        row: int | None = None,
        witness: Case | None = None,
        measured: Measured | None = None,
    ) -> None:
        super().__init__(f"expected {expected}; got {got}")
        self.expected = expected
        self.got = got
        self.kind = kind
        self.share = share
        self.row = row
        self.witness = witness
        self.measured = measured

    def beside(self, words: str) -> Deviation:
        """The same deviation, with words behind what came back."""
        got = f"{self.got}, {words}"
        same = Deviation(self.expected, got, self.kind, self.share, self.row, self.witness, self.measured)
        same.source = self.source
        return same


def numbers(values: Float64, limit: int = 8) -> str:
    """Values in decimal and hexadecimal, the first few of them."""
    flat = np.atleast_1d(values).reshape(-1)
    shown = ", ".join(_number(value) for value in flat[:limit].tolist())
    more = f", … {len(flat)} in all" if len(flat) > limit else ""
    return f"{shown}{more}" if len(flat) else "no elements"


def _number(value: float) -> str:
    return f"{value!r} ({shortest_hexadecimal(value)})" if np.isfinite(value) else repr(value)


def assert_shape(got: Array, shape: tuple[int, ...]) -> None:
    """Raise unless the result has this shape."""
    if got.shape != shape:
        raise Deviation(f"shape {shape}", f"shape {got.shape}", f"shape {got.shape}")


def assert_size(got: Array, expected: Enclosure) -> None:
    """Raise unless the result has as many elements as are expected."""
    if got.values.size != expected.low.size:
        wanted = f"{expected.low.size} elements, of shape {expected.low.shape}"
        raise Deviation(wanted, f"shape {got.shape}", f"shape {got.shape}")


def assert_dtype(got: Array, dtype: str) -> None:
    """Raise unless the result has this dtype."""
    if got.dtype != dtype:
        raise Deviation(f"dtype {dtype}", f"dtype {got.dtype}", f"dtype {got.dtype}")


def assert_within(subject: Subject, case: Case, got: Array, expected: Enclosure) -> None:
    """Raise unless every element is within its bound; record the error either way."""
    assert_size(got, expected)
    values = got.values.reshape(expected.low.shape)
    judged = expected.judge(values, case.format)
    shares = judged.shares
    subject.seen.errors.add(judged.ulps, shares)
    if not judged.admitted.all():
        wrong = ~judged.admitted
        described = _describe(case, values[wrong], expected, wrong)
        row = int(np.argwhere(wrong)[0, 0]) if wrong.ndim else None
        measured = _worst(values, expected, np.where(wrong, shares, -1.0))
        raise Deviation(*described, kind_of(values[wrong]), float(shares[wrong].max()), row, measured=measured)


def _worst(values: Float64, expected: Enclosure, shares: Float64) -> Measured:
    """The element with the largest share of its bound."""
    place = np.unravel_index(int(np.argmax(shares)), shares.shape) if shares.ndim else ()
    at = tuple(int(index) for index in place)
    low, high, bound = (float(part[at]) for part in (expected.low, expected.high, expected.bound))
    return Measured(at, low, high, bound, float(values[at]))


def assert_alike(got: Array, other: Array, expected: Enclosure, others: Enclosure, what: str) -> None:
    """Raise unless two results are as near to each other as their two bounds allow.

    Args:
        got: One result.
        other: The other, of the same shape.
        expected: What the oracle expects of the one.
        others: What it expects of the other.
        what: Whose the other result is, in words.
    """
    assert_shape(got, other.shape)
    assert_size(got, expected)
    shape = got.shape
    width = (expected.high - expected.low).reshape(shape) + (others.high - others.low).reshape(shape)
    allowed = (expected.bound.reshape(shape) + others.bound.reshape(shape) + width) * (1 + 2.0**-50)
    with np.errstate(invalid="ignore"):
        wrong = np.asarray(~(np.abs(got.values - other.values) <= allowed) & (got.values != other.values))
    wrong &= ~(np.isnan(got.values) & np.isnan(other.values))
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0]) if wrong.ndim else None
        shown = f"{what}: {numbers(other.values[wrong])}, within {numbers(allowed[wrong])}"
        raise Deviation(shown, numbers(got.values[wrong]), kind_of(got.values[wrong]), row=row)


def kind_of(values: Float64) -> str:
    """What is wrong with values, in the words of :class:`reports.record.Failure`."""
    return "nan" if np.isnan(values).any() else "infinite" if np.isinf(values).any() else "finite"


def _describe(case: Case, got: Float64, expected: Enclosure, wrong: Bool) -> tuple[str, str]:
    low, high, bound = expected.low[wrong], expected.high[wrong], expected.bound[wrong]
    with np.errstate(over="ignore"):
        units = bound / case.format.spacing(low)
    one = (case.format.round(low) == case.format.round(high)) | (high - low <= case.format.spacing(low))
    wanted = (
        numbers(expected.nearest(case.format)[wrong])
        if one.all()
        else f"between {numbers(case.format.round(low))} and {numbers(case.format.round(high))}"
    )
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
        raise Deviation(wanted, got, "accepted")
    if kinds and not set(kinds) & set(refusal.bases):
        raise Deviation(wanted, f"{refusal.kind}: {refusal.first_line}", f"raised {refusal.kind}")


def assert_value(subject: Subject, case: Case, *, as_documented: bool = False) -> None:
    """Raise unless the loss has its shape and lies within its bound.

    Args:
        subject: Whom to ask.
        case: The case.
        as_documented: Grant the rounding of the page's formula evaluated step by step.
    """
    got = subject.evaluate(case).value

    assert_shape(got, case.result_shape)
    assert_within(subject, case, got, subject.expected_loss(case, as_documented=as_documented))


def assert_gradient(subject: Subject, case: Case, *, as_documented: bool = False) -> None:
    """Raise unless the gradient to each array of scores has its shape and dtype and lies within its bound.

    Args:
        subject: Whom to ask.
        case: The case.
        as_documented: Grant the rounding of the derivative of the page's formula, taken step by step.
    """
    gradients = subject.evaluate(case, "gradient").gradients
    assert_gradients_within(subject, case, gradients, subject.expected(case, as_documented=as_documented))


def assert_gradients_within(subject: Subject, case: Case, gradients: Mapping[str, Array], expected: Answer) -> None:
    """Raise unless each gradient has the shape and dtype of its argument and lies within its bound."""
    for name, got in gradients.items():
        try:
            assert_shape(got, case[name].shape)
            assert_dtype(got, case.dtype)
            assert_within(subject, case, got, expected.gradients[name])
        except Deviation as deviation:
            deviation.source = name
            raise


def assert_sum(case: Case, got: Array, parts: list[Float64], expected: list[Enclosure], share: float = 1.0) -> None:
    """Raise unless a loss is the sum of two others, times a share, within the bounds of all three.

    Args:
        case: Whose loss it is.
        got: The loss.
        parts: The two others.
        expected: What the oracle expects of the two and of the one.
        share: By which the sum is multiplied.
    """
    assert_shape(got, case.result_shape)
    first, second, whole = expected
    total = Array(np.asarray((parts[0] + parts[1]) * share), got.dtype)
    around = Enclosure(
        (first.low + second.low) * share,
        (first.high + second.high) * share,
        (first.bound + second.bound) * share,
        first.reach + second.reach,
        first.depth + second.depth,
        first.middle,
    )
    assert_alike(got, total, whole, around, "the sum of the parts")


def assert_each_loss(subject: Subject, case: Case, got: Array) -> None:
    """Raise unless each of several losses, stacked on the first axis, is the formula's as its page rounds it."""
    expected = subject.expected_loss(case, as_documented=True)
    for values in got.values:
        one = Array(np.asarray(values, dtype=np.float64), got.dtype)
        assert_shape(one, case.result_shape)
        assert_within(subject, case, one, expected)
