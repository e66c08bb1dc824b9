"""What an oracle answers: an interval for each element of a result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference.formats import Bool, Float64, Format


@dataclass(frozen=True)
class Enclosure:
    """The expected values, and how far a correct implementation may be from them.

    Attributes:
        low: Smallest expected value; at a tie, the smaller one-sided derivative.
        high: Largest expected value; equal to ``low`` away from ties.
        bound: Largest error of a correct implementation; same shape, never negative.
        reach: Largest magnitude that an intermediate of a correct implementation may
            take; same shape. Where it exceeds the format, infinity is admitted.
    """

    low: Float64
    high: Float64
    bound: Float64
    reach: Float64

    def error(self, got: Float64) -> Float64:
        """Distance from ``got`` to the interval; NaN and infinities are infinitely far."""
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.maximum(np.maximum(self.low - got, got - self.high), 0.0)
        return np.where(np.isfinite(got), distance, np.inf)

    def admits(self, got: Float64, format: Format) -> Bool:
        """Which elements a correct implementation may return.

        Infinity is admitted where an intermediate may exceed the largest finite value.
        """
        overflowed = np.isinf(got) & (self.reach > format.largest) & ((got > 0) | (self.low < 0))
        admitted: Bool = (self.error(got) <= self.bound) | overflowed
        return admitted

    def share(self, got: Float64, format: Format) -> Float64:
        """Error divided by bound; 0 where both are 0 or an infinity is admitted."""
        error = np.where(self.admits(got, format) & ~np.isfinite(got), 0.0, self.error(got))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(error == 0.0, 0.0, error / self.bound)

    def ulps(self, got: Float64, format: Format) -> Float64:
        """Error in units in the last place of the format, at the nearest expected value."""
        with np.errstate(over="ignore"):
            return self.error(got) / format.spacing(np.clip(got, self.low, self.high))

    def reshape(self, shape: tuple[int, ...]) -> Enclosure:
        """The same elements in another shape."""
        return Enclosure(
            self.low.reshape(shape),
            self.high.reshape(shape),
            self.bound.reshape(shape),
            self.reach.reshape(shape),
        )


@dataclass(frozen=True)
class Answer:
    """The loss and its gradients, each with its bound.

    Attributes:
        value: The loss; shape ``()``, or ``(N,)`` for reduction ``none``.
        gradient: Gradient to the input, of the input's shape.
    """

    value: Enclosure
    gradient: Enclosure
