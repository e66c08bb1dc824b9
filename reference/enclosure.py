"""What an oracle answers: an interval that contains the true value of each element of a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from .formats import Bool, Float64, Format


@dataclass(frozen=True)
class Enclosure:
    """The expected values, and how far a correct implementation may be from them.

    Attributes:
        low: Largest float64 value known not to exceed the true value; at a tie, the smaller
            one-sided derivative.
        high: Smallest one known not to be below it; at a tie, the larger derivative.
        bound: Largest error of a correct implementation; same shape, never negative.
        reach: Largest value that an intermediate of a correct implementation may take;
            same shape. Where it exceeds the format, infinity is admitted.
        depth: The same downwards, as a magnitude, for minus infinity. Where both exceed
            the format, opposite infinities may meet, and NaN is admitted.
        middle: The float64 value nearest to the true value; for the soft margin, to the middle
            of the interval, which in float64 is the same in all but rare cases; one of the
            ends at a tie.
    """

    low: Float64
    high: Float64
    bound: Float64
    reach: Float64
    depth: Float64
    middle: Float64

    def within(self, low: Float64, middle: Float64, high: Float64) -> Enclosure:
        """The same bounds around a narrower interval."""
        return Enclosure(low, high, self.bound, self.reach, self.depth, middle)

    def nearest(self, format: Format) -> Float64:
        """The true value rounded once to a format, ties to even; for the soft margin, the middle rounded.

        Between neighbours of float64, the one with the odd significand rounds to a narrower
        format as the true value does (Boldo and Melquiond, "Emulation of FMA and correctly
        rounded sums", 2008).
        """
        if format.name == "float64":
            return self.middle
        between = (self.low < self.high) & (np.nextafter(self.low, np.inf) == self.high)
        odd = np.where(is_even(self.low), self.high, self.low)
        return format.round(np.where(between, odd, self.middle))

    def error(self, got: Float64) -> Float64:
        """Distance from ``got`` to the interval; NaN and infinities are infinitely far."""
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.maximum(np.maximum(self.low - got, got - self.high), 0.0)
        return np.where(np.isfinite(got), distance, np.inf)

    def admits(self, got: Float64, format: Format) -> Bool:
        """Which elements a correct implementation may return.

        Infinities and NaN are admitted where intermediates may exceed the largest finite value.
        """
        return self._admitted(got, self.error(got), format)

    def _admitted(self, got: Float64, error: Float64, format: Format) -> Bool:
        within = np.asarray(error <= self.bound, dtype=np.bool_)
        if within.all():
            return within
        above, below = self.reach > format.largest, self.depth > format.largest
        overflowed = ((got == np.inf) & above) | ((got == -np.inf) & below) | (np.isnan(got) & above & below)
        return np.asarray(within | overflowed, dtype=np.bool_)

    def share(self, got: Float64, format: Format) -> Float64:
        """Error divided by bound; 0 where both are 0 or an infinity is admitted."""
        return self.judge(got, format).shares

    def ulps(self, got: Float64, format: Format) -> Float64:
        """Error in units in the last place of the format, at the nearest expected value."""
        return self.judge(got, format).ulps

    def judge(self, got: Float64, format: Format) -> Judgement:
        """All that is to be said about a result, its error taken once."""
        error = self.error(got)
        admitted = self._admitted(got, error, format)
        if not error.any():
            return Judgement(admitted, error, error)
        counted = error
        if not admitted.all() or not np.isfinite(got).all():
            counted = np.where(admitted & ~np.isfinite(got), 0.0, error)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            shares = np.where(counted == 0.0, 0.0, counted / self.bound)
            ulps = error / format.spacing(np.clip(got, self.low, self.high))
        return Judgement(admitted, shares, ulps)

    def reshape(self, shape: tuple[int, ...]) -> Enclosure:
        """The same elements in another shape."""
        return Enclosure(
            self.low.reshape(shape),
            self.high.reshape(shape),
            self.bound.reshape(shape),
            self.reach.reshape(shape),
            self.depth.reshape(shape),
            self.middle.reshape(shape),
        )


@dataclass(frozen=True)
class Judgement:
    """A result against its enclosure, element by element.

    Attributes:
        admitted: Whether a correct implementation may return it.
        shares: Error divided by bound; 0 where both are 0 or an infinity is admitted.
        ulps: Error in units in the last place of the format, at the nearest expected value.
    """

    admitted: Bool
    shares: Float64
    ulps: Float64


def is_even(values: Float64) -> Bool:
    """Whether the last bit of the significand is 0."""
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.int64)
    return np.asarray(bits & 1 == 0, dtype=np.bool_)


@dataclass(frozen=True)
class Answer:
    """The loss and its gradients, each with its bound.

    Attributes:
        value: The loss; shape ``()``, or that of the elements for reduction ``none``.
        gradients: Gradients by the argument's name, of its shape; the scores first.
    """

    value: Enclosure
    gradients: Mapping[str, Enclosure]

    @property
    def gradient(self) -> Enclosure:
        """The gradient to the scores: the first one."""
        return next(iter(self.gradients.values()))


_AT_ONCE, _LEAST_ROWS = 1 << 15, 64


def blocks(rows: int, classes: int) -> Iterator[slice]:
    """Slices of a batch so small that what is computed of one stays in the processor's cache."""
    step = max(_LEAST_ROWS, _AT_ONCE // max(1, classes))
    yield from (slice(start, start + step) for start in range(0, max(1, rows), step))


def joined(parts: Sequence[Enclosure]) -> Enclosure:
    """The enclosures of neighbouring slices as one; what was one array in each slice stays one."""
    if len(parts) == 1:
        return parts[0]
    made: dict[tuple[int, ...], Float64] = {}

    def whole(name: str) -> Float64:
        arrays = [getattr(part, name) for part in parts]
        key = tuple(id(array) for array in arrays)
        if key not in made:
            made[key] = np.concatenate(arrays)
        return made[key]

    return Enclosure(**{field.name: whole(field.name) for field in fields(Enclosure)})
