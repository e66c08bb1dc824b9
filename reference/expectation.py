"""What one result must be, and the check of a result that somebody's program gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arguments import DomainError
from .enclosure import Enclosure
from .formats import Bool, Float64, Format

_NARROW = 2.0**-20
"""An interval narrower than this share of its bound is shown as one number."""


class Deviation(AssertionError):
    """A result outside its bound, or of another shape or dtype."""

    __module__ = "lossproof"


@dataclass(frozen=True, eq=False, repr=False)
class Expectation:
    """A loss or a gradient: the true value of each element, and how far a right result may be from it.

    Attributes:
        title: What it is of, for messages.
        format: Of the implementation.
        enclosure: Of the true value.
    """

    title: str
    format: Format
    enclosure: Enclosure

    def __repr__(self) -> str:
        return f"<{self.title}: value {self.value}, bound {self.bound}>"

    @property
    def value(self) -> Float64:
        """The float64 number nearest to the true value, of the result's shape.

        NaN where :attr:`bound` is infinite. At a tie it lies between the one-sided derivatives.
        """
        return np.where(self._unbounded(), np.nan, self.enclosure.middle)

    @property
    def low(self) -> Float64:
        """The largest float64 number that is known not to exceed the true value; at a tie, the smaller derivative."""
        return self.enclosure.low

    @property
    def high(self) -> Float64:
        """The smallest float64 number that is known not to be below it; at a tie, the larger derivative."""
        return self.enclosure.high

    @property
    def bound(self) -> Float64:
        """How far below ``low`` or above ``high`` a right result may be, of the result's shape.

        An absolute error, in the units of the result. Infinite where the formula has no
        value, and where an intermediate result may exceed the format.
        """
        return np.where(self._unbounded(), np.inf, self.enclosure.bound)

    def check(self, got: Any) -> None:
        """Raise unless a result is what a right implementation may give.

        Args:
            got: An array, a NumPy scalar, a number or a list of numbers. What has a dtype must
                have that of the implementation; for bfloat16, which NumPy lacks, float32 will do.

        Raises:
            Deviation: The first element outside its bound, another shape, or another dtype.
            DomainError: An element has an infinite bound, so that no result would be wrong.
        """
        __tracebackhide__ = True
        array = self._array(got)
        unbounded = self._unbounded()
        if unbounded.any():
            raise DomainError(
                f"{self.title}: no bound at element {_first(unbounded)}: the formula has no value there, "
                f"or an intermediate result may exceed {self.format.name}; check other inputs"
            )
        wrong = ~self.enclosure.admits(array, self.format)
        if wrong.any():
            raise Deviation(self._shown(array, wrong))

    def _unbounded(self) -> Bool:
        own = self.enclosure
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(~np.isfinite(own.bound) | ~np.isfinite(own.high - own.low), dtype=np.bool_)

    def _array(self, got: Any) -> Float64:
        __tracebackhide__ = True
        array = np.asarray(got)
        names = {self.format.name} | ({"float32"} if self.format.name == "bfloat16" else set[str]())
        known = array.dtype.name in names if hasattr(got, "dtype") else array.dtype.kind in "fi"
        if not known and (array.size or hasattr(got, "dtype")):
            raise Deviation(f"{self.title}: dtype {array.dtype.name}; expected {self.format.name}")
        if array.shape != self.enclosure.low.shape:
            raise Deviation(f"{self.title}: shape {array.shape}; expected {self.enclosure.low.shape}")
        return array.astype(np.float64)

    def _shown(self, got: Float64, wrong: Bool) -> str:
        place = _first(wrong)
        low, middle, high = (float(end[place]) for end in (self.low, self.enclosure.middle, self.high))
        value, bound = float(got[place]), float(self.enclosure.bound[place])
        ulp = float(self.format.spacing(middle if np.isnan(value) else np.clip(value, low, high)))
        error = float(self.enclosure.error(got)[place])
        expected = f"from {_number(low)} to {_number(high)}" if high - low > _NARROW * bound else _number(middle)
        lines = [
            f"{self.title}: {np.count_nonzero(wrong)} of {wrong.size} elements outside the bound",
            f"  element   {place}",
            f"  got       {_number(value)}",
            f"  expected  {expected}",
            f"  error     {error:.4g} ({error / ulp:.4g} ulp); the bound is {bound:.4g} ({bound / ulp:.4g} ulp)",
        ]
        return "\n".join(lines)


def _first(chosen: Bool) -> tuple[int, ...]:
    return tuple(int(index) for index in np.argwhere(chosen)[0])


def _number(value: float) -> str:
    return f"{value!r}   ({value.hex()})" if np.isfinite(value) else repr(value)
