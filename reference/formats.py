"""The floating-point formats that subjects compute in.

Every value of a format here is a value of float64, so the suite keeps all scores
as float64 arrays whose elements are exact values of the case's own format.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Format:
    """A binary floating-point format of IEEE 754 shape.

    Attributes:
        name: Its name in NumPy and the frameworks.
        precision: Significant bits, the hidden one included.
        largest_exponent: Exponent of the largest finite value.
    """

    name: str
    precision: int
    largest_exponent: int

    @property
    def unit_roundoff(self) -> float:
        """u: half the distance from 1 to the next value."""
        return 2.0**-self.precision

    @property
    def smallest_normal(self) -> float:
        """λ: below it, values are subnormal and may be flushed to zero."""
        return 2.0 ** (1 - self.largest_exponent)

    @property
    def smallest_subnormal(self) -> float:
        """η: the spacing of the subnormal values."""
        return 2.0 ** (2 - self.largest_exponent - self.precision)

    @property
    def largest(self) -> float:
        """The largest finite value."""
        return (2.0 - 2.0 ** (1 - self.precision)) * 2.0**self.largest_exponent

    def round(self, values: npt.ArrayLike) -> Float64:
        """Round to nearest, ties to even, to this format; overflow gives infinity."""
        wide = np.asarray(values, dtype=np.float64)
        if self.name == "float64":
            return wide.copy()
        spacing = self.spacing(wide)
        with np.errstate(invalid="ignore"):
            rounded = np.where(np.isfinite(wide), np.rint(wide / spacing) * spacing, wide)
            overflowed = np.isfinite(rounded) & (np.abs(rounded) > self.largest)
        return np.where(overflowed, np.copysign(np.inf, rounded), rounded)

    def spacing(self, values: npt.ArrayLike) -> Float64:
        """One ulp at each value: the distance to the next value of larger magnitude."""
        wide = np.asarray(values, dtype=np.float64)
        magnitude = np.where(np.isfinite(wide), np.abs(wide), self.largest)
        _, exponent = np.frexp(np.maximum(magnitude, self.smallest_normal))
        return np.asarray(np.ldexp(1.0, exponent - self.precision), dtype=np.float64)


FORMATS = {
    "float16": Format("float16", 11, 15),
    "bfloat16": Format("bfloat16", 8, 127),
    "float32": Format("float32", 24, 127),
    "float64": Format("float64", 53, 1023),
}
"""Every format the suite knows, by name."""


@dataclass(frozen=True)
class Arithmetic:
    """How a variant computes, as far as the bounds need to know.

    Its accumulator is granted the roundoff of its own format: a half-precision
    subject that sums in float32 does better than it must.

    Attributes:
        format: The format of the input and the result.
        flushes: Subnormal operands and results may be replaced by zero.
    """

    format: Format
    flushes: bool = False

    @property
    def unit_roundoff(self) -> float:
        """U of the format and of its accumulator."""
        return self.format.unit_roundoff

    @property
    def underflow(self) -> float:
        """Largest absolute error of one operation whose result is tiny: λ or η."""
        return self.format.smallest_normal if self.flushes else self.format.smallest_subnormal
