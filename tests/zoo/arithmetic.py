"""The arithmetic of a format, simulated: every operation rounds, sums are taken in a stated order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reference.formats import FORMATS, Float64, Format

Sum = Callable[["Rounding", Float64], Float64]


@dataclass(frozen=True)
class Rounding:
    """Rounds to a format: ``fl(a + b)`` is the format's own addition."""

    format: Format

    def __call__(self, values: Float64 | float) -> Float64:
        """Round once, to nearest, ties to even."""
        if self.format.name in ("float16", "float32"):
            with np.errstate(over="ignore", under="ignore"):
                return np.asarray(values).astype(self.format.name).astype(np.float64)
        return self.format.round(values)


def in_format(name: str) -> Rounding:
    """The rounding of a format by name."""
    return Rounding(FORMATS[name])


def one_by_one(fl: Rounding, terms: Float64) -> Float64:
    """First to last."""
    if fl.format.name == "bfloat16":
        total = np.zeros(len(terms))
        for term in terms.T:
            total = fl(total + term)
        return total
    with np.errstate(over="ignore"):
        sums = np.add.accumulate(terms.astype(fl.format.name), axis=1)
    return sums[:, -1].astype(np.float64) if terms.shape[1] else np.zeros(len(terms))


def backwards(fl: Rounding, terms: Float64) -> Float64:
    """Last to first."""
    return one_by_one(fl, terms[:, ::-1])


def ascending(fl: Rounding, terms: Float64) -> Float64:
    """Smallest magnitude first."""
    return one_by_one(fl, np.take_along_axis(terms, np.argsort(np.abs(terms), axis=1), axis=1))


def descending(fl: Rounding, terms: Float64) -> Float64:
    """Largest magnitude first: small terms vanish one by one."""
    return one_by_one(fl, np.take_along_axis(terms, np.argsort(-np.abs(terms), axis=1), axis=1))


def pairwise(fl: Rounding, terms: Float64) -> Float64:
    """Neighbours first, in a binary tree."""
    while terms.shape[1] > 1:
        if terms.shape[1] % 2:
            terms = np.append(terms, np.zeros((len(terms), 1)), axis=1)
        terms = fl(terms[:, ::2] + terms[:, 1::2])
    return terms[:, 0] if terms.shape[1] else np.zeros(len(terms))


def blocked(fl: Rounding, terms: Float64, width: int = 8) -> Float64:
    """As many running sums as a vector register has lanes, added up at the end."""
    if not terms.shape[1]:
        return np.zeros(len(terms))
    missing = -terms.shape[1] % width
    lanes = np.append(terms, np.zeros((len(terms), missing)), axis=1).reshape(len(terms), -1, width)
    sums = one_by_one(fl, lanes.transpose(0, 2, 1).reshape(-1, lanes.shape[1]))
    return one_by_one(fl, sums.reshape(len(terms), width))


def compensated(fl: Rounding, terms: Float64) -> Float64:
    """Kahan's sum, which stops compensating once it has overflowed."""
    total, carried = np.zeros(len(terms)), np.zeros(len(terms))
    for term in terms.T:
        with np.errstate(invalid="ignore"):
            wanted = fl(term - carried)
            longer = fl(total + wanted)
            carried = np.where(np.isfinite(longer), fl(fl(longer - total) - wanted), 0.0)
        total = longer
    return total


def in_single(fl: Rounding, terms: Float64) -> Float64:
    """In float32, where that is wider."""
    return fl(one_by_one(in_format("float32") if fl.format.precision < 24 else fl, terms))


def in_double(fl: Rounding, terms: Float64) -> Float64:
    """In float64."""
    return fl(one_by_one(in_format("float64"), terms))
